"""What cannot be written down line by line: long chains, and many rows in any order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from stormwatch.catalog import Catalog
from stormwatch.storage import open_empty

from .golden import insert

_LENGTH = 10_000
_START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - naive UTC as stored


@pytest.fixture(scope="module")
def long_chain(catalog: Catalog) -> Iterator[duckdb.DuckDBPyConnection]:
    """e-0 caused e-1 caused e-2 ..."""
    with open_empty() as connection:
        catalog.install(connection)
        rows = [
            {
                "event_id": f"e-{number}", "occurred_at": _START + timedelta(milliseconds=number),
                "causation_id": f"e-{number - 1}" if number else None,
                "correlation_id": f"flow-{number // 100}",
            }
            for number in range(_LENGTH)
        ]  # fmt: skip
        insert(connection, "observations", pa.Table.from_pylist(rows))
        yield connection


@pytest.mark.parametrize("asked", [0, 5_000, _LENGTH - 1])
def test_a_chain_of_ten_thousand(long_chain: duckdb.DuckDBPyConnection, catalog: Catalog, asked: int) -> None:
    rows = catalog.run(long_chain, "causal_chain", event=f"e-{asked}", depth_limit=_LENGTH)
    assert rows.column("event_id").to_pylist() == [f"e-{number}" for number in range(_LENGTH)]
    assert rows.column("depth").to_pylist() == list(range(-asked, _LENGTH - asked))


def test_the_depth_limit_cuts_a_long_chain(long_chain: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    rows = catalog.run(long_chain, "causal_chain", event="e-5000")
    assert rows.column("depth").to_pylist() == list(range(-1000, 1001))


def test_the_largest_chain_of_one_long_chain(long_chain: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    [row] = catalog.run(long_chain, "largest_chains").to_pylist()
    assert (row["root_id"], row["event_count"], row["depth_max"]) == ("e-0", _LENGTH, _LENGTH - 1)


@pytest.mark.parametrize(("seconds", "rows"), [(2_000, 2_001), (2_001, 2)])
def test_a_silence_of_the_event_rate(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, seconds: int, rows: int
) -> None:
    """1999 empty buckets in a row are shown, 2000 are a break."""
    times = [_START, _START + timedelta(seconds=seconds)]
    insert(database, "observations", pa.table({"occurred_at": times}))
    rate = catalog.run(database, "event_rate", bucket=timedelta(seconds=1))
    assert rate.num_rows == rows
    assert rate.column("bucket_start").to_pylist()[:: rows - 1] == times


def _story(dice: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Some thousand rows with many ties: few instants, few ids, few names."""
    observations: list[dict[str, Any]] = [
        {
            "file_id": 1 + place % 3, "byte_offset": place // 3 * 100,
            "event_id": f"o-{dice.randrange(300)}",
            "occurred_at": _START + timedelta(seconds=dice.randrange(60)),
            "service": dice.choice(["audit", "billing"]), "node": dice.choice(["n-1", "n-2"]),
            "operation": dice.choice(["send", "receive", "receive", "process", "deadlock"]),
            "event_type": dice.choice(["created", "paid"]), "stream": dice.choice(["orders", "mails"]),
            "stream_key": None, "entity": dice.choice(["order 1", "order 2"]),
            "sequence": dice.randrange(200), "sequence_source": "producer",
            "causation_id": dice.choice([None, f"o-{dice.randrange(300)}"]),
            "correlation_id": f"flow-{dice.randrange(20)}", "severity": dice.choice(["info", "error"]),
        }
        for place in range(3_000)
    ]  # fmt: skip
    causes = [
        {"file_id": row["file_id"], "byte_offset": row["byte_offset"], "effect_id": row["event_id"],
         "cause_id": f"o-{dice.randrange(300)}"}
        for row in dice.sample(observations, 200)
    ]  # fmt: skip
    locks = [
        {"event_id": row["event_id"], "owner": str(owner), "blocked_by": str(1 - owner),
         "resource": f"row {owner}", "statement": dice.choice(["update a", "update b"]),
         "operation": "deadlock", "occurred_at": row["occurred_at"]}
        for row in observations
        if row["operation"] == "deadlock"
        for owner in (0, 1)
    ]  # fmt: skip
    locks += [
        {
            **dict.fromkeys(locks[0]), "event_id": f"k-{place}", "owner": f"tx {place % 5}",
            "resource": f"{dice.choice(['order', 'stock'])} {dice.randrange(2)}",
            "operation": dice.choice(["lock_wait", "lock_acquire", "lock_release"]),
            "occurred_at": _START + timedelta(seconds=dice.randrange(60)),
        }
        for place in range(200)
    ]  # fmt: skip
    locks = [row | {"byte_offset": place} for place, row in enumerate(locks)]
    without_ids = [
        {
            **dict.fromkeys(observations[0]), "file_id": 1, "byte_offset": 1_000_000 + place,
            "occurred_at": _START + timedelta(seconds=dice.randrange(60)),
            "operation": dice.choice(["send", "receive"]), "stream": "n-1 -> n-2",
            "stream_key": f"append {dice.randrange(20)}",
        }
        for place in range(60)
    ]  # fmt: skip
    changed = [
        {
            **dict.fromkeys(observations[0]), "file_id": 1, "byte_offset": 2_000_000 + place,
            "occurred_at": _START + timedelta(seconds=40), "service": "config", "node": "n-9",
            "operation": "change", "event_type": "config.changed", "schema_version": str(place % 2),
            "entity": "settings", "expected_version": 1, "entity_version": 2,
            "attributes": '{"value": 1}' if place % 2 else '{"value": "on"}',
        }
        for place in range(60)
    ]  # fmt: skip
    end = {
        "file_id": 1, "byte_offset": 3_000_000, "occurred_at": _START + timedelta(seconds=50),
        "event_type": "END", "correlation_id": "flow-1", "attributes": '{"event_count": 7}',
    }  # fmt: skip
    changed.append(dict.fromkeys(changed[0]) | end)
    caused = {
        **dict.fromkeys(observations[0]), "file_id": 1, "byte_offset": 4_000_000, "event_id": "d-1",
        "occurred_at": _START + timedelta(seconds=30), "operation": "deadlock", "causation_id": "d-0",
    }  # fmt: skip
    ordered = [
        caused | {
            "byte_offset": 5_000_000 + place, "event_id": f"w-{place}", "operation": "send",
            "node": node, "entity": "order 3",
        }
        for place, node in ((1, "n-1"), (2, "n-1"), (3, "n-2"))
    ]  # fmt: skip
    letters = [
        caused | {
            "byte_offset": 6_000_000 + 10 * number + place, "event_id": f"l-{number}", "operation": operation,
            "stream": "letters", "service": operation, "node": operation,
            "occurred_at": _START + timedelta(seconds=number if place else 5 - number),
        }
        for number in range(5)
        for place, operation in enumerate(("send", "receive"))
    ]  # fmt: skip
    epochs = [
        caused | {
            "byte_offset": 7_000_000 + 10 * place + number, "event_id": f"{epoch}-{number}",
            "operation": "receive", "stream": "epochs", "service": "audit", "epoch": epoch,
            "sequence": number, "sequence_source": "producer",
            "occurred_at": _START + timedelta(seconds=10 * place + number),
        }
        for place, epoch in enumerate("ab")
        for number in (1, 2)
    ]  # fmt: skip
    added = [*without_ids, *changed, caused, *ordered, *letters, *epochs]
    return {
        "observations": [dict.fromkeys([*changed[0], "epoch"]) | row for row in observations + added],
        "causes": causes,
        "locks": locks,
        "file_scopes": [{"file_id": number, "scope": f"#-{number % 2}"} for number in (1, 2, 3)],
        "field_uses": [
            {
                "scope": f"#-{number % 2}",
                "format": dice.choice("ab"),
                "role": role,
                "mapping": "{}",
                "source": "name",
                "field": f'["{number}"]',
            }
            for number, role in enumerate(("event_id", "causation_id", "occurred_at"))
        ],
        "rejects": [{"byte_offset": -number, "reason": dice.choice("ab")} for number in range(50)],
        "files": [{"file_id": number, "path": f"{number}.jsonl"} for number in (1, 2, 3)],
        "alert_episodes": [
            {
                "episode_id": number,
                "rule": "storm_ahead",
                "episode_key": f"k-{number % 2}",
                "state": dice.choice(["firing", "resolved"]),
                "onset_at": _START,
                "evaluated_at": _START + timedelta(seconds=number % 3),
            }
            for number in range(9)
        ],
        "annotations": [
            {
                "note_id": number,
                "noted_at": _START + timedelta(seconds=number % 3),
                "author": "ann",
                "text": f"t-{number}",
                "created_at": _START,
            }
            for number in range(9)
        ],
        "batches": [
            {"batch_id": number, "committed_at": _START + timedelta(seconds=20 * number)}
            for number in range(9)
        ],
    }


def _tick(story: dict[str, list[dict[str, Any]]], length: timedelta) -> None:
    """Have clocks go in steps, so that much happens at one instant."""
    for row in (row for rows in story.values() for row in rows if row.get("occurred_at")):
        row["occurred_at"] -= (row["occurred_at"] - _START) % length


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "tick_s"), [(7, 0.001), (0, 1), (1, 5)])
def test_the_order_of_insertion_changes_no_answer(catalog: Catalog, seed: int, tick_s: float) -> None:
    """The same rows, committed in other batches and read by one thread or two, give the same tables."""
    dice = random.Random(seed)
    story = _story(dice)
    _tick(story, timedelta(seconds=tick_s))
    arguments: dict[str, dict[str, Any]] = {
        "causal_chain": {"event": "o-3"},
        "changes_before": {"onset": _START + timedelta(minutes=1)},
        "causal_path": {"first": "w-1", "second": "w-2"},
        "chain_edges": {"event": "o-3"},
        "chain_diff": {"first": "o-1", "second": "o-2"},
        "chain_fold": {"event": "o-3", "depth_limit": 5},
        "chain_shape_changes": {
            "since": _START + timedelta(seconds=30),
            "until": _START + timedelta(seconds=60),
        },
        "critical_path": {"event": "o-3"},
        "crossing_messages": {
            "event": "a-1",
            "overtaker": "a-2",
            "came_at": _START + timedelta(seconds=1),
            "of_consumer": "audit",
        },
        "causal_order": {"first": "o-1", "second": "o-2"},
        "deadlock_causes": {"deadlock": "d-1"},
        "deadlock_edges": {"deadlock": story["locks"][0]["event_id"]},
        "event_observations": {"event": "o-3"},
        "event_search": {"search": "O-1"},
        "explain_difference": {
            "selection": "all",
            "since": _START + timedelta(seconds=30),
            "baseline_since": _START,
            "baseline_until": _START + timedelta(seconds=30),
        },
        "loop_chains": {"of_loop": "created <-> paid"},
        "loop_edges": {"instant": _START + timedelta(minutes=1)},
        "log_pace": {"newest": _START + timedelta(seconds=50)},
        "loss_periods": {"allowed_lateness": "1 second"},
        "observation_at": {"in_file": 2, "at_offset": 4_500},
        "record_context": {"in_file": 2, "at_offset": 4_500},
        "record_place": {"in_file": 2, "at_offset": 4_500},
    }
    asked = [name for name, query in catalog.items() if not query.is_internal and name != "events"]
    first: dict[str, pa.Table] = {}
    for threads in (1, 2, 1, 2):
        with open_empty() as connection:
            catalog.install(connection)
            connection.execute(f"SET threads = {threads}")
            for table, rows in story.items():
                insert(connection, table, pa.Table.from_pylist(dice.sample(rows, len(rows))))
            for name in asked:
                answer = catalog.run(connection, name, **arguments.get(name, {}))
                assert answer.num_rows > 0 or tick_s >= 1, f"{name} is not tried by this story"
                assert answer.equals(first.setdefault(name, answer)), name
