"""How the log was cut into files and batches, interleaved and resumed changes no answer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.service import Ingester, Settings
from stormwatch.catalog import Catalog
from stormwatch.storage import Store
from tests.prepared import prepare

_START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - naive UTC as stored
_PLACES = {"file_id", "byte_offset"}
_ASKED: dict[str, dict[str, Any]] = {
    "reorderings": {}, "reorder_hotspots": {}, "reorder_ranking": {"min_arrivals": 1}, "reorder_density": {},
    "reorder_runs": {}, "n_reordering": {}, "buffer_occupancy": {}, "discontinuities": {},
    "delay_variation": {}, "numbering_restarts": {}, "clock_order": {},
    "loss_periods": {"allowed_lateness": "10 seconds"}, "order_cost": {}, "order_loss": {},
    "swapped_pairs": {}, "duplicates": {},
    "gaps": {"allowed_lateness": "10 seconds"}, "gap_states": {"allowed_lateness": "10 seconds"},
    "undelivered": {"allowed_lateness": "10 seconds"}, "entity_conflicts": {}, "schema_versions": {},
    "field_changes": {"min_count": 1}, "changes_before": {"onset": _START + timedelta(minutes=5)},
    "explain_difference": {
        "selection": "all", "since": _START + timedelta(seconds=33),
        "baseline_since": _START, "baseline_until": _START + timedelta(seconds=33), "min_count": 1,
    },
}  # fmt: skip


class Delivery(NamedTuple):
    """What is logged of a message: by its sender, and by each of its receivers."""

    stream: str
    sequence: int
    received_by: tuple[str, ...]
    version: int


class Layout(NamedTuple):
    """How the lines come to the reader."""

    files: int
    order: tuple[int, ...]
    batch_records: int
    resumed_at: float


deliveries = st.lists(
    st.builds(
        Delivery,
        stream=st.sampled_from(["orders", "mails"]),
        sequence=st.integers(1, 15),
        received_by=st.lists(st.sampled_from(["billing", "audit"]), max_size=3).map(tuple),
        version=st.integers(1, 2),
    ),
    min_size=5,
    max_size=30,
)
layouts = st.builds(
    Layout,
    files=st.integers(1, 4),
    order=st.permutations(range(7)).map(tuple),
    batch_records=st.sampled_from([1, 3, 1000]),
    resumed_at=st.floats(0, 1),
)


def _records(story: Sequence[Delivery]) -> list[dict[str, Any]]:
    """No two at the same time, for then their places in the log decide."""
    records: list[dict[str, Any]] = [
        {"id": "c-1", "service": "config", "operation": "change", "type": "config.changed", "message": "x"}
    ]
    for message in story:
        common: dict[str, Any] = {
            "id": f"{message.stream}-{message.sequence}", "type": "paid", "stream": message.stream,
            "partition_key": "k", "sequence": message.sequence, "schema_version": str(message.version),
            "entity": "o-1", "entity_version": message.sequence, "expected_version": message.sequence - 1,
            "epoch": f"e{message.version}",
        }  # fmt: skip
        if message.stream == "mails":  # only clocks tell of its order
            del common["sequence"]
        records.append(common | {"service": "shop", "node": "shop-1", "operation": "send"})
        for number, service in enumerate(message.received_by):
            records.append(
                common
                | {
                    "service": service,
                    "node": f"{service}-{number}",
                    "operation": "receive",
                    "tries": number if message.version == 1 else "many",
                }
            )
    for second, record in enumerate(records):
        record["time"] = f"{(_START + timedelta(seconds=second)).isoformat()}Z"
    return records


def _lines(records: Sequence[dict[str, Any]], layout: Layout) -> dict[str, list[str]]:
    """Each line in a file of its group; within a file the lines come in an order of their own."""
    files: dict[str, list[tuple[int, str]]] = {}
    for place, record in enumerate(records):
        name = f"{place % layout.files}.jsonl"
        turn = place // 7 * 7 + layout.order[place % 7]
        files.setdefault(name, []).append((turn, json.dumps(record)))
    return {name: [line for _, line in sorted(lines)] for name, lines in files.items()}


def _answers(
    catalog: Catalog, records: list[dict[str, Any]], layout: Layout, asked: Iterable[str]
) -> dict[str, list[str]]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name) / "logs"
        directory.mkdir()
        database = prepare(Path(name) / "story.duckdb")
        given_settings = Settings(directory)
        batch = replace(given_settings.batch, records=layout.batch_records)
        for part in (0, 1):
            for file, lines in _lines(records, layout).items():
                cut = round(len(lines) * layout.resumed_at)
                with (directory / file).open("a") as log:
                    log.writelines(f"{line}\n" for line in (lines[cut:] if part else lines[:cut]))
            with Store(database) as store:
                ingester = Ingester(store, replace(given_settings, batch=batch))
                ingester.drain()
                ingester.close()
        with Store(database) as store, store.cursor() as cursor:
            return {
                relation: sorted(
                    repr([value for name, value in row.items() if name not in _PLACES])
                    for row in catalog.run(cursor, relation, **_ASKED[relation]).to_pylist()
                )
                for relation in asked
            }


def _check(
    catalog: Catalog, story: list[Delivery], layout: Layout, asked: Iterable[str] = _ASKED
) -> dict[str, list[str]]:
    records = _records(story)
    plain = Layout(files=1, order=tuple(range(7)), batch_records=1000, resumed_at=1)
    expected = _answers(catalog, records, plain, asked)
    assert _answers(catalog, records, layout, asked) == expected
    return expected


def _told() -> list[Delivery]:
    """A story of which every relation has something to tell."""
    numbers = {1: 1, 2: 1, 4: 1, 3: 1, 9: 1, 10: 2, 11: 2, 12: 2}
    late = [
        Delivery("orders", number, ("billing", "audit", "billing"), version)
        for number, version in numbers.items()
    ]
    return late + [Delivery("mails", number, ("billing",) if number < 3 else (), 2) for number in range(1, 9)]


_CUT = Layout(files=3, order=(6, 5, 4, 3, 2, 1, 0), batch_records=3, resumed_at=0.5)


@pytest.mark.slow
def test_a_cut_and_resumed_log(catalog: Catalog) -> None:
    _check(catalog, _told(), _CUT, ["reorderings", "duplicates", "gaps", "order_loss", "undelivered"])


@pytest.mark.slow
def test_every_relation_has_something_to_tell(catalog: Catalog) -> None:
    answers = _check(catalog, _told(), _CUT)
    assert [name for name, rows in answers.items() if not rows] == []


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=deliveries, layout=layouts)
def test_any_layout(catalog: Catalog, story: list[Delivery], layout: Layout) -> None:
    _check(catalog, story, layout)
