"""UUIDs that logs write in several ways are read in one; what is merely alike stays apart."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.reader import Share
from ingest.spellings import as_one, as_one_sql
from stormwatch.storage import open_empty
from tests.ingest.tail.rig import Rig

from .cascades import flows

UUID = "c4ff64de-bb5d-4b48-bc3b-66fa30d0b194"
Spelling = Callable[[str], str]
SPELLINGS: dict[str, Spelling] = {
    "as it is": lambda one: one,
    "upper case": str.upper,
    "without dashes": lambda one: one.replace("-", ""),
    "braces": lambda one: f"{{{one.upper()}}}",
    "a resource": lambda one: f"urn:uuid:{one}",
}
PAIRS = [
    # Half of what is spelled in two ways is left to the run of everything.
    pytest.param(own, cause, marks=pytest.mark.slow if (first + second) % 2 else ())
    for first, own in enumerate(SPELLINGS)
    for second, cause in enumerate(SPELLINGS)
]
ALIKE = (
    "4bf92f3577b34da6a3ce929d0e0e4736x", "C4FF64DE-BB5D-4B48-BC3B-66FA30D0B19", "aBcDeFgH", "",
    "4BF92F3577B30DA6A3CE929D0E0E4736", "c4ff64de:bb5d:4b48:bc3b:66fa30d0b194",
    "{c4ff64de-bb5d-4b48-bc3b-66fa30d0b194", "c4ff64debb5d-4b48-bc3b-66fa30d0b194",
)  # fmt: skip
"""No UUID: too long, too short, without a version, with other marks, half in braces, half with dashes."""


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, batch=Share(bytes=1 << 20, records=100))


def record(event_id: str, cause: str | None, flow: str) -> dict[str, Any]:
    return {"event_id": event_id, "correlation_id": flow} | ({"causation_id": cause} if cause else {})


def lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_is_the_same_id(name: str) -> None:
    assert as_one(SPELLINGS[name](UUID)) == UUID


@pytest.mark.parametrize("text", ALIKE)
def test_what_is_merely_alike_is_none(text: str) -> None:
    assert as_one(text) is None


def test_the_database_says_the_same() -> None:
    texts = [*(spell(UUID) for spell in SPELLINGS.values()), *ALIKE]
    with open_empty() as connection:
        found = connection.execute(
            f"SELECT {as_one_sql('t')} FROM unnest(?) AS texts (t)", [texts]
        ).fetchall()
    assert [one for (one,) in found] == [as_one(text) or text for text in texts]


@pytest.mark.parametrize(("own", "cause"), PAIRS)
def test_services_that_spell_ids_in_their_own_way(rig: Rig, own: str, cause: str) -> None:
    events = flows(random.Random(5), 60)
    spell = {True: SPELLINGS[own], False: SPELLINGS[cause]}
    logs: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for event in events:
        mine = spell[event.cause is None]
        led = mine(event.cause) if event.cause else None
        logs[event.cause is None].append(record(mine(event.id), led, mine(event.flow)))
    for is_first, records in logs.items():
        rig.add("first.log" if is_first else "later.log", lines(records))
    rig.drain()
    rig.check_conservation()
    known = rig.query("SELECT DISTINCT event_id, causation_id, correlation_id FROM observations")
    at_all = {as_one(text) or text for row in known for text in row if text}
    assert {tuple(text and as_one(text) for text in row) for row in known} == {
        (event.id, event.cause, event.flow) for event in events
    }
    assert len({text for row in known for text in row if text}) == len(at_all), "each in one spelling"


def test_where_all_spell_them_alike_they_stay_as_they_are_written(rig: Rig) -> None:
    events = flows(random.Random(6), 60)
    written = [record(e.id.upper(), e.cause and e.cause.upper(), e.flow.upper()) for e in events]
    rig.add("all.log", lines(written))
    rig.drain()
    found = rig.query("SELECT DISTINCT event_id, causation_id, correlation_id FROM observations")
    assert set(found) == {(e.id.upper(), e.cause and e.cause.upper(), e.flow.upper()) for e in events}


def test_ids_that_differ_by_their_case_alone_are_different_events(rig: Rig) -> None:
    ids = ["".join(one) for n in range(64) for one in [("aA"[n >> k & 1] for k in range(6))]]
    rig.add("all.log", lines([record(one, ids[n // 2] if n else None, "f") for n, one in enumerate(ids)]))
    rig.drain()
    assert set(rig.query("SELECT event_id, causation_id FROM observations")) == {
        (one, ids[n // 2] if n else None) for n, one in enumerate(ids)
    }
