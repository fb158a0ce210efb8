"""Which field says what kind of event a record is, where none is called a type."""

from __future__ import annotations

import random
from typing import Any

import pytest

from .looking import decided, decided_of

_TYPES = ("order.placed", "order.paid", "OrderShipped")


def events(name: str, values: tuple[str, ...] = _TYPES, count: int = 60, **more: Any) -> list[dict[str, Any]]:
    rng = random.Random(1)
    return [{"event_id": f"e-{n}", name: rng.choice(values), **more} for n in range(count)]


@pytest.mark.parametrize("name", ["name", "what", "fact"])
def test_a_few_names_told_many_times_are_types(name: str) -> None:
    assert decided(events(name)) == {"event_type": name}


def test_within_what_is_said_of_a_message_too() -> None:
    records = [{"event_id": one["event_id"], "meta": {"name": one["name"]}} for one in events("name")]
    assert decided(records) == {"event_type": "meta.name"}


def test_a_field_that_is_called_a_type_goes_before() -> None:
    assert decided(events("name", event_type="x")) == {}


def test_what_is_called_an_event_and_says_what_was_done_with_one_is_no_type() -> None:
    done = [{**one, "event": ("emitted", "handled")[n % 2]} for n, one in enumerate(events("name"))]
    assert decided(done) == {"event_type": "name"}
    assert decided([*done, {"event_id": "e-60", "event": "order.lost", "name": "x"}]) == {}
    assert decided([{**one, "kind": 3} for one in done]) == {}
    assert decided([*done, {"event_id": "e-60", "event": "the order is lost", "name": "x"}]) == {}


def test_the_name_of_a_logger_is_none() -> None:
    assert decided(events("name", level="info", msg="started")) == {}
    assert decided(events("name", levelname="INFO")) == {}
    assert decided(events("what", level="info", msg="started")) == {"event_type": "what"}


def test_many_names_few_records_one_name_or_texts_tell_nothing() -> None:
    assert decided(events("name", tuple(f"person{n}" for n in range(60)))) == {}
    assert decided(events("name", count=19)) == {}
    assert decided(events("name", ("same",))) == {}
    assert decided(events("name", ("12", "13"))) == {}
    assert decided(events("colour")) == {}


def test_what_is_done_is_no_type() -> None:
    assert decided(events("what", ("publish", "deliver"))) == {"operation": "what"}


def test_the_name_of_a_service_is_none_and_the_nearest_goes_before() -> None:
    records = [
        {"meta": {"app": {"name": f"s{n % 3}"}, "name": "x"}, **one} for n, one in enumerate(events("name"))
    ]
    assert decided(records) == {"event_type": "name"}
    assert decided([{"meta": {"app": {"name": f"s{n % 3}"}}} for n in range(60)]) == {}


def test_one_kind_of_events_is_told_by_the_field_that_others_have_several_in() -> None:
    logs = {"orders.log": events("what"), "mail.log": events("what", ("mail.sent",))}
    assert decided_of(logs) == {
        ("mail.log", "event_type"): "what", ("orders.log", "event_type"): "what",
    }  # fmt: skip
    assert decided_of({"mail.log": events("what", ("mail.sent",))}) == {}
