"""What is called the id of an event may be a code that many events share."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.mapping import Inferred
from ingest.roles.finder import RoleFinder
from stormwatch.storage import open_empty


def inferred(records: list[dict[str, Any]]) -> Inferred:
    with open_empty() as connection:
        finder = RoleFinder(connection)
        finder.add("a.log", [json.dumps(record).encode() for record in records])
        finder.look()
        return finder.fields_of("a.log")


@pytest.mark.parametrize("name", ["id", "EventID", "event_id"])
@pytest.mark.parametrize("made", [int, str])
def test_a_number_that_many_records_share_is_no_id(name: str, made: Any) -> None:
    records = [{"ts": f"2026-11-28T15:04:{n % 60:02}Z", name: made(4600 + n % 10)} for n in range(300)]
    assert dict(inferred(records).fields) == {"event_id": ()}


@pytest.mark.parametrize(
    "ids",
    [
        [4600 + n % 10 for n in range(299)],  # too few records
        [4600 + n % 11 for n in range(300)],  # too few for each
        [f"order-{n % 10}" for n in range(300)],
        [46000000 + n % 10 for n in range(300)],
    ],
)
def test_all_else_that_is_called_an_id_stays_one(ids: list[Any]) -> None:
    records = [{"ts": f"2026-11-28T15:04:{n % 60:02}Z", "id": one} for n, one in enumerate(ids)]
    assert inferred(records) == Inferred()


def test_a_code_that_causes_are_found_in_is_an_id() -> None:
    records = [
        {"ts": f"2026-11-28T15:{n // 60:02}:{n % 60:02}Z", "id": n, "causation_id": n - 1}
        for n in range(1, 400)
    ]
    assert "event_id" not in inferred(records).fields
