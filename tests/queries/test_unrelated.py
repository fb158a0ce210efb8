"""What must not change an answer: an event that has nothing to do with it, and the order of other streams."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from stormwatch.catalog import Catalog

from .golden import insert

_START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - naive UTC as stored
_QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("causal_chain", {"event": "f0-2"}),
    ("chain_fold", {"event": "f0-0"}),
    ("critical_path", {"event": "f0-0"}),
    ("causal_path", {"first": "f0-0", "second": "f0-8"}),
    ("causal_loops", {}),
)


def _flow(name: str) -> list[dict[str, Any]]:
    """Nine events in a row, by turns of three types: each type comes back twice."""
    return [
        {
            "event_id": f"{name}-{place}", "causation_id": f"{name}-{place - 1}" if place else None,
            "occurred_at": _START + timedelta(seconds=place), "operation": "send", "node": name,
            "event_type": f"type {place % 2}", "entity": name, "correlation_id": name,
        }
        for place in range(9)
    ]  # fmt: skip


def _answers(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, files: list[list[dict[str, Any]]]
) -> list[list[dict[str, Any]]]:
    """All questions, with each list of rows as the content of one file."""
    database.execute("DELETE FROM observations")
    for file_id, rows in enumerate(files):
        placed = [row | {"file_id": file_id, "byte_offset": place * 100} for place, row in enumerate(rows)]
        insert(database, "observations", pa.Table.from_pylist(placed))
    return [
        [
            {key: value for key, value in row.items() if key not in {"file_id", "byte_offset"}}
            for row in catalog.run(database, name, **arguments).to_pylist()
            if row.get("root_id", "f0-0") == "f0-0"
        ]
        for name, arguments in _QUESTIONS
    ]


def test_an_unrelated_event_changes_no_chain(database: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    before = _answers(database, catalog, [_flow("f0")])
    alien = {**dict.fromkeys(_flow("f0")[0]), "event_id": "alien", "occurred_at": _START, "node": "elsewhere"}
    assert all(before)
    assert _answers(database, catalog, [_flow("f0"), [alien]]) == before


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_independent_streams_changes_no_chain(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, seed: int
) -> None:
    flows = [_flow(f"f{number}") for number in range(4)]
    before = _answers(database, catalog, flows)
    dice = random.Random(seed)
    mixed: list[dict[str, Any]] = []
    waiting = [list(flow) for flow in flows]
    while any(waiting):
        mixed.append(dice.choice([flow for flow in waiting if flow]).pop(0))
    assert all(before)
    assert _answers(database, catalog, [mixed]) == before
