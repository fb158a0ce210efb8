"""Which field names the flow of events, among all that stay the same along one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from ingest.roles.finder import RoleFinder
from stormwatch.storage import open_scratch

from .cascades import Event, flows, survivors

Logs = dict[str, list[dict[str, Any]]]


def told(logs: Logs) -> dict[str, str]:
    """Path -> the field that names flows."""
    with open_scratch() as connection:
        finder = RoleFinder(connection)
        for path, records in logs.items():
            finder.add(path, [json.dumps(record).encode() for record in records])
        finder.look()
        return {one.scope: ".".join(one.field) for one in finder.decisions() if one.role == "correlation_id"}


def logged(record: Callable[[Event], dict[str, Any]]) -> Logs:
    """Events of 300 flows in one log, some of them lost."""
    rng = random.Random(1)
    return {
        "a.log": [
            {"event_id": e.id, "caused_by": e.cause, **record(e)} for e in survivors(rng, flows(rng, 300))
        ]
    }


def customer(event: Event) -> str:
    """One of nine, who have many flows each."""
    return f"C-{int(event.flow[:6], 16) % 9:03d}"


@pytest.mark.parametrize("name", ["tx", "txId", "session_id", "story"])
def test_a_name_of_who_holds_locks_is_one_like_any_other_where_nothing_is_locked(name: str) -> None:
    assert told(logged(lambda e: {name: e.flow})) == {"a.log": name}
    locked = told(logged(lambda e: {name: e.flow, "lock_name": "row-1"}))
    assert locked == ({"a.log": name} if name == "story" else {})


@pytest.mark.parametrize("name", ["order_id", "OrderNo", "cart_id"])
def test_what_is_called_a_key_and_is_none_names_flows_if_each_begins_once(name: str) -> None:
    flow = {"": 0}

    def number(event: Event) -> int:
        return flow.setdefault(event.flow, len(flow))

    assert told(logged(lambda e: {"customer_id": customer(e), name: number(e)})) == {"a.log": name}
    assert told(logged(lambda e: {"customer_id": customer(e), name: number(e) % 9})) == {}
    assert told(logged(lambda e: {name: number(e)})) == {}


def test_of_two_without_a_name_the_one_that_each_flow_has_of_its_own() -> None:
    assert told(logged(lambda e: {"who": customer(e) + "xx", "story": e.flow})) == {"a.log": "story"}


def test_the_logs_of_who_comes_last_have_few_records_of_each_flow() -> None:
    records = logged(lambda e: {"who": customer(e), "story": e.flow})["a.log"]
    causes = {one["caused_by"] for one in records}
    seen: set[str] = set()
    logs: Logs = {"first.log": [], "last.log": []}
    for one in records:
        is_last = one["event_id"] not in causes and one["story"] not in seen and one["caused_by"]
        logs["last.log" if is_last else "first.log"].append(one)
        if is_last:
            seen.add(one["story"])
    assert told(logs) == {"first.log": "story", "last.log": "story"}
