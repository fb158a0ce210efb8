"""A planted cause among confounded attributes is the first explanation."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from stormwatch.catalog import Catalog

from .golden import insert

_START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - naive UTC as stored
_CHANGE = "prefetch 1 -> 50"
Event = dict[str, Any]


def _events(dice: random.Random) -> Iterator[Event]:
    """Nodes of two versions, a setting that goes with both, few hot streams and many cold ones."""
    for number in range(20_000):
        node = dice.randrange(20)
        version = "3" if dice.random() < 0.03 else str(1 + node % 2)
        ordering = "off" if node % 4 == 0 and version == "1" else "on"
        yield {
            "event_id": f"e-{number}", "occurred_at": _START + timedelta(milliseconds=50 * number),
            "service": "billing", "node": f"n-{node}", "stream": f"s-{int(dice.paretovariate(1)) % 40}",
            "event_type": dice.choice(["paid", "noted", "sent"]), "schema_version": version,
            "attributes": json.dumps({"ordering": ordering, "amount": dice.randrange(10**6)}),
        }  # fmt: skip


_CAUSES: dict[str, tuple[Callable[[Event], bool], dict[str, str]]] = {
    "a node": (lambda event: event["node"] == "n-7", {"node": "n-7"}),
    "a rare version": (lambda event: event["schema_version"] == "3", {"schema_version": "3"}),
    "a setting": (lambda event: '"off"' in event["attributes"], {"ordering": "off"}),
    "a stream": (lambda event: event["stream"] == "s-2", {"stream": "s-2"}),
    "a type on a node": (
        lambda event: event["node"] == "n-3" and event["event_type"] == "paid",
        {"node": "n-3", "event_type": "paid"},
    ),
    "a change": (
        lambda event: event["occurred_at"] >= _START + timedelta(minutes=10),
        {"after": f"{_CHANGE} (config) at 2026-11-20 10:10:00"},
    ),
}


@pytest.mark.parametrize("cause", _CAUSES)
def test_the_planted_cause_comes_first(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, cause: str
) -> None:
    dice = random.Random(cause)
    is_caused, planted = _CAUSES[cause]
    events = list(_events(dice))
    for event in events:
        event["severity"] = "ERROR" if dice.random() < (0.2 if is_caused(event) else 0.01) else "INFO"
    change = {
        "event_id": "c-1", "occurred_at": _START + timedelta(minutes=10), "service": "config",
        "operation": "change", "event_type": "config.changed", "message": _CHANGE,
    }  # fmt: skip
    insert(database, "observations", pa.Table.from_pylist(events))
    insert(database, "observations", pa.Table.from_pylist([change | {"file_id": 2}]))
    first = catalog.run(database, "explain_difference", selection="error").to_pylist()[0]
    found = {first["attribute"]: first["value"], first["other_attribute"]: first["other_value"]}
    found.pop(None, None)
    assert found == planted
