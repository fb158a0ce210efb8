"""Several programs that write one file, and those whose causes only others write, are told all the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

import duckdb
import pytest

from ingest.mapping import Inferred, likeness
from ingest.roles.finder import RoleFinder
from ingest.roles.samples import sampled
from stormwatch.storage import open_empty

from .cascades import Event, Record, flows, survivors


def _plain(event: Event) -> dict[str, Any]:
    return {
        "time": 1,
        "level": "info",
        "id": event.id,
        "causation_id": event.cause,
        "correlation_id": event.flow,
    }


def _misleading(event: Event) -> dict[str, Any]:
    return {
        "ts": 1,
        "lvl": "info",
        "messageId": event.id,
        "correlationId": event.cause,
        "conversation": event.flow,
    }


def _unknown(event: Event) -> dict[str, Any]:
    return {"vaqt": "x y", "stufe": 1, "raqam": event.id, "wegen": event.cause, "kette": event.flow}


DIALECTS: tuple[Record, ...] = (_plain, _misleading, _unknown)
MISLEADING = {"causation_id": "correlationId", "correlation_id": "conversation"}
"""What its names do not say."""
UNKNOWN = {"event_id": "raqam", "causation_id": "wegen", "correlation_id": "kette"}


def _look(connection: duckdb.DuckDBPyConnection, logs: dict[str, list[dict[str, Any]]]) -> RoleFinder:
    finder = RoleFinder(connection)
    for path, records in logs.items():
        finder.add(path, (json.dumps(record).encode() for record in records))
    finder.look()
    return finder


def _overrides(inferred: Inferred, record: Iterable[str]) -> dict[str, str]:
    return {role: ".".join(path) for role, path in inferred.of([(key,) for key in record]).items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_programs_that_share_a_file_have_fields_of_their_own(seed: int) -> None:
    rng = random.Random(seed)
    events = survivors(rng, flows(rng, 400))
    mixed = [rng.choices(DIALECTS, [6, 3, 1])[0](event) for event in events]
    with open_empty() as connection:
        finder = _look(connection, {"all.log": mixed})
        finder.save()
        again = RoleFinder(connection)
        again.load()
        for known in (finder, again):
            inferred = known.fields_of("all.log")
            assert _overrides(inferred, ["level", "id", "causation_id", "correlation_id"]) == {}
            assert _overrides(inferred, _misleading(events[0])) == MISLEADING
            assert _overrides(inferred, _unknown(events[0])) == UNKNOWN


def test_what_is_told_of_a_file_is_found_without_going_through_what_is_told_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = random.Random(5)
    mixed = [_unknown(event) for event in survivors(rng, flows(rng, 100))]
    with open_empty() as connection:
        finder = _look(connection, {"one.log": mixed, "other.log": []})
        monkeypatch.delattr(RoleFinder, "decisions")
        assert _overrides(finder.fields_of("one.log"), mixed[0]) == UNKNOWN
        assert finder.decision("one.log", "event_id", ["raqam"]) is not None
        assert finder.fields_of("other.log") == Inferred()


def test_records_of_one_program_are_one_kind_however_many_fields_they_have() -> None:
    rng = random.Random(4)
    records = [
        {**_misleading(event), **{f"x{number}": 1 for number in range(rng.randrange(4))}}
        for event in survivors(rng, flows(rng, 300))
    ]
    with open_empty() as connection:
        decided = _look(connection, {"all.log": records}).decisions()
    assert {one.role for one in decided} == {"event_id", "causation_id", "correlation_id"}
    assert not any(one.kind for one in decided)


def test_keys_that_are_ids_make_no_kinds_and_are_not_kept() -> None:
    one, other = ({"id": "e1", "scores": {f"{user}-{n}": n for n in range(5000)}} for user in "ab")
    [first], [second] = (list(sampled(json.dumps(record).encode())) for record in (one, other))
    assert first.fields == second.fields == {("id",), ("scores",)}
    [flat] = sampled(json.dumps(one["scores"]).encode())
    assert 0 < len(flat.fields) < 100


def test_the_last_of_a_chain_is_told_by_what_others_say_of_its_events() -> None:
    """It causes nothing, and what it names as causes stands in other logs under other names."""
    rng = random.Random(5)
    events = flows(rng, 400)
    causes = {event.cause for event in events}
    logs: dict[str, list[dict[str, Any]]] = {"first.log": [], "last.log": []}
    for event in events:
        logs["first.log"].append(_misleading(event))
        if event.id not in causes:
            logs["last.log"].append(_unknown(event))
    with open_empty() as connection:
        inferred = _look(connection, logs).fields_of("last.log")
    assert _overrides(inferred, _unknown(events[0])) == UNKNOWN


def test_a_log_of_effects_is_told_by_its_causes_in_others() -> None:
    """What it sends others receive, so that its ids are known; its causes have causes under another name."""
    rng = random.Random(6)
    events = flows(rng, 400)
    logs: dict[str, list[dict[str, Any]]] = {"first.log": [], "own.log": []}
    depth: dict[str, int] = {}
    for event in events:
        depth[event.id] = depth.get(event.cause or "", 0) + 1
        log, record = ("own.log", _unknown) if depth[event.id] == 3 else ("first.log", _misleading)
        logs[log].append(record(event))
    with open_empty() as connection:
        inferred = _look(connection, logs).fields_of("own.log")
    assert _overrides(inferred, _unknown(events[0])) == UNKNOWN


def test_what_was_not_looked_into_is_one_field() -> None:
    kind = frozenset({("a",), ("b", "x"), ("b", "y")})
    assert likeness(kind, frozenset({("a",), ("b",)})) == 1
    assert likeness(kind, frozenset({("a",), ("b", "x")})) == pytest.approx(2 / 3)
    assert likeness(frozenset(), frozenset()) == 0


def test_the_flow_of_first_events_is_told_by_the_logs_of_their_effects() -> None:
    """They name no cause, and each is alone in its log."""
    rng = random.Random(8)
    logs: dict[str, list[dict[str, Any]]] = {"first.log": [], "then.log": []}
    for event in flows(rng, 300):
        record = {key: value for key, value in _unknown(event).items() if value is not None}
        logs["then.log" if event.cause else "first.log"].append(record)
    with open_empty() as connection:
        inferred = _look(connection, logs).fields_of("first.log")
    assert _overrides(inferred, logs["first.log"][0]) == {"event_id": "raqam", "correlation_id": "kette"}
