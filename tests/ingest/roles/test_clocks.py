"""Which field says when a record was written, told by the values where no name says it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .looking import decided

_BEGIN = datetime(2026, 11, 23, 9, tzinfo=UTC)


def at(second: float) -> datetime:
    return (_BEGIN + timedelta(seconds=second)).replace(tzinfo=None)


@pytest.mark.parametrize(
    "written",
    [
        lambda second: at(second).isoformat() + "Z",
        lambda second: at(second).isoformat(" ", "milliseconds").replace(".", ",") + " +0200",
        lambda second: round(at(second).timestamp() * 1000),
    ],
)
def test_the_times_that_rise_are_those_of_the_log(written: Any) -> None:
    rng = random.Random(1)
    records = [
        {"art": "verkauft", "geburtstag": at(-rng.randrange(10**9)).isoformat(), "vaqt": written(n + 0.25)}
        for n in range(40)
    ]
    assert decided(records) == {"occurred_at": "vaqt"}


def test_records_that_stand_near_each_other_may_have_come_in_any_order() -> None:
    rng = random.Random(2)
    seconds = sorted(range(200), key=lambda n: n + rng.uniform(-6, 6))
    records = [
        {"geburtstag": at(-rng.randrange(10**9)).isoformat(), "vaqt": at(second).isoformat()}
        for second in seconds
    ]
    assert decided(records) == {"occurred_at": "vaqt"}


def test_of_two_that_rise_the_later_one_is_when_it_was_written() -> None:
    records = [{"ende": at(n + 5).isoformat(), "beginn": at(n).isoformat()} for n in range(40)]
    assert decided(records) == {"occurred_at": "ende"}


@pytest.mark.parametrize("name", ["expires_at", "lockedUntil", "nextRunAt", "due", "validTo", "retry_at"])
def test_what_is_to_come_is_not_when_it_was_written(name: str) -> None:
    records = [{"vaqt": at(n).isoformat(), name: at(n + 1800).isoformat()} for n in range(40)]
    assert decided(records) == {"occurred_at": "vaqt"}
    assert decided([{name: at(n + 1800).isoformat()} for n in range(40)]) == {}


def test_a_name_goes_before_all_values() -> None:
    records = [{"vaqt": at(n).isoformat(), "ts": at(n - 1).isoformat()} for n in range(40)]
    assert decided(records) == {}


def test_a_time_in_business_data_is_neither_a_name_nor_a_time_of_the_log() -> None:
    records = [{"vaqt": at(n).isoformat(), "data": {"date": at(n).isoformat()}} for n in range(40)]
    assert decided(records) == {"occurred_at": "vaqt"}
    assert decided([{"data": {"vaqt": at(n).isoformat()}} for n in range(40)]) == {}


def test_times_in_no_order_in_few_records_or_always_the_same_tell_nothing() -> None:
    shuffled = [{"vaqt": at(n).isoformat()} for n in range(40)]
    random.Random(2).shuffle(shuffled)
    assert decided(shuffled) == {}
    assert decided([{"vaqt": at(n).isoformat()} for n in range(9)]) == {}
    assert decided([{"vaqt": at(0).isoformat(), "n": n} for n in range(40)]) == {}
    seldom = [{"n": n} | ({"vaqt": at(n).isoformat()} if n % 4 == 0 else {}) for n in range(40)]
    assert decided(seldom) == {}
