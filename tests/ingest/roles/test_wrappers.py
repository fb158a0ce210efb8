"""Objects of unknown names in which the names of fields count, as they hold what is said of a message."""

from __future__ import annotations

import random
import uuid
from typing import Any

import pytest

from .looking import decided

_BEGIN_MS = 1_795_424_400_000


def test_two_names_that_only_messages_have_make_all_of_an_object_count() -> None:
    records = [
        {"env": {"topic": "orders", "offset": n * 3 % 7, "type": "Paid", "pod": "a"}, "data": {"type": "x"}}
        for n in range(40)
    ]
    assert decided(records) == {
        "stream": "env.topic",
        "broker_sequence": "env.offset",
        "event_type": "env.type",
        "operation_hint": "env.type",
        "node": "env.pod",
    }


def test_a_name_beside_an_id_that_values_told_is_enough() -> None:
    rng = random.Random(1)
    records: list[dict[str, Any]] = []
    for _ in range(300):
        before = rng.choice(records)["hd"]["me"] if records and rng.random() < 0.7 else None
        me = str(uuid.UUID(int=rng.getrandbits(128)))
        records.append({"hd": {"me": me, "after": before, "queue": f"q{rng.randrange(3)}"}, "n": 1})
    assert decided(records) == {
        "event_id": "hd.me", "causation_id": "hd.after", "stream": "hd.queue",
    }  # fmt: skip


@pytest.mark.parametrize(
    "business",
    [
        {"id": "17", "type": "gold", "status": "open", "customer_id": "c-1", "partition": 3},
        {"topic": "music", "created": "2026-11-23", "author": "x"},
        {"host": "a", "service": "b", "user_id": "u"},
    ],
)
def test_business_data_is_none(business: dict[str, Any]) -> None:
    assert decided([{"order": business, "n": n} for n in range(40)]) == {}


def test_what_is_named_where_names_count_stays_so() -> None:
    records = [{"topic": "x", "meta": {"offset": 1}, "env": {"topic": "y", "offset": n}} for n in range(40)]
    assert decided(records) == {}


@pytest.mark.parametrize("name", ["data", "payload"])
def test_objects_in_business_data_are_none(name: str) -> None:
    assert decided([{name: {"env": {"topic": "y", "offset": n}}} for n in range(40)]) == {}


@pytest.mark.parametrize("time", [_BEGIN_MS, _BEGIN_MS // 1000, "2026-11-23T09:00:00Z"])
def test_a_time_that_is_called_so_in_one_counts_where_it_rises(time: int | str) -> None:
    def at(n: int) -> int | str:
        return time + n if isinstance(time, int) else time.replace("00Z", f"{n:02}Z")

    assert decided([{"env": {"ts": at(n)}, "n": 1} for n in range(40)]) == {"occurred_at": "env.ts"}
    falling = [{"env": {"ts": at(40 - n)}, "n": 1} for n in range(40)]
    assert decided(falling) == {}


def test_a_time_in_one_that_is_of_a_message_counts_in_any_order() -> None:
    records = [{"env": {"ts": _BEGIN_MS + n * 37 % 40, "topic": "a", "offset": n}} for n in range(40)]
    assert decided(records) == {
        "occurred_at": "env.ts", "stream": "env.topic", "broker_sequence": "env.offset",
    }  # fmt: skip
    ages = [{"env": {"time": n % 7, "topic": "a", "offset": n}} for n in range(40)]
    assert "occurred_at" not in decided(ages)


def test_an_id_deeper_than_names_count_is_looked_for_though_it_is_called_so() -> None:
    rng = random.Random(2)
    records: list[dict[str, Any]] = []
    for _ in range(300):
        before = rng.choice(records)["custom"]["event"]["id"] if records and rng.random() < 0.7 else None
        me = f"{rng.getrandbits(48):012x}"
        records.append({"custom": {"event": {"id": me}, "parent": {"event": {"id": before}}}})
    assert decided(records) == {"event_id": "custom.event.id", "causation_id": "custom.parent.event.id"}


def test_an_object_that_is_the_cause_says_nothing_of_its_effect() -> None:
    rng = random.Random(3)
    records: list[dict[str, Any]] = []
    for _ in range(300):
        cause = rng.choice(records) if records and rng.random() < 0.7 else None
        why = cause and {"id": cause["id"], "type": "Paid", "service": f"s{rng.randrange(3)}", "queue": "q"}
        records.append({"id": f"{rng.getrandbits(48):012x}", "because": why})
    assert decided(records) == {"causation_id": "because.id"}


def test_what_stands_beside_the_number_of_an_event_is_said_of_it() -> None:
    records = [
        {"at": {"stream": f"s{n % 2}", "key": f"k-{n % 12}", "counter": n // 12}, "n": 1} for n in range(360)
    ]
    assert decided(records) == {"sequence": "at.counter", "stream_key": "at.key", "stream": "at.stream"}
