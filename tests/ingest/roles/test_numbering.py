"""Which number is the sequence of which key, told by the values where names say nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from .looking import decisions


def decided(records: list[dict[str, Any]]) -> dict[str, tuple[str, bool]]:
    return {one.role: (".".join(one.field), one.is_override) for one in decisions(records)}


def counted(rng: random.Random, keys: int, per_key: int) -> Iterator[tuple[str, int]]:
    """Every key with its next number, in any order, 5 % lost, some swapped."""
    numbers = [0] * keys
    made = []
    for _ in range(keys * per_key):
        key = rng.randrange(keys)
        numbers[key] += 1
        if rng.random() > 0.05:
            made.append((f"gadget-{key}", numbers[key]))
    for _ in range(len(made) // 10):
        at = rng.randrange(len(made) - 3)
        made[at], made[at + 2] = made[at + 2], made[at]
    yield from made


def test_a_counter_that_nobody_knows_the_name_of() -> None:
    rng = random.Random(1)
    records = [
        {"gadget": key, "ctr": number, "load": rng.randrange(100), "site": rng.choice("ab"), "ms": number * 7}
        for key, number in counted(rng, 20, 30)
    ]
    assert decided(records) == {"sequence": ("ctr", True), "stream_key": ("gadget", True)}


def test_names_that_are_right_are_confirmed() -> None:
    records = [{"partition_key": key, "seq": n, "n": n} for key, n in counted(random.Random(2), 20, 30)]
    assert decided(records) == {"sequence": ("seq", False), "stream_key": ("partition_key", False)}


def test_the_key_that_the_numbers_are_of_is_taken_among_several() -> None:
    rng = random.Random(3)
    records = [
        {"customer_id": f"customer-{rng.randrange(50)}", "order_id": key, "seq": number}
        for key, number in counted(rng, 20, 30)
    ]
    assert decided(records)["stream_key"] == ("order_id", True)


def test_numbers_that_count_nothing_tell_nothing() -> None:
    rng = random.Random(4)
    records = [
        {"gadget": f"gadget-{rng.randrange(20)}", "load": rng.randrange(30), "size": rng.randrange(10**6)}
        for _ in range(2000)
    ]
    assert decided(records) == {}


def test_one_counter_for_all_tells_no_key() -> None:
    assert decided([{"host": f"h{n % 3}", "line": n} for n in range(1000)]) == {}


def test_numbers_are_keys_where_they_are_called_so() -> None:
    records = [
        {"user_id": int(key.removeprefix("gadget-")), "ctr": number}
        for key, number in counted(random.Random(5), 20, 30)
    ]
    assert decided(records) == {"sequence": ("ctr", True), "stream_key": ("user_id", False)}
    assert decided([{"load": one["user_id"], "ctr": one["ctr"]} for one in records]) == {}
