"""Ids that are a part of a field, behind a word or in a list, are told by their values like whole ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from stormwatch.fields import field_name

from .cascades import Event, flows, survivors
from .looking import decisions

Record = Callable[[Event], dict[str, Any]]


def told(events: Sequence[Event], record: Record) -> dict[str, str]:
    return {one.role: field_name(one.field) for one in decisions([record(event) for event in events])}


def span(name: str | None) -> str | None:
    return name and name.replace("-", "")[:16]


def context(event: Event, of: str | None) -> dict[str, str]:
    return {"traceparent": f"00-{event.flow.replace('-', '')}-{span(of)}-01"} if of else {}


LAYOUTS: dict[str, tuple[Record, str, str]] = {
    "the context of a trace": (
        lambda e: {"span": span(e.id), "headers": context(e, e.cause)},
        "span", "{headers.traceparent|span}",
    ),
    "a word before the cause": (
        lambda e: {"key": e.id, "ref": e.cause and f"event:{e.cause}"}, "key", "{ref|bare}",
    ),
    "a name of a resource": (
        lambda e: {"key": e.id, "ref": e.cause and f"urn:event:{e.cause}"}, "key", "{ref|bare}",
    ),
    "a word before the id": (
        lambda e: {"key": f"msg-{e.id}", "ref": e.cause}, "{key|bare}", "ref",
    ),
    "a word before both": (
        lambda e: {"key": f"msg-{e.id}", "ref": e.cause and f"msg-{e.cause}"}, "key", "ref",
    ),
    "a list of objects": (
        lambda e: {"uid": e.id, "triggers": [{"id": e.cause, "kind": "x"}] if e.cause else []},
        "uid", "triggers",
    ),
    "a list of ids": (
        lambda e: {"uid": e.id, "whence": [e.cause] if e.cause else []}, "uid", "whence",
    ),
}  # fmt: skip
"""Name -> how an event is logged, which field is its id, and which its cause."""


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_id_within_a_field(name: str) -> None:
    rng = random.Random(21)
    record, event_id, cause = LAYOUTS[name]
    found = told(survivors(rng, flows(rng, 300)), record)
    assert (found["event_id"], found["causation_id"]) == (event_id, cause)


@pytest.mark.parametrize(("place", "order"), [("last", 1), ("first", -1)])
def test_of_a_lineage_the_nearest_is_the_cause(place: str, order: int) -> None:
    rng = random.Random(22)
    events = flows(rng, 300)
    causes = {event.id: event.cause for event in events}

    def lineage(event: Event) -> list[str]:
        above = causes[event.id]
        led = []
        while above is not None:
            led.append(above)
            above = causes[above]
        return led[::-order]

    found = told(survivors(rng, events), lambda e: {"uid": e.id, "path": lineage(e)})
    assert (found["event_id"], found["causation_id"]) == ("uid", f"{{path|{place}}}")
