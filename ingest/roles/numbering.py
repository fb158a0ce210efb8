"""Which number counts the events of which key: the producer's sequence, told by its values.

The numbers of a key stand close together, each belongs to few records, and they rise as the log goes
on. That is so of a counter and of little else, unless there are few keys or few numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from ingest.names import Path
from ingest.roles.decisions import Decision
from ingest.roles.samples import is_hinted
from ingest.roles.versions import is_called_version
from ingest.vocabulary import GENERIC

NUMBER_SCHEMA: Final = pa.schema(
    [
        pa.field("record", pa.int32()),
        pa.field("scope", pa.int32()),
        pa.field("field", pa.int32()),
        pa.field("number", pa.int64()),
        pa.field("label", pa.string()),
    ]
)
"""One row per number (label is NULL) or short text (number is NULL) of a sampled record."""

_KEYS: Final = 5
"""Keys there are at least."""
_PER_KEY: Final = 5
"""Numbers that a key has on average, at least."""
_DENSE: Final = 0.8
"""Share of the numbers between the least and the greatest of a key that is there."""
_RISING: Final = 0.6
"""Share of the steps from a record of a key to its next one that go up."""
_RECORDS: Final = 6.0
"""Records that one number of a key is in on average, at most: sent, received by several, settled."""

_COUNTED: Final = """
WITH numbers AS (SELECT record, scope, field, number FROM counted WHERE number IS NOT NULL),
labels AS (
    SELECT record, field, coalesce(label, number::VARCHAR) AS label
    FROM counted WHERE label IS NOT NULL OR list_contains($numbered, field)
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
HAVING count(*) >= $keys AND sum(n) >= $per_key * count(*)
"""


@dataclass(frozen=True)
class _Counter:
    scope: str
    field: Path
    key: Path
    keys: int
    numbers: int
    density: float
    rising: float
    records: float

    @property
    def fits(self) -> bool:
        return self.density >= _DENSE and self.rising >= _RISING and self.records <= _RECORDS


def count(
    connection: duckdb.DuckDBPyConnection, table: pa.Table, scopes: Sequence[str], fields: Sequence[Path]
) -> list[Decision]:
    """The sequence and its key in every scope where the values tell them; uses the name `counted`."""
    # Numbers are keys where they are called so: small ones meet those of a counter by accident.
    numbered = [number for number, path in enumerate(fields) if _is_called_key(path)]
    connection.register("counted", table)
    try:
        rows = connection.execute(
            _COUNTED, {"keys": _KEYS, "per_key": _PER_KEY, "numbered": numbered}
        ).fetchall()
    finally:
        connection.unregister("counted")
    by_scope: dict[str, list[_Counter]] = {}
    for scope, field, key, *counts in rows:
        found = _Counter(scopes[scope], fields[field], fields[key], *counts)
        if found.fits:
            by_scope.setdefault(found.scope, []).append(found)
    used: dict[str, set[Path]] = {}
    for scope, field in set(zip(table["scope"].to_pylist(), table["field"].to_pylist(), strict=True)):
        used.setdefault(scopes[scope], set()).add(fields[field])
    return [
        decision
        for scope, counters in sorted(by_scope.items())
        for decision in _decided(counters, GENERIC.roles(used[scope]))
    ]


def _decided(counters: list[_Counter], named: Mapping[str, list[Path]]) -> list[Decision]:
    """The best of those that names allow: what is called a sequence, or else what has no name."""
    sequences, keys = named.get("sequence", []), named.get("stream_key", [])
    claimed = {
        path for role, paths in named.items() if role not in ("sequence", "stream_key") for path in paths
    }
    if sequences:
        allowed = [one for one in counters if one.field in sequences]
    else:
        allowed = [one for one in counters if one.field not in claimed and not is_called_version(one.field)]
    allowed = [one for one in allowed if one.key in keys or one.key not in claimed]
    if not allowed:
        return []
    best = min(
        allowed, key=lambda one: (-round(one.density, 1), one.key not in keys, _rank(one), -one.density)
    )
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


def _rank(counter: _Counter) -> tuple[object, ...]:
    return (GENERIC.sort_key("sequence", counter.field), GENERIC.sort_key("stream_key", counter.key))
