"""Which number is the version of which entity: told by its values, where names may mean the schema's.

The version of an entity begins at 0 or 1, rises by one and never goes back; different entities have
different versions at the same time. A version of a schema or a program is the same for all that is
written at a time, so that it rises for all of them at once. The version that a writer had read is one
less than that after the event. Names only say which numbers are asked: others that rise so count
attempts, steps or lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import duckdb
import pyarrow as pa

from ingest.names import Path
from ingest.roles.decisions import Decision
from ingest.roles.samples import is_hinted
from ingest.vocabulary import GENERIC, normalise

_ENTITIES: Final = 10
"""Entities with several versions there are at least."""
_STEPS: Final = 30
"""Steps from a version of an entity to its next one, at least."""
_BY_ONE: Final = 0.8
"""Share of the versions between the least and the greatest of an entity that is there."""
_RISING: Final = 0.8
"""Share of the changes from a record of an entity to its next one that go up."""
_APART: Final = 0.2
"""Share of the changes from a record to the next one, of another entity, that go down: half by chance."""
_FROM_START: Final = 0.5
"""Share of the entities whose least version is 0 or 1, where they have few versions."""
_MANY: Final = 5
"""Versions an entity has on average; the beginning of so many may be before the sample."""
_PAIRED: Final = 0.8
"""Share of the records in which a number is one less than the version."""

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_VERSION_WORDS: Final = frozenset({"version", "ver", "vsn", "revision", "rev", "etag", "v"})
_READ_WORDS: Final = frozenset(
    {"expected", "read", "base", "before", "old", "prev", "previous", "from", "was", "current", "original"}
)
_ROLES: Final = ("entity_version", "expected_version", "schema_version")
"""What a field may be called that is a version."""
_ENTITY_NAMES: Final = ("entity", "stream_key", "lock_resource", "stream")
_BARE_IDS: Final = frozenset({"id", "uuid", "guid", "identifier", "recordid", "entryid"})
"""Names of an event's id that are as often those of what the event is about."""

_VERSIONS: Final = """
WITH numbers AS (
    SELECT record, scope, field, coalesce(number, try_cast(label AS BIGINT)) AS number
    FROM counted WHERE list_contains($versions, field) AND coalesce(number, try_cast(label AS BIGINT)) >= 0
), labels AS (
    SELECT record, field, coalesce(label, number::VARCHAR) AS label
    FROM counted WHERE list_contains($keys, field)
), pairs AS (
    SELECT numbers.*, labels.field AS key, labels.label
    FROM numbers INNER JOIN labels ON numbers.record = labels.record AND numbers.field <> labels.field
), steps AS (
    SELECT
        *,
        number - lag(number) OVER (PARTITION BY scope, field, key, label ORDER BY record) AS own,
        number - lag(number) OVER (PARTITION BY scope, field, key ORDER BY record) AS next,
        label <> lag(label) OVER (PARTITION BY scope, field, key ORDER BY record) AS is_other
    FROM pairs
), keys AS (
    SELECT
        scope, field, key, label, count(DISTINCT number) AS n, min(number) AS least,
        max(number) - min(number) AS reach,
        count(*) FILTER (own > 0) AS up, count(*) FILTER (own <> 0) AS changes,
        count(*) FILTER (is_other AND next < 0) AS next_down,
        count(*) FILTER (is_other AND next <> 0) AS next_changes
    FROM steps GROUP BY ALL
)
SELECT
    scope, field, key, count(*) FILTER (n > 1), sum(n - 1)::BIGINT, sum(n - 1) / sum(reach),
    sum(up) / sum(changes), coalesce(sum(next_down) / nullif(sum(next_changes), 0), 0),
    count(*) FILTER (n > 1 AND least <= 1) / count(*) FILTER (n > 1)
FROM keys GROUP BY ALL
HAVING count(*) FILTER (n > 1) >= $entities AND sum(n - 1) >= $steps
"""
_PARTNERS: Final = """
WITH numbers AS (
    SELECT record, scope, field, coalesce(number, try_cast(label AS BIGINT)) AS number
    FROM counted WHERE list_contains($fields, field)
)
SELECT own.scope, own.field, other.field, count(*), avg((own.number - other.number = 1)::INTEGER)
FROM numbers AS own INNER JOIN numbers AS other ON own.record = other.record AND own.field <> other.field
WHERE own.number IS NOT NULL AND other.number IS NOT NULL
GROUP BY ALL
HAVING count(*) >= $steps AND avg((own.number - other.number = 1)::INTEGER) >= $paired
"""


@dataclass(frozen=True)
class _Version:
    scope: str
    field: Path
    key: Path
    entities: int
    steps: int
    by_one: float
    rising: float
    apart: float
    from_start: float

    @property
    def fits(self) -> bool:
        is_begun = self.from_start >= _FROM_START or self.steps >= (_MANY - 1) * self.entities
        rises = self.by_one >= _BY_ONE and self.rising >= _RISING
        return rises and self.apart >= _APART and is_begun


@lru_cache(maxsize=65_536)
def _words(field: Path) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORDS.findall(field[-1]))


@lru_cache(maxsize=65_536)
def is_called_version(field: Path) -> bool:
    """Whether the name of a field says that it is a version, of whatever."""
    if "next" in _words(field):
        return False
    name = normalise(field[-1])
    return name.endswith(("version", "revision")) or not _words(field).isdisjoint(_VERSION_WORDS)


def _is_after(field: Path) -> bool:
    """Whether its name leaves open that it is the version after the event."""
    return _words(field).isdisjoint(_READ_WORDS - {"current"})


def find(
    connection: duckdb.DuckDBPyConnection,
    table: pa.Table,
    scopes: Sequence[str],
    fields: Sequence[Path],
    ids: Set[tuple[str, Path]],
) -> list[Decision]:
    """The entity, its version and the one that was read, where the values tell them; uses the name `counted`.

    `table` is of NUMBER_SCHEMA; `ids`: scopes with the field that is known to be the id of its events.
    """
    called = [number for number, field in enumerate(fields) if is_called_version(field)]
    if not called:
        return []
    read = [number for number, field in enumerate(fields) if not _words(field).isdisjoint(_READ_WORDS)]
    connection.register("counted", table)
    try:
        counts = connection.execute(
            _VERSIONS,
            {
                "versions": called,
                "keys": [number for number in range(len(fields)) if number not in called],
                "entities": _ENTITIES,
                "steps": _STEPS,
            },
        ).fetchall()
        pairs = connection.execute(
            _PARTNERS, {"fields": sorted({*called, *read}), "steps": _STEPS, "paired": _PAIRED}
        ).fetchall()
    finally:
        connection.unregister("counted")
    by_scope: dict[str, list[_Version]] = {}
    for scope, field, key, *figures in counts:
        found = _Version(scopes[scope], fields[field], fields[key], *figures)
        if found.fits and (found.scope, found.key) not in ids:
            by_scope.setdefault(found.scope, []).append(found)
    before: dict[tuple[str, Path], dict[Path, float]] = {}
    for scope, field, other, _, share in pairs:
        before.setdefault((scopes[scope], fields[field]), {})[fields[other]] = share
    used: dict[str, set[Path]] = {}
    for row in table.group_by(["scope", "field"]).aggregate([]).to_pylist():
        used.setdefault(scopes[row["scope"]], set()).add(fields[row["field"]])
    return [
        decision
        for scope, versions in sorted(by_scope.items())
        for decision in _decided(scope, versions, before, GENERIC.roles(used[scope]))
    ]


def _decided(
    scope: str,
    versions: Iterable[_Version],
    before: Mapping[tuple[str, Path], Mapping[Path, float]],
    named: Mapping[str, list[Path]],
) -> list[Decision]:
    others = {path for role, paths in named.items() if role not in _ROLES for path in paths}
    fields = {one.field for one in versions}
    read = {path for field in fields for path in before.get((scope, field), {})}
    allowed = [
        (rank, one)
        for one in versions
        if one.field not in others | read
        and (_is_after(one.field) or before.get((scope, one.field)))
        and (rank := _rank_of_entity(one.key, named)) is not None
    ]
    if not allowed:
        return []

    def order(ranked: tuple[tuple[int, ...], _Version]) -> tuple[object, ...]:
        rank, one = ranked
        by_name = GENERIC.sort_key("entity_version", one.field)
        return (-round(one.by_one, 1), rank, by_name, -one.by_one, one.key)

    _, best = min(allowed, key=order)
    told = {
        "entities": best.entities,
        "steps": best.steps,
        "by_one": round(best.by_one, 3),
        "rising": round(best.rising, 3),
        "from_start": round(best.from_start, 3),
    }

    def decision(role: str, field: Path, confidence: float, evidence: Mapping[str, object]) -> Decision:
        return Decision(scope, role, field, confidence, evidence, named.get(role, [])[:1] != [field])

    decided = [
        decision("entity", best.key, best.by_one, told),
        decision("entity_version", best.field, best.by_one, told),
    ]
    pairs = {path: share for path, share in before.get((scope, best.field), {}).items() if path not in others}
    if pairs:
        field = min(pairs, key=lambda one: (-round(pairs[one], 1), GENERIC.sort_key("expected_version", one)))
        pair = {"version": list(best.field), "one_less": round(pairs[field], 3)}
        decided.append(decision("expected_version", field, pairs[field], pair))
    return decided


def _rank_of_entity(field: Path, named: Mapping[str, list[Path]]) -> tuple[int, ...] | None:
    """How well the name of a field fits an entity, best first; None: it is something else."""
    for place, role in enumerate(_ENTITY_NAMES):
        if field in named.get(role, ()):
            return (place, *GENERIC.sort_key(role, field)[:2])
    if not any(field in paths for paths in named.values()):
        return (len(_ENTITY_NAMES), not is_hinted(field))
    return (len(_ENTITY_NAMES) + 1,) if normalise(field[-1]) in _BARE_IDS else None
