"""Which field says what kind of event a record is, where none is called a type."""

from __future__ import annotations

import random
from typing import Any

import pytest

from .looking import decided

_TYPES = ("order.placed", "order.paid", "OrderShipped")


def events(name: str, values: tuple[str, ...] = _TYPES, count: int = 60, **more: Any) -> list[dict[str, Any]]:
    rng = random.Random(1)
    return [{"event_id": f"e-{n}", name: rng.choice(values), **more} for n in range(count)]


@pytest.mark.parametrize("name", ["name", "what", "evt"])
def test_a_few_names_told_many_times_are_types(name: str) -> None:
    assert decided(events(name)) == {"event_type": name}


def test_within_what_is_said_of_a_message_too() -> None:
    records = [{"event_id": one["event_id"], "meta": {"name": one["name"]}} for one in events("name")]
    assert decided(records) == {"event_type": "meta.name"}


def test_a_field_that_is_called_a_type_goes_before() -> None:
    assert decided(events("name", event_type="x")) == {}


def test_the_name_of_a_logger_is_none() -> None:
    assert decided(events("name", level="info", msg="started")) == {}
    assert decided(events("name", levelname="INFO")) == {}
    assert decided(events("ev", level="info", msg="started")) == {"event_type": "ev"}


def test_many_names_few_records_one_name_or_texts_tell_nothing() -> None:
    assert decided(events("name", tuple(f"person{n}" for n in range(60)))) == {}
    assert decided(events("name", count=19)) == {}
    assert decided(events("name", ("same",))) == {}
    assert decided(events("name", ("12", "13"))) == {}
    assert decided(events("colour")) == {}
