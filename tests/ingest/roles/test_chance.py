"""Numbers that are found because there are so many of them are no causes; real ones are found."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from ingest.roles.chance import beyond, expected, is_near

from .test_finder import found, lines


def counted(first: int, **fields: Any) -> bytes:
    """A thousand records of a table that counts its ids up; a field is made by a function of the id."""
    return lines(*({"id": first + n, **{k: make(n) for k, make in fields.items()}} for n in range(1000)))


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("customer_id", 1), ("product_id", 1), ("category_id", 1), ("updated_by", 5000),
        ("customer_id", 10_000_000), ("ref", 10_000_000), ("parent_id", 1), ("causation_id", 1),
    ],
)  # fmt: skip
def test_a_number_of_another_table_is_no_cause(name: str, first: int) -> None:
    rng = random.Random(1)
    for most in (100, 1000):
        assert found({"a.log": counted(first, **{name: lambda _, m=most: first + rng.randrange(m)})}) == {}


@pytest.mark.parametrize("slope", [0.3, 0.6, 0.8])
def test_a_number_that_rises_with_the_ids_is_no_cause(slope: float) -> None:
    assert found({"a.log": counted(1, ticket_id=lambda n: 1 + int(slope * n))}) == {}


def test_a_customer_of_steps_of_ten_is_no_cause() -> None:
    rng = random.Random(3)
    records = [{"id": 10 * n, "customer_id": 10 * rng.randrange(100)} for n in range(1000)]
    assert found({"a.log": lines(*records)}) == {}


@pytest.mark.parametrize(("id_name", "name"), [("id", "causation_id"), ("id", "parent"), ("nid", "xfrom")])
@pytest.mark.parametrize("is_shuffled", [False, True])
def test_a_cause_among_ids_that_are_counted_up_is_found(id_name: str, name: str, is_shuffled: bool) -> None:
    rng = random.Random(4)
    records: list[dict[str, Any]] = [
        {id_name: n, name: n - rng.randrange(1, 40) if n > 40 and rng.random() < 0.7 else None,
         "customer_id": rng.randrange(1, 100)}
        for n in range(1, 2000)
    ]  # fmt: skip
    if is_shuffled:
        rng.shuffle(records)
    decided = found({"a.log": lines(*records)})
    assert decided["a.log", "causation_id"].field == (name,)
    assert decided["a.log", "event_id"].field == (id_name,)


def test_a_cause_among_short_numbers_far_apart_is_found() -> None:
    rng = random.Random(5)
    ids = rng.sample(range(1_000_000), 1000)
    records = [{"no_id": one, "after_id": ids[rng.randrange(n)] if n else None} for n, one in enumerate(ids)]
    assert found({"a.log": lines(*records)})["a.log", "causation_id"].field == ("after_id",)


def test_what_is_found_by_chance_is_the_density_around() -> None:
    keys = np.arange(0, 10_000, 4)
    assert expected(np.arange(0, 1000), keys) == pytest.approx(1000, rel=0.02), "a common step is left out"
    some = np.unique(np.random.default_rng(1).integers(0, 100_000, 10_000))
    # A tenth, and somewhat more as the denser side counts.
    assert 950 < expected(np.arange(0, 100_000, 10), some) < 1600
    assert expected(np.array([500_000]), some) == 0
    assert expected(np.array([], dtype=int), some) == 0


def test_what_is_found_beyond_chance() -> None:
    assert beyond(0.9, 1000, 0) == 0.9
    assert beyond(0.5, 1000, 500) == 0
    assert beyond(1.0, 1000, 1000) == 0
    assert 0.8 < beyond(0.95, 10_000, 5000) < 0.95
    assert beyond(0.6, 30, 15) == 0, "as few may be so by accident"


def test_near_is_nearer_than_others_are() -> None:
    own = np.arange(1000)
    rng = np.random.default_rng(2)
    assert is_near(own, own - rng.integers(1, 20, 1000), is_called_cause=False)
    assert not is_near(own, own + rng.integers(1, 20, 1000), is_called_cause=True), "later"
    assert not is_near(own, rng.integers(0, 1000, 1000) - 1000, is_called_cause=True)
    far = own - rng.integers(1, 600, 1000)
    assert is_near(own, far, is_called_cause=True)
    assert not is_near(own, far, is_called_cause=False)
