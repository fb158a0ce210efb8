"""Of many kinds of logs the same is told as of one alone, from no more records."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ingest.roles.samples import Sampled
from ingest.roles.thinning import EVERY, draw, thin

from .test_finder import found, lines

_FILES = 6


def far_back(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Records in order, a quarter with causes of up to 3,000 records before."""
    ids = [f"{rng.getrandbits(128):032x}" for _ in range(count)]
    return [
        {"ts": n, "raqam": one, "ausloeser": ids[rng.randrange(max(0, n - 3000), n)]}
        if n and rng.random() < 0.25
        else {"ts": n, "raqam": one, "ausloeser": None}
        for n, one in enumerate(ids)
    ]


@pytest.mark.slow
def test_causes_far_back_are_found_in_several_kinds_of_logs() -> None:
    logs = {f"{'abcdefgh'[n]}.log": lines(*far_back(random.Random(n), 4000)) for n in range(_FILES)}
    decided = found(logs)
    assert {(scope, role) for scope, role in decided} == {
        (path, role) for path in logs for role in ("event_id", "causation_id")
    }
    assert all(one.confidence > 0.9 for one in decided.values())


def test_numbers_of_several_kinds_of_logs_are_found_by_chance_as_those_of_one() -> None:
    rng = random.Random(1)
    logs = {
        f"{'abcdefgh'[file]}.log": lines(
            *(
                {"id": n, "ref": rng.randrange(1, 4000), "category_id": rng.randrange(1, 500)}
                for n in range(4000)
            )
        )
        for file in range(3)
    }
    assert found(logs) == {}


def sampled(*values: str) -> Sampled:
    return Sampled([((f"field{n}",), value) for n, value in enumerate(values)], [], [], None)


def test_records_with_a_value_in_common_stay_together() -> None:
    rng = random.Random(2)
    pairs = [f"{rng.getrandbits(64):x}" for _ in range(2000)]
    records = [sampled(one, "service") for one in pairs] + [sampled("service", one) for one in pairs]
    chosen, limit = thin(records, 1000)
    assert 900 <= len(chosen) <= 1000
    whole = {number for number, one in enumerate(pairs) if draw(one) < limit}
    assert set(chosen) == whole | {number + len(pairs) for number in whole}


def test_a_few_records_are_all_looked_at() -> None:
    records = [sampled("a"), sampled("b")]
    assert thin(records, 2) == ([0, 1], EVERY)
