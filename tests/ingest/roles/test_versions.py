"""Which number is the version of which entity, told by the values, whatever the fields are called."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.mapping import from_options
from ingest.reader import Share
from ingest.roles.finder import RoleFinder
from stormwatch.storage import open_scratch
from tests.ingest.tail.rig import Rig

Record = dict[str, Any]
Write = Callable[[int, int, int], Record]
"""(number of the record, entity, its version after the event) -> the record."""


def history(seed: int, write: Write, first: int = 1, entities: int = 60, changes: int = 400) -> list[Record]:
    """Changes of entities that come one after the other and live on together: 5 % lost, some told twice."""
    rng = random.Random(seed)
    versions: dict[int, int] = {}
    records = []
    for number in range(changes):
        born = 1 + number * entities // changes
        entity = rng.randrange(max(0, born - 12), born)
        versions[entity] = versions.get(entity, first - 1) + 1
        if rng.random() > 0.05:
            records += [write(number, entity, versions[entity])] * rng.choice((1, 1, 2))
    return records


def decided(records: list[Record]) -> dict[str, tuple[str, bool]]:
    with open_scratch() as connection:
        finder = RoleFinder(connection)
        finder.add("a.log", [json.dumps(record).encode() for record in records])
        finder.look()
        return {one.role: (".".join(one.field), one.is_override) for one in finder.decisions()}


TOLD: dict[str, tuple[Write, int, dict[str, tuple[str, bool]]]] = {
    "nobody knows the names": (
        lambda n, e, v: {"doc": f"d-{e}", "rev": v, "size": n % 7},
        0,
        {"entity": ("doc", True), "entity_version": ("rev", True)},
    ),
    "the id is that of the row": (
        lambda _, e, v: {"table": "orders", "id": e, "version": v},
        1,
        {"entity": ("id", True), "entity_version": ("version", True)},
    ),
    "the version that was read stands beside it": (
        lambda n, e, v: {"event_id": f"e-{n:06}", "basket": f"b-{e}", "baseRevision": v - 1, "revision": v},
        1,
        {
            "entity": ("basket", True), "entity_version": ("revision", True),
            "expected_version": ("baseRevision", True),
        },
    ),
    "the aggregate is its type": (
        lambda _, e, v: {"aggregate_id": "Order", "order_no": f"o-{e}", "aggregate_version": v},
        1,
        {"entity": ("order_no", True), "entity_version": ("aggregate_version", False)},
    ),
    "the version of the event is that of the aggregate": (
        lambda _, e, v: {"aggregateId": f"a-{e}", "eventVersion": v, "schemaVersion": 2},
        1,
        {"entity": ("aggregateId", False), "entity_version": ("eventVersion", True)},
    ),
    "names are right": (
        lambda _, e, v: {"entity": f"a-{e}", "entity_version": v, "expected_version": v - 1},
        1,
        {
            "entity": ("entity", False), "entity_version": ("entity_version", False),
            "expected_version": ("expected_version", False),
        },
    ),
    "the version is a text, and nested": (
        lambda _, e, v: {"order_id": f"o-{e}", "state": {"etag": str(v)}},
        0,
        {"entity": ("order_id", True), "entity_version": ("state.etag", True)},
    ),
    "the entity is called a stream": (
        lambda _, e, v: {"order": e, "streamId": f"order-{e}", "streamVersion": v, "aggregateVersion": 2},
        1,
        {"entity": ("streamId", True), "entity_version": ("streamVersion", True)},
    ),
    "the entity is a number that nobody knows the name of": (
        lambda n, e, v: {"order": e, "version": v, "amount": n % 3},
        1,
        {"entity": ("order", True), "entity_version": ("version", True)},
    ),
    "another field is one for several entities": (
        lambda _, e, v: {"customer_id": f"c-{e // 3}", "order_id": f"o-{e}", "ver": v},
        1,
        {"entity": ("order_id", True), "entity_version": ("ver", True)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_entity_and_version(name: str, seed: int) -> None:
    write, first, expected = TOLD[name]
    assert decided(history(seed, write, first)) == expected


NOT_TOLD: dict[str, Write] = {
    "a schema that was changed once": lambda n, _, __: {"order": f"o-{n % 60}", "version": 1 + (n > 200)},
    "every tenth number": lambda _, e, v: {"order": f"o-{e}", "revision": 10 * v},
    "two late numbers each": lambda n, _, __: {"order": f"o-{n // 2}", "revision": 40 + n % 2},
    "a schema that was changed node by node": (
        lambda n, e, _: {"order": f"o-{e}", "version": 1 + (n * 7919 % 400 < n)}
    ),
    "a schema that never changes": lambda _, e, __: {"order": f"o-{e}", "version": 3},
    "the version of the logger": lambda n, e, _: {"order": f"o-{e}", "v": 0, "n": n},
    "the version that was read alone": lambda _, e, v: {"order": f"o-{e}", "base_version": v - 1},
    "steps of a flow": lambda _, e, v: {"flow": f"f-{e}", "step": v},
    "one counter for all": lambda n, e, _: {"order": f"o-{e}", "revision": n},
    "numbers by chance": lambda n, e, _: {"order": f"o-{e}", "revision": n * 7919 % 5},
    "attempts": lambda _, e, v: {"message_id": f"message-{e}", "attempt": v},
}


@pytest.mark.parametrize("name", NOT_TOLD)
def test_what_is_no_version_of_an_entity(name: str) -> None:
    roles = decided(history(4, NOT_TOLD[name]))
    assert roles.keys().isdisjoint({"entity", "entity_version", "expected_version"})


def test_few_entities_tell_nothing() -> None:
    assert decided(history(5, TOLD["nobody knows the names"][0], entities=9)) == {}


def test_a_version_is_not_taken_for_a_sequence() -> None:
    roles = decided(history(6, lambda _, e, v: {"thing": f"t-{e}", "rev": v, "ctr": v}))
    assert roles["entity_version"] == ("rev", True)
    assert roles["sequence"] == ("ctr", True)


FILLED = "SELECT DISTINCT entity, entity_version, expected_version, stream_key FROM observations ORDER BY ALL"


def log(records: list[Record]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_it_is_applied_to_what_is_stored_and_known_after_a_restart(tmp_path: Path) -> None:
    rig = Rig(tmp_path, batch=Share(bytes=1 << 20, records=100))
    records = history(7, lambda _, e, v: {"order_id": f"o-{e}", "was": {"rev": v - 1}, "rev": v})
    rig.add("a.log", log(records))
    rig.drain()
    rig.check_conservation()
    expected = {(one["order_id"], one["rev"], one["was"]["rev"], one["order_id"]) for one in records}
    assert set(rig.query(FILLED)) == expected
    roles = "SELECT role, field, confidence > 0.8, is_override FROM field_roles ORDER BY ALL"
    before = rig.query(roles)
    assert [role for role, *_ in before] == ["entity", "entity_version", "expected_version"]
    rig.restart()
    rig.add("a.log", log([{"order_id": "o-late", "was": {"rev": 4}, "rev": 5}]))
    rig.drain()
    assert rig.query(roles) == before
    assert set(rig.query(FILLED)) == expected | {("o-late", 5, 4, "o-late")}


def test_what_the_user_says_goes_before(tmp_path: Path) -> None:
    rig = Rig(tmp_path, mapping=from_options(["version=other"]))
    rig.add("a.log", log(history(8, lambda n, e, v: {"doc": f"d-{e}", "rev": v, "other": n})))
    rig.drain()
    assert rig.query("SELECT count(entity), max(entity_version) FROM observations") == [
        (rig.query("SELECT count(*) FROM observations")[0][0], 399)
    ]
