"""Which number counts the events of which key: the producer's sequence, told by its values.

The numbers of a key stand close together, each belongs to few records, and they rise as the log goes
on. That is so of a counter and of little else, unless there are few keys or few numbers.

What is called a sequence may count the events of a service or of a stream, whatever business objects they
are about: then no field is its key. Or it counts all that a store holds, as a broker's offset does, and the
number of an event in its stream, which may be called a version, is the sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import duckdb
import pyarrow as pa

from ingest.names import Path
from ingest.roles.decisions import NO_FIELD, Decision
from ingest.roles.samples import is_hinted
from ingest.roles.versions import is_called_version
from ingest.vocabulary import GENERIC, normalise, spellings_of

NUMBER_SCHEMA: Final = pa.schema(
    [
        pa.field("record", pa.int32()),
        pa.field("scope", pa.int32()),
        pa.field("field", pa.int32()),
        pa.field("number", pa.int64()),
        pa.field("label", pa.string()),
    ]
)
"""A row per number (label is NULL) or short text (number is NULL) of a record; two of a number in a text."""

_KEYS: Final = 5
"""Keys there are at least."""
_PER_KEY: Final = 5
"""Numbers that a key has on average, at least."""
_DENSE: Final = 0.8
"""Share of the numbers between the least and the greatest of a key that is there."""
_RISING: Final = 0.6
"""Share of the steps from a record of a key to its next one that go up."""
_SPARSE: Final = 0.5
"""The same share where the numbers count something else, at most."""
_NUMBERS: Final = 30
"""Numbers that tell so, at least."""
_RECORDS: Final = 6.0
"""Records that one number of a key is in on average, at most: sent, received by several, settled."""
_REPEATED: Final = 1.5
"""Times as many as under another key: then numbers of several counters meet under this one."""
_LESS: Final = 0.05
"""So much less of the numbers is there by a key than of all records: the counter is not its own."""

_PARTITIONS: Final = frozenset({"partition", "partitionid", "partitionno", "shard", "shardid"})
"""What brokers keep order in, whatever the key of a message."""

_COUNTED: Final = """
WITH numbers AS (SELECT record, scope, field, number FROM counted WHERE number IS NOT NULL),
labels AS (
    SELECT record, field, coalesce(any_value(label), any_value(number)::VARCHAR) AS label
    FROM counted WHERE label IS NOT NULL OR list_contains($numbered, field)
    GROUP BY record, field
    UNION ALL
    SELECT DISTINCT record, -1 AS field, '' AS label FROM counted
),
pairs AS (
    SELECT
        numbers.scope, numbers.field, labels.field AS key, labels.label, numbers.number,
        min(numbers.record) AS first, count(*) AS records
    FROM numbers INNER JOIN labels ON numbers.record = labels.record AND numbers.field <> labels.field
    GROUP BY ALL
), steps AS (
    SELECT *, number > lag(number) OVER (PARTITION BY scope, field, key, label ORDER BY first) AS rises
    FROM pairs
), keys AS (
    SELECT
        scope, field, key, label, count(*) AS n, max(number) - min(number) AS reach,
        sum(records) AS records, count(*) FILTER (rises) AS rising
    FROM steps GROUP BY ALL HAVING count(*) > 1
)
SELECT
    scope, field, key, count(*), sum(n)::BIGINT,
    (sum(n) - count(*)) / sum(reach), sum(rising) / (sum(n) - count(*)), sum(records) / sum(n)
FROM keys GROUP BY ALL
"""


@dataclass(frozen=True)
class _Counter:
    scope: str
    field: Path
    key: Path
    """NO_FIELD: of all records."""
    keys: int
    numbers: int
    density: float
    rising: float
    records: float

    @property
    def is_dense(self) -> bool:
        return self.density >= _DENSE and self.rising >= _RISING and self.records <= _RECORDS

    @property
    def is_sparse(self) -> bool:
        return self.density <= _SPARSE and self.numbers >= _NUMBERS

    @property
    def fits(self) -> bool:
        """Whether the numbers alone tell that they are of this key."""
        is_told = self.keys >= _KEYS and self.numbers >= _PER_KEY * self.keys
        return is_told and self.is_dense and self.key != NO_FIELD


def count(
    connection: duckdb.DuckDBPyConnection,
    table: pa.Table,
    scopes: Sequence[str],
    fields: Sequence[Path],
    decided: Iterable[Decision] = (),
) -> list[Decision]:
    """The sequence and its key in every scope where the values tell them; uses the name `counted`.

    `decided`: who writes may be told, and is no key, and what the id is, which counts nothing.
    """
    # Numbers are keys where they are called so: small ones meet those of a counter by accident.
    numbered = [number for number, path in enumerate(fields) if _is_called_key(path)]
    connection.register("counted", table)
    try:
        rows = connection.execute(_COUNTED, {"numbered": numbered}).fetchall()
    finally:
        connection.unregister("counted")
    by_scope: dict[str, list[_Counter]] = {}
    for scope, field, key, *counts in rows:
        path = fields[key] if key >= 0 else NO_FIELD
        by_scope.setdefault(scopes[scope], []).append(_Counter(scopes[scope], fields[field], path, *counts))
    used: dict[str, set[Path]] = {}
    for scope, field in set(zip(table["scope"].to_pylist(), table["field"].to_pylist(), strict=True)):
        used.setdefault(scopes[scope], set()).add(fields[field])
    named = {scope: GENERIC.roles(paths) for scope, paths in used.items()}
    taken = {(one.scope, one.role, one.field) for one in decided}
    # An id may be called a number, and be counted up: what others count goes before it.
    others = {
        scope: {
            **roles,
            "sequence": [
                path for path in roles.get("sequence", []) if (scope, "event_id", path) not in taken
            ],
        }
        for scope, roles in named.items()
    }
    found = {
        scope: _decided_without_ids(counters, named[scope], others[scope]) or _decided(counters, named[scope])
        for scope, counters in sorted(by_scope.items())
    }
    alike = [
        decision
        for scope, told in found.items()
        if not told
        for decision in _called_alike(by_scope[scope], others[scope], found)
    ]
    every = [decision for told in found.values() for decision in told] + alike
    # Its events are those of the service anyway.
    return [
        one for one in every if one.role != "stream_key" or (one.scope, "service", one.field) not in taken
    ]


def _called_alike(
    counters: list[_Counter], named: Mapping[str, list[Path]], decided: Mapping[str, list[Decision]]
) -> list[Decision]:
    """What others count by the same fields, where too few records are to tell, and none says otherwise."""
    for told in decided.values():
        fields = {one.role: one.field for one in told}
        if any((named.get(role) or [field])[0] != field for role, field in fields.items()):
            continue
        pair = (fields.get("sequence"), fields.get("stream_key"))
        for one in counters:
            if (one.field, one.key) == pair and one.key != NO_FIELD and not one.is_sparse:
                evidence = {"in": told[0].scope, "numbers": one.numbers}
                return [
                    replace(decision, scope=one.scope, evidence=evidence, is_override=True)
                    for decision in told
                ]
    return []


def _decided(counters: list[_Counter], named: Mapping[str, list[Path]]) -> list[Decision]:
    """The best of those that names allow: what is called a sequence, or else what has no name."""
    sequences, keys = named.get("sequence", []), named.get("stream_key", [])
    # Events are numbered by what they are about. Of what is no lock nobody is the owner: a session then is
    # one like any other.
    free = {"sequence", "stream_key", "entity"} | (set() if "lock_resource" in named else {"lock_owner"})
    claimed = {path for role, paths in named.items() if role not in free for path in paths}
    # Streams that have numbers of their own need no key beside them.
    keys = [*keys, *_streams(named.get("stream", []))]
    fitting = [
        one
        for one in counters
        if (one.fits or (one.key in keys and _is_of_few(one, counters)))
        and (one.key in keys or one.key not in claimed)
        and not _is_of_all(one, counters)
    ]
    nameless = [one for one in fitting if one.field not in claimed]
    if not sequences:
        return _best([one for one in nameless if not is_called_version(one.field)], sequences, keys)
    if found := _best([one for one in fitting if one.field in sequences], sequences, keys):
        return found
    unkeyed = _without_a_key(sequences[0], counters, named)
    if not any(one.role == "sequence" for one in unkeyed):
        return unkeyed
    found = _best([one for one in nameless if one.field != sequences[0]], sequences, keys)
    return found + [one for one in unkeyed if not found or one.role != "sequence"]


def _decided_without_ids(
    counters: list[_Counter], named: Mapping[str, list[Path]], others: Mapping[str, list[Path]]
) -> list[Decision]:
    """The same without ids that are called sequences; nothing where there are none."""
    ids = set(named.get("sequence", [])).difference(others["sequence"])
    return _decided([one for one in counters if one.field not in ids], others) if ids else []


def _streams(named: list[Path]) -> list[Path]:
    """Fields called streams; the key of a route last where another field beside it is the stream."""
    return sorted(named, key=lambda path: normalise(path[-1]).endswith("key"))


def _without_a_key(field: Path, counters: list[_Counter], named: Mapping[str, list[Path]]) -> list[Decision]:
    """What a field called a sequence counts that is dense, but not by what is called its key."""
    by_key = {one.key: one for one in counters if one.field == field}
    every = by_key.get(NO_FIELD)
    called = [by_key[path] for path in named.get("stream_key", [])[:1] if path in by_key]
    around = [named[role][0] for role in ("service", "stream") if named.get(role)]
    own = [by_key[path] for path in around if path in by_key] or ([every] if every else [])
    dense = [one for one in (*own, *([every] if every else [])) if one.is_dense]
    keyed = [by_key[path] for path in named.get("stream_key", []) if path in by_key]
    if any(dense and dense[0].records >= _REPEATED * one.records for one in keyed):
        return []  # it is not one counter, but several
    if not dense or not any(one.is_sparse or _is_of_all(one, counters) for one in (*called, *own)):
        return []
    told = {"numbers": dense[0].numbers, "dense": round(dense[0].density, 3), "of": list(dense[0].key)}

    def decided(role: str, path: Path) -> Decision:
        return Decision(dense[0].scope, role, path, dense[0].density, told, is_override=True)

    if all(one.is_dense for one in own):
        # Of a consumer that has one partition so far; the next one's numbers are its own.
        partitions = [one.key for one in keyed if one.is_dense and _is_called_partition(one.key)]
        return [decided("stream_key", partitions[0] if partitions else NO_FIELD)]
    return [decided("sequence", NO_FIELD), decided("broker_sequence", field)]


def _is_of_few(counter: _Counter, counters: Sequence[_Counter]) -> bool:
    """Whether the numbers are of these keys though they are few, as partitions are: each number is of one
    event, as by the finest of the other keys, where those of all records together meet.
    """
    others = [one for one in counters if one.field == counter.field and one.key != counter.key]
    return (
        counter.numbers >= _NUMBERS * counter.keys
        and counter.is_dense
        and all(counter.records < _REPEATED * one.records for one in others)
        and any(one.key == NO_FIELD and one.records >= _REPEATED * counter.records for one in others)
    )


def _is_of_all(counter: _Counter, counters: Sequence[_Counter]) -> bool:
    """Whether the numbers go on from one key to another: all are there, each as often, only not by key."""
    return any(
        every.field == counter.field
        and every.key == NO_FIELD
        and every.is_dense
        and every.density >= counter.density + _LESS
        and every.records < _REPEATED * counter.records
        for every in counters
    )


def _best(allowed: list[_Counter], sequences: list[Path], keys: list[Path]) -> list[Decision]:
    if not allowed:
        return []
    fewest: dict[Path, float] = {}
    for one in allowed:
        fewest[one.field] = min(one.records, fewest.get(one.field, one.records))
    best = min(
        allowed,
        key=lambda one: (
            one.records > _REPEATED * fewest[one.field], -round(one.density, 1), one.key not in keys,
            _rank(one), -one.density,
        ),
    )  # fmt: skip
    told = {
        "keys": best.keys,
        "numbers": best.numbers,
        "dense": round(best.density, 3),
        "rising": round(best.rising, 3),
    }
    return [
        Decision(best.scope, "sequence", best.field, best.density, told, sequences[:1] != [best.field]),
        Decision(best.scope, "stream_key", best.key, best.density, told, keys[:1] != [best.key]),
    ]


def _is_called_key(path: Path) -> bool:
    return is_hinted(path) or "stream_key" in GENERIC.roles([path[-1:]])


def _is_called_partition(path: Path) -> bool:
    return any(name in _PARTITIONS for _, name in spellings_of(path))


def _rank(counter: _Counter) -> tuple[object, ...]:
    return (GENERIC.sort_key("sequence", counter.field), GENERIC.sort_key("stream_key", counter.key))
