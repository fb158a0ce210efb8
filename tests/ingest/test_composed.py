"""Events without an id of their own are told by what numbers them, as causes name them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.composed import is_composed, of, parts, values
from ingest.mapping import from_options
from stormwatch.fields import field_name
from tests.ingest.tail.rig import Rig

from .roles.cascades import flows, survivors

EDGES = "SELECT DISTINCT event_id, causation_id FROM observations"
Place = tuple[int, int]
"""Stream and number."""
FORMS: dict[str, tuple[Callable[[Place], dict[str, Any]], Callable[[Place], Any], Callable[[Place], str]]] = {
    "version of a stream": (
        lambda at: {"stream": f"order-{at[0]}", "version": at[1]},
        lambda at: f"order-{at[0]}@{at[1]}",
        lambda at: f"order-{at[0]}@{at[1]}",
    ),
    "number before the stream": (
        lambda at: {"streamId": f"o-{at[0]}", "eventNumber": at[1]},
        lambda at: f"{at[1]}@o-{at[0]}",
        lambda at: f"{at[1]}@o-{at[0]}",
    ),
    "offset of a partition": (
        lambda at: {"topic": "shop's orders", "partition": at[0], "offset": at[1]},
        lambda at: f"{at[0]}:{at[1]}",
        lambda at: f"{at[0]}:{at[1]}",
    ),
    "offset of a partition of a topic, in an object": (
        lambda at: {"topic": "orders", "partition": at[0], "offset": at[1]},
        lambda at: {"topic": "orders", "partition": at[0], "offset": at[1]},
        lambda at: f"orders-{at[0]}-{at[1]}",
    ),
}
"""Fields of an event, how an effect names it, and the id that it is known by."""


@pytest.mark.parametrize("form", FORMS)
def test_causes_that_name_a_stream_and_a_number_are_found(tmp_path: Path, form: str) -> None:
    fields, named, known = FORMS[form]
    rng = random.Random(3)
    made = flows(rng, 250)
    places = {event.id: (rng.randrange(20), 1000 + number) for number, event in enumerate(made)}
    kept = survivors(rng, made)

    def record(event: str, cause: str | None) -> dict[str, Any]:
        return {"type": "done", **fields(places[event]), "causedBy": named(places[cause]) if cause else None}

    rig = Rig(tmp_path)
    lines = [json.dumps(record(event.id, event.cause)).encode() + b"\n" for event in kept]
    rig.add("shop.log", b"".join(lines))
    rig.drain()
    assert set(rig.query(EDGES)) == {
        (known(places[event.id]), known(places[event.cause]) if event.cause else None) for event in kept
    }
    assert rig.query(
        "SELECT count(*) FROM observations WHERE contains(attributes::VARCHAR, '@composed')"
    ) == [(0,)]


def test_the_user_may_say_what_an_id_is_made_of(tmp_path: Path) -> None:
    rig = Rig(tmp_path, mapping=from_options(["id=it's {a.stream}/{nr}", "cause=wegen"]))
    rig.add("shop.log", b'{"a":{"stream":"s"},"nr":7,"wegen":"x"}\n{"a":{"stream":"s"}}\n')
    rig.drain()
    assert rig.query("SELECT event_id, causation_id FROM observations ORDER BY byte_offset") == [
        ("it's s/7", "x"),
        (None, None),
    ]


def test_a_record_with_an_id_needs_no_other() -> None:
    fields = {("stream",): "a", ("version",): "1"}
    assert (of("{stream}@{version}"), "a@1") in list(values(frozenset(fields), fields))
    assert not list(values(frozenset({*fields, ("id",)}), {**fields, ("id",): "e"}))


def test_what_is_made_of_fields_goes_by_its_template() -> None:
    path = of("{a.stream}@{version}")
    assert is_composed(path)
    assert not is_composed(())
    assert parts(path) == (("a", "stream"), ("version",))
    assert field_name(path) == "{a.stream}@{version}"


def test_spellings_of_a_record_are_not_all_tried() -> None:
    names = [f"{'_' * n}{name}" for n in range(300) for name in ("stream", "partition", "offset")]
    found = {(name,): "1" for name in names}
    assert len(list(values(frozenset(found), found))) <= 64
