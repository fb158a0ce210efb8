"""Roles of logs whose causes are all in logs of others, which call them otherwise.

What these say of an event tells what the fields of another record about it are: the cause of one is the
cause of the other. So the last of a chain is told, which causes nothing that would show it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from ingest.names import CAUSES, Path
from ingest.roles.decisions import Decision
from ingest.roles.evidence import Sample
from ingest.vocabulary import GENERIC

_FEWEST: Final = 30
"""Events that both know at least."""
_FOUND: Final = 0.5
"""Share of the values of a field that are events others know."""
_EQUAL: Final = 0.9
"""Share of the events of which both say the same."""
_CHAIN: Final = 0.02
_FEWEST_CHAINED: Final = 3
_EVERYWHERE: Final = 0.9
_TOLD: Final = ("event_id", "causation_id", "correlation_id")

_KNOWN: Final = """
CREATE OR REPLACE TEMP TABLE known_events AS
SELECT
    ids.value AS id, any_value(causes.value) AS cause, any_value(flows.value) AS flow
FROM sampled AS ids
INNER JOIN told_fields AS id_fields ON ids.scope = id_fields.scope AND ids.field = id_fields.event_id
LEFT JOIN sampled AS causes ON ids.record = causes.record AND causes.field = id_fields.causation_id
LEFT JOIN sampled AS flows ON ids.record = flows.record AND flows.field = id_fields.correlation_id
GROUP BY ids.value
"""
_CAUSING: Final = """
SELECT sampled.scope, sampled.field, count(DISTINCT sampled.value)
FROM sampled
WHERE sampled.scope NOT IN (SELECT scope FROM told_fields)
    AND sampled.value IN (SELECT cause FROM known_events WHERE cause <> id)
GROUP BY ALL
"""
_MET: Final = """
WITH met AS (
    SELECT sampled.scope, sampled.field, sampled.record, known_events.*
    FROM sampled INNER JOIN known_events ON sampled.value = known_events.id
    WHERE sampled.is_whole AND sampled.scope NOT IN (SELECT scope FROM told_fields)
), fields AS (
    SELECT scope, field, count(DISTINCT value) AS n FROM sampled WHERE is_whole GROUP BY ALL
)
SELECT
    met.scope, met.field, count(DISTINCT met.id), count(DISTINCT met.id) / any_value(fields.n),
    count(DISTINCT met.id) FILTER (met.cause IS NOT NULL AND met.cause <> met.id)
FROM met INNER JOIN fields ON met.scope = fields.scope AND met.field = fields.field
GROUP BY ALL
"""
_SAID: Final = """
SELECT
    other.field,
    count(DISTINCT met.id) FILTER (met.cause <> met.id),
    avg((other.value = met.cause)::INTEGER) FILTER (met.cause <> met.id),
    count(DISTINCT met.id) FILTER (met.flow IS NOT NULL),
    avg((other.value = met.flow)::INTEGER) FILTER (met.flow IS NOT NULL)
FROM (
    SELECT sampled.record, known_events.*
    FROM sampled INNER JOIN known_events ON sampled.value = known_events.id
    WHERE sampled.scope = $scope AND sampled.field = $field
) AS met
INNER JOIN sampled AS other ON met.record = other.record AND other.field <> $field
GROUP BY ALL
"""


@dataclass(frozen=True)
class _Met:
    """A field of which the values are events that others know."""

    scope: int
    field: int
    count: int
    found: float
    chained: int
    """Of the values, events of which a cause is known."""


@dataclass(frozen=True)
class _Same:
    """A field that says the same of events as others do."""

    field: Path
    count: int
    equal: float


def find(
    connection: duckdb.DuckDBPyConnection,
    sample: Sample,
    decided: Sequence[Decision],
    shares: Mapping[tuple[str, Path], float],
) -> list[Decision]:
    """What is told of scopes without a cause by those with one; uses `sampled`, which has the sample.

    `shares`: of the records of a scope that have a field.
    """
    told: dict[str, dict[str, Path]] = {}
    for one in decided:
        if one.role in _TOLD:
            told.setdefault(one.scope, {})[one.role] = one.field
    whole = {scope: fields for scope, fields in told.items() if "causation_id" in fields}
    whole = {scope: fields for scope, fields in whole.items() if "event_id" in fields}
    if not whole or len(whole) == len(sample.scopes):
        return []
    finding = _Finding(connection, sample, shares)
    finding.know(whole)
    found: list[Decision] = []
    for scope, met in finding.met():
        found += finding.decide(scope, met, told.get(scope, {}))
    return found


class _Finding:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        sample: Sample,
        shares: Mapping[tuple[str, Path], float],
    ):
        self._connection = connection
        self._sample = sample
        self._shares = shares
        self._causing: list[tuple[int, int, int]] = []

    def know(self, told: Mapping[str, Mapping[str, Path]]) -> None:
        """The events of the scopes of which ids and causes are `told`."""
        number = {path: number for number, path in enumerate(self._sample.fields)}
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE told_fields"
            " (scope INTEGER, event_id INTEGER, causation_id INTEGER, correlation_id INTEGER)"
        )
        rows = [
            [self._sample.scopes.index(scope), *(number.get(fields.get(role, ())) for role in _TOLD)]
            for scope, fields in told.items()
        ]
        self._connection.executemany("INSERT INTO told_fields VALUES (?, ?, ?, ?)", rows)
        self._connection.execute(_KNOWN)
        self._causing = self._connection.execute(_CAUSING).fetchall()

    def met(self) -> list[tuple[str, list[_Met]]]:
        """Scope by scope, the fields that hold events of others."""
        by_scope: dict[str, list[_Met]] = {}
        for row in self._connection.execute(_MET).fetchall():
            met = _Met(*row)
            if met.count >= _FEWEST and met.found >= _FOUND:
                by_scope.setdefault(self._sample.scopes[met.scope], []).append(met)
        return sorted(by_scope.items())

    def decide(self, scope: str, met: Sequence[_Met], told: Mapping[str, Path]) -> list[Decision]:
        """What a scope says of events that others speak of, or causes of its own events."""
        for one in sorted(met, key=lambda one: self._rank("event_id", one)):
            path = self._sample.fields[one.field]
            if self._shares.get((scope, path), 0.0) < _EVERYWHERE or told.get("event_id", path) != path:
                continue
            causes, flows = self._said(one)
            if causes:
                return self._same_events(scope, one, causes, flows)
        return self._causes_of_own(scope, met, told)

    def _causes_of_own(self, scope: str, met: Sequence[_Met], told: Mapping[str, Path]) -> list[Decision]:
        """The cause, where the id is told, or is what others name as their causes and say nothing else of."""
        own = self._own_ids(scope, {one.field for one in met})
        id_field = told.get("event_id") or min(
            own, key=lambda path: (GENERIC.sort_key("event_id", path)[:2], -own[path], path), default=None
        )
        chained = [
            one
            for one in met
            if one.chained >= max(_FEWEST_CHAINED, _CHAIN * one.count)
            and self._sample.fields[one.field] != id_field
        ]
        if id_field is None or not chained:
            return []
        best = min(chained, key=lambda one: (self._rank(CAUSES[0], one)[:2], -one.found, one.field))
        evidence = {"values": best.count, "found": round(best.found, 3), "in_other_logs": True}
        cause = self._sample.fields[best.field]
        decided = [self._decision(scope, "causation_id", cause, best.found, evidence)]
        if id_field in own:
            evidence = {"values": own[id_field], "causes_in_other_logs": True}
            decided.append(self._decision(scope, "event_id", id_field, best.found, evidence))
        return decided + self._flow(scope, self._said(best)[1], {cause, id_field})

    def _own_ids(self, scope: str, met: Collection[int]) -> dict[Path, int]:
        """Fields of all records that others name as causes -> how many values they do."""
        rows = [
            (self._sample.fields[field], count)
            for at, field, count in self._causing
            if self._sample.scopes[at] == scope and field not in met and count >= _FEWEST
        ]
        return {path: count for path, count in rows if self._shares.get((scope, path), 0.0) >= _EVERYWHERE}

    def _same_events(
        self, scope: str, met: _Met, causes: Sequence[_Same], flows: Sequence[_Same]
    ) -> list[Decision]:
        path = self._sample.fields[met.field]
        told = {"values": met.count, "found": round(met.found, 3), "in_other_logs": True}
        decided = [self._decision(scope, "event_id", path, met.found, told)]
        cause = _best("causation_id", causes)
        told = {"events_of_others": cause.count, "equal": round(cause.equal, 3)}
        decided.append(self._decision(scope, "causation_id", cause.field, cause.equal, told))
        return decided + self._flow(scope, flows, {path, cause.field})

    def _flow(self, scope: str, flows: Sequence[_Same], taken: Collection[Path]) -> list[Decision]:
        """What is the same as others say of the flow of these events, or of those that caused them."""
        if not (flows := [flow for flow in flows if flow.field not in taken]):
            return []
        flow = _best("correlation_id", flows)
        told = {"events_of_others": flow.count, "equal": round(flow.equal, 3)}
        return [self._decision(scope, "correlation_id", flow.field, flow.equal, told)]

    def _said(self, met: _Met) -> tuple[list[_Same], list[_Same]]:
        """The fields that hold the cause, and those that hold the flow, that others say of these events."""
        asked = {"scope": met.scope, "field": met.field}
        rows = self._connection.execute(_SAID, asked).fetchall()
        found: tuple[list[_Same], list[_Same]] = ([], [])
        for field, *counts in rows:
            for same, count, equal in zip(found, counts[::2], counts[1::2], strict=True):
                if count >= _FEWEST and equal >= _EQUAL:
                    same.append(_Same(self._sample.fields[field], count, equal))
        return found

    def _decision(
        self, scope: str, role: str, field: Path, confidence: float, evidence: Mapping[str, object]
    ) -> Decision:
        named = GENERIC.roles(path for name, path in self._shares if name == scope)
        roles = CAUSES if role in CAUSES else (role,)
        first = next((named[name][0] for name in roles if named.get(name)), None)
        return Decision(scope, role, field, confidence, evidence, first != field)

    def _rank(self, role: str, met: _Met) -> tuple[object, ...]:
        return GENERIC.sort_key(role, self._sample.fields[met.field])


def _best(role: str, found: Sequence[_Same]) -> _Same:
    return min(found, key=lambda one: (GENERIC.sort_key(role, one.field)[:2], -one.equal, one.field))
