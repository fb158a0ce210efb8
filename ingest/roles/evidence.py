"""What the values of a sample say of its fields: which of them points at which.

A field points at a key when its values are found as values of that key in other records. It is the
pointer to a cause when the causes so found have causes of their own (a chain); to a root, which all
records of a flow share, they have none. Source: the project's own measurements on cascades of
eight dialects, with loss, duplication and shuffling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.names import Path
from ingest.roles import chance

VALUE_SCHEMA: Final = pa.schema(
    [
        pa.field("record", pa.int32()),
        pa.field("scope", pa.int32()),
        pa.field("field", pa.int32()),
        pa.field("value", pa.string()),
        pa.field("seconds", pa.float64()),
        pa.field("is_whole", pa.bool_()),
    ]
)
"""One row per value of a sampled record; scope and field are numbers, seconds its time.

is_whole: all records that have the value are in the sample (thinning.py); only such values are counted.
"""


@dataclass(frozen=True)
class Sample:
    """Values of sampled records."""

    values: pa.Table
    """VALUE_SCHEMA."""
    scopes: Sequence[str]
    fields: Sequence[Path]
    drawn: float = 1.0
    """Share of all values whose records are all there, above 0."""
    lists: frozenset[Path] = frozenset()
    """Fields that hold several values: they name no event."""


@dataclass(frozen=True)
class Use:
    """How often a field is there in the records of a scope."""

    scope: str
    field: Path
    records: int
    distinct: int
    share: float
    """Of the records of the scope, counted or not."""


@dataclass(frozen=True)
class Pointer:
    """A field whose values are values of a key in other records."""

    scope: str
    field: Path
    key: Path
    count: int
    """Values of the field, each counted once."""
    hit: float
    """Share of them that is found: 1 less the share of causes that were lost."""
    chain: float
    """Share of them whose record holds another value of the field."""
    same: float
    """Share of the records in which field and key are equal."""
    before: float | None
    """Share of the causes of another time than the effect that are earlier; None when no times tell."""


@dataclass(frozen=True)
class Shared:
    """A field that effect and cause have in common."""

    scope: str
    field: Path
    edges: int
    equal: float
    distinct: int
    begun: float | None
    """First events that have each of its values on average: one of each in what names flows."""


_POINTERS: Final = """
WITH pointing AS (
    SELECT scope, field, value, min(record) AS record, min(seconds) AS seconds
    FROM sampled WHERE is_whole GROUP BY ALL
), keys AS (
    SELECT field, value, min(record) AS record, max(record) AS last_record, min(seconds) AS seconds
    FROM sampled GROUP BY ALL
), met AS (
    SELECT
        pointing.scope, pointing.field, pointing.value, keys.field AS key,
        CASE WHEN keys.record = pointing.record THEN keys.last_record ELSE keys.record END AS cause_record,
        pointing.record,
        CASE WHEN keys.seconds <> pointing.seconds THEN keys.seconds < pointing.seconds END AS is_before
    FROM pointing INNER JOIN keys ON pointing.value = keys.value AND pointing.field <> keys.field
), judged AS (
    SELECT
        met.*,
        own.value IS NOT NULL AS is_same,
        met.cause_record <> met.record AS is_other,
        bool_or(further.value IS NOT NULL AND further.value <> met.value) AS goes_on
    FROM met
    LEFT JOIN sampled AS own
        ON met.record = own.record AND met.key = own.field AND met.value = own.value
    LEFT JOIN sampled AS further ON met.cause_record = further.record AND met.field = further.field
    GROUP BY ALL
), counted AS (
    SELECT scope, field, count(*) AS n FROM pointing GROUP BY ALL
)
SELECT
    judged.scope, judged.field, judged.key, any_value(counted.n)::BIGINT,
    count(*) FILTER (is_other AND NOT is_same) / any_value(counted.n),
    count(*) FILTER (is_other AND NOT is_same AND goes_on) / any_value(counted.n),
    count(*) FILTER (is_same) / any_value(counted.n),
    avg(is_before::INTEGER) FILTER (is_other AND NOT is_same)
FROM judged INNER JOIN counted ON judged.scope = counted.scope AND judged.field = counted.field
GROUP BY judged.scope, judged.field, judged.key
"""
_USES: Final = """
WITH totals AS (SELECT scope, count(DISTINCT record) AS n FROM sampled GROUP BY scope)
SELECT
    sampled.scope, sampled.field,
    count(*) FILTER (is_whole), count(DISTINCT sampled.value) FILTER (is_whole),
    count(*) / any_value(totals.n)
FROM sampled INNER JOIN totals ON sampled.scope = totals.scope
GROUP BY ALL
"""
_SHARED: Final = """
WITH causes AS (SELECT value, min(record) AS record FROM sampled WHERE field = $key GROUP BY value),
edges AS (
    SELECT effect.record, causes.record AS cause_record
    FROM sampled AS effect INNER JOIN causes ON effect.value = causes.value
    WHERE
        effect.scope = $scope AND effect.field = $field AND effect.record <> causes.record AND effect.is_whole
)
SELECT
    effect.field, count(*), avg((effect.value = cause.value)::INTEGER), count(DISTINCT effect.value)
FROM edges
INNER JOIN sampled AS effect ON edges.record = effect.record
INNER JOIN sampled AS cause ON edges.cause_record = cause.record AND effect.field = cause.field
GROUP BY effect.field
"""
_BEGUN: Final = """
WITH ids AS (SELECT record, value FROM sampled WHERE field = $key AND is_whole),
firsts AS (
    SELECT ids.record, ids.value
    FROM ids
    LEFT JOIN sampled AS causes ON ids.record = causes.record AND causes.field = $field
    WHERE causes.value IS NULL OR causes.value NOT IN (SELECT value FROM ids)
)
SELECT shared.field, count(DISTINCT firsts.value) / count(DISTINCT shared.value)
FROM firsts INNER JOIN sampled AS shared ON firsts.record = shared.record
GROUP BY shared.field
"""
_NUMBERS: Final = """
SELECT DISTINCT scope, field, value::BIGINT AS number FROM sampled
WHERE is_whole AND regexp_full_match(value, '[0-9]{1,18}')
"""
_PLACES: Final = """
WITH causes AS (SELECT value, min(seconds) AS seconds FROM sampled WHERE field = $key GROUP BY value)
SELECT DISTINCT
    try_cast(own.value AS BIGINT) AS own, try_cast(effect.value AS BIGINT) AS pointed,
    effect.record, effect.seconds, causes.seconds AS cause_seconds
FROM sampled AS effect
INNER JOIN causes ON effect.value = causes.value
LEFT JOIN sampled AS own ON effect.record = own.record AND own.field = $key
WHERE
    effect.scope = $scope AND effect.field = $field AND effect.is_whole
    AND effect.value IS DISTINCT FROM own.value
"""
_HOMES: Final = """
SELECT cause.scope, count(DISTINCT cause.value)
FROM sampled AS cause
WHERE cause.field = $key
    AND cause.value IN (SELECT value FROM sampled WHERE scope = $scope AND field = $field AND is_whole)
GROUP BY cause.scope
"""


class Evidence:
    """Answers questions about a sample; uses the name `sampled` on the connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sample: Sample):
        self._connection = connection
        self._sample = sample
        connection.register("new_sample", sample.values)
        connection.execute("CREATE OR REPLACE TEMP TABLE sampled AS SELECT DISTINCT * FROM new_sample")
        connection.unregister("new_sample")

    def close(self) -> None:
        """Forget the sample."""
        self._connection.execute("DROP TABLE IF EXISTS sampled")

    @cached_property
    def uses(self) -> list[Use]:
        """Every field of every scope."""
        rows = self._connection.execute(_USES).fetchall()
        return [
            Use(self._sample.scopes[scope], self._sample.fields[field], count, distinct, share)
            for scope, field, count, distinct, share in rows
        ]

    @property
    def lists(self) -> frozenset[Path]:
        """Fields that hold several values."""
        return self._sample.lists

    def shares(self) -> dict[tuple[str, Path], float]:
        """Scope and field -> share of the records that have it."""
        return {(use.scope, use.field): use.share for use in self.uses}

    def pointers(self) -> list[Pointer]:
        """Every pair of fields of which one is found in the other."""
        rows = self._connection.execute(_POINTERS).fetchall()
        scopes, fields = self._sample.scopes, self._sample.fields
        return [
            Pointer(scopes[scope], fields[field], fields[key], *numbers)
            for scope, field, key, *numbers in rows
        ]

    def beyond_chance(self, pointer: Pointer) -> float:
        """Share of the values of a pointer that is found and would not be by chance."""
        values = self._numbers.get(pointer.field, {}).get(pointer.scope)
        keys = self._numbers.get(pointer.key, {})
        if values is None or not keys:
            return pointer.hit
        by_chance = chance.expected(values, np.unique(np.concatenate([*keys.values()])))
        return chance.beyond(pointer.hit, pointer.count, by_chance / self._sample.drawn)

    def is_near(self, pointer: Pointer, *, is_called_cause: bool) -> bool:
        """Whether records stand nearer to what they point at than by chance: by ids, or else by times."""
        found = self._connection.execute(_PLACES, self._numbered(pointer)).fetchnumpy()
        for own, pointed in (("own", "pointed"), ("seconds", "cause_seconds")):
            is_known = ~(_missing(found[own]) | _missing(found[pointed]))
            if 2 * np.count_nonzero(is_known) > len(is_known):
                places = np.unique(np.stack([found[own][is_known], found[pointed][is_known]]), axis=1)
                return chance.is_near(places[0], places[1], is_called_cause=is_called_cause)
        return False

    def homes(self, pointer: Pointer) -> list[tuple[str, int]]:
        """The scopes whose records a pointer leads to, and how many values it has there."""
        rows = self._connection.execute(_HOMES, self._numbered(pointer)).fetchall()
        return sorted((self._sample.scopes[scope], count) for scope, count in rows)

    @cached_property
    def _numbers(self) -> dict[Path, dict[str, chance.Numbers]]:
        """Field -> scope -> the integers among its values."""
        found = self._connection.execute(_NUMBERS).fetchnumpy()
        numbers: dict[Path, dict[str, chance.Numbers]] = {}
        for field in np.unique(found["field"]):
            is_field = found["field"] == field
            of_field, scopes = found["number"][is_field], found["scope"][is_field]
            numbers[self._sample.fields[field]] = {
                self._sample.scopes[scope]: np.asarray(of_field[scopes == scope])
                for scope in np.unique(scopes)
            }
        return numbers

    def _numbered(self, pointer: Pointer) -> dict[str, int]:
        return {
            "scope": self._sample.scopes.index(pointer.scope),
            "field": self._sample.fields.index(pointer.field),
            "key": self._sample.fields.index(pointer.key),
        }

    def shared(self, pointer: Pointer) -> list[Shared]:
        """What the effects have in common with the causes that this pointer leads to."""
        places = self._numbered(pointer)
        rows = self._connection.execute(_SHARED, places).fetchall()
        del places["scope"]
        begun = dict(self._connection.execute(_BEGUN, places).fetchall())
        return [
            Shared(pointer.scope, self._sample.fields[field], edges, equal, distinct, begun.get(field))
            for field, edges, equal, distinct in rows
        ]


def _missing(column: chance.Numbers) -> npt.NDArray[np.bool_]:
    """Which values are not there, as NULL or as no number."""
    no_number: npt.NDArray[np.bool_] = np.isnan(np.ma.getdata(column).astype(float))
    return no_number | np.ma.getmaskarray(column)
