"""Looks at samples as logs are read, and changes its mind only for better evidence."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice, pairwise
from typing import Any, Final

import duckdb
import pyarrow as pa

from ingest.bounds import Bounds
from ingest.generations import utc_now
from ingest.mapping import Inferred, Kind
from ingest.matching import is_looked_into
from ingest.names import Path
from ingest.reader import Chunk
from ingest.roles import (
    clocks,
    codes,
    event_types,
    lineages,
    numbering,
    operations,
    shared_events,
    spellings,
    versions,
    wrappers,
    writers,
    zeros,
)
from ingest.roles.decisions import Decision, decide
from ingest.roles.evidence import VALUE_SCHEMA, Evidence, Sample
from ingest.roles.kinds import Kinds
from ingest.roles.numbering import NUMBER_SCHEMA
from ingest.roles.samples import Sampled, sampled, scope_of
from ingest.roles.thinning import EVERY, draw, thin
from stormwatch.fields import field_name

_KIND: Final = "kind"
"""Key of the evidence as it is stored: the fields of the records it is of."""
SAMPLE_RECORDS: Final = 10_000
"""So many records are looked at together."""
_KEPT_PER_SCOPE: Final = 4_000
"""So many of the latest are kept of each of several scopes, as causes may be far back."""
_KEPT_RECORDS: Final = 40_000
"""Of all scopes together, at most."""
_FIRST_LOOK: Final = 300
_GROWTH: Final = 3
"""The next look is at so many times the records of the one before."""
_GROWTH_AT_REST: Final = 1.25
"""The same while nothing is read."""
_LOOK_AT_LEAST: Final = 10_000_000
"""However many there were before, the next look is after so many records."""


class RoleFinder:
    """What is known of the fields of every scope; not for several threads at once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self._connection = connection
        self._decisions: dict[tuple[str, Kind, str], Decision] = {}
        self._by_scope: dict[str, list[Decision]] = {}
        self._kinds = Kinds()
        self._records: dict[str, list[Sampled]] = {}
        self._seen = 0
        self._taken = 0
        self._looked_at = 0
        self._next_look = _FIRST_LOOK

    def load(self) -> None:
        """Take over what the table `field_roles` says."""
        rows = self._connection.execute(
            "SELECT scope, role, field, confidence, evidence, is_override FROM field_roles"
        ).fetchall()
        for scope, role, field, confidence, evidence, is_override in rows:
            told = json.loads(evidence)
            kind = frozenset(map(tuple, told.pop(_KIND, ())))
            one = Decision(scope, role, tuple(json.loads(field)), confidence, told, is_override, kind=kind)
            self._decisions[_about(one)] = one
        self._kinds.know(self._decisions.values())
        self._sort()

    def _sort(self) -> None:
        by_scope = groupby(self.decisions(), key=lambda one: one.scope)
        self._by_scope = {scope: list(of_scope) for scope, of_scope in by_scope}

    def decisions(self) -> list[Decision]:
        """What was decided, by scope, kind and role."""
        return sorted(self._decisions.values(), key=lambda one: (one.scope, sorted(one.kind), one.role))

    def decision(self, path: str, role: str, names: Collection[str]) -> Decision | None:
        """What was decided of a role in the file at `path`, if it is that one of these fields fills it."""
        of_role = (one for one in self._by_scope.get(scope_of(path), ()) if one.role == role)
        return next((one for one in of_role if field_name(one.field) in names), None)

    def fields_of(self, path: str) -> Inferred:
        """Fields, or NO_FIELD, by role for the file at `path`, where names alone would say otherwise."""
        by_kind: dict[Kind, dict[str, Path]] = {}
        for one in self._by_scope.get(scope_of(path), ()):
            if one.is_override:
                by_kind.setdefault(one.kind, {})[one.role] = one.field
        return Inferred(by_kind.pop(frozenset(), {}), tuple(by_kind.items()))

    def take(self, chunks: Sequence[Chunk]) -> bool:
        """Take samples of what is about to be parsed; whether it is time to look at them."""
        good = [chunk for chunk in chunks if not chunk.rejected and not chunk.is_blank]
        for scope in {scope_of(chunk.generation.path) for chunk in good} - self._records.keys():
            self._records[scope] = []
            self._next_look = min(self._next_look, self._seen + _FIRST_LOOK)
        room = self._room()
        most = max(_FIRST_LOOK, room // max(1, len(good)))
        for chunk in good:
            self._seen += chunk.records
            if self._taken < room:
                bounds = chunk.bounds[: most + 1]
                count = self.add(chunk.generation.path, _lines(chunk, bounds), most)
                self._taken += max(len(bounds) - 1, count)
        return self._seen >= self._next_look

    def is_worth_a_look(self) -> bool:
        """Whether, as nothing more comes for now, it is time already."""
        return self._taken > 0 and self._seen >= self._looked_at * _GROWTH_AT_REST

    def add(self, path: str, lines: Iterable[bytes], most: int = SAMPLE_RECORDS) -> int:
        """At most so many records of the file at `path`, as they follow each other; how many there were."""
        kept = self._records.setdefault(scope_of(path), [])
        before = len(kept)
        kept.extend(islice((record for line in lines for record in sampled(line)), most))
        count = len(kept) - before
        del kept[:-SAMPLE_RECORDS]
        return count

    def look(self) -> list[Decision]:
        """Judge the sample; what is decided differently now."""
        self._next_look = self._seen + min(self._seen * (_GROWTH - 1), _LOOK_AT_LEAST)
        self._taken = 0
        self._looked_at = self._seen
        self._shrink()
        respelled = spellings.find(self._records)
        records = spellings.alike(self._records) if respelled else self._records
        found = self._judged(records)
        parts = self._kinds.parts(records, found)
        if parts.kinds:
            apart = [one for one in self._judged(parts.records) if one.scope in parts.kinds]
            found += map(parts.named, apart)
        found += respelled
        found += zeros.find(self._records, found)
        found += codes.find(self._records, found)
        changed = []
        for decision in found:
            about = _about(decision)
            known = self._decisions.get(about)
            if known is not None and known.field != decision.field and not self._is_better(decision, known):
                continue
            if known is None or (known.field, known.is_override) != (decision.field, decision.is_override):
                changed.append(replace(decision, was_override=known is not None and known.is_override))
            self._decisions[about] = decision
        self._sort()
        return changed

    def _judged(self, records: Mapping[str, list[Sampled]]) -> list[Decision]:
        """What the samples of scopes tell."""
        sample, counts = self._sample(records)
        evidence = Evidence(self._connection, sample)
        try:
            found = decide(evidence)
            shares = evidence.shares()
            found = _joined(found, shared_events.find(self._connection, sample, found, shares))
            found += writers.find(records, found)
            found += numbering.count(self._connection, counts, sample.scopes, sample.fields, found)
            ids = {(one.scope, one.field) for one in found if one.role == "event_id"}
            found += versions.find(self._connection, counts, sample.scopes, sample.fields, ids)
            found += clocks.find(records)
            found += wrappers.find(records, found)
            found += event_types.find(records, found)
            found += operations.find(records, found)
        finally:
            evidence.close()
        return [one if is_looked_into(one.field) else replace(one, is_override=True) for one in found]

    @staticmethod
    def _is_better(new: Decision, known: Decision) -> bool:
        """Whether to change one's mind: both fit, so a little better is not enough."""
        return new.confidence > known.confidence * 1.2 or known.confidence < new.confidence - 0.2

    def save(self) -> None:
        """Write what is decided to the table `field_roles`, in the transaction at hand."""
        decisions = self.decisions()
        rows = pa.table(
            {
                "scope": [one.scope for one in decisions],
                "role": [one.role for one in decisions],
                "field": [json.dumps(one.field) for one in decisions],
                "confidence": [one.confidence for one in decisions],
                "evidence": [json.dumps(_with_kind(one)) for one in decisions],
                "is_override": [one.is_override for one in decisions],
            }
        )
        self._connection.execute("DELETE FROM field_roles")
        self._connection.register("new_roles", rows)
        self._connection.execute(
            "INSERT INTO field_roles BY NAME SELECT *, ?::TIMESTAMP AS decided_at FROM new_roles", [utc_now()]
        )
        self._connection.unregister("new_roles")

    def _room(self) -> int:
        """Records to keep of all scopes: more only while there are some of which nothing is told."""
        told = {one.scope for one in self._decisions.values() if one.role == "event_id"}
        if told.issuperset(self._records):
            return SAMPLE_RECORDS
        return min(_KEPT_RECORDS, max(SAMPLE_RECORDS, _KEPT_PER_SCOPE * len(self._records)))

    def _shrink(self) -> None:
        for scope, share in _shares(self._records, self._room()).items():
            del self._records[scope][: len(self._records[scope]) - share]

    def _sample(self, records: Mapping[str, list[Sampled]]) -> tuple[Sample, pa.Table]:
        """The values that may be ids of all that is kept, thinned, and of the latest those that may count."""
        scopes = sorted(records)
        fields: dict[Path, int] = {}
        ids: list[tuple[int, int, int, str, float | None, bool]] = []
        kept = [(number, record) for number, scope in enumerate(scopes) for record in records[scope]]
        chosen, limit = thin([record for _, record in kept], SAMPLE_RECORDS)
        led = lineages.find(records)
        for place in chosen:
            number, record = kept[place]
            for path, value in lineages.ids(record, scopes[number], led):
                is_whole = limit == EVERY or draw(value) < limit
                ids.append((place, number, fields.setdefault(path, len(fields)), value, record.at, is_whole))
        counts = _counts(records, scopes, fields)
        lists = frozenset(path for _, record in kept for path, _ in record.lists)
        drawn = max(1, limit) / EVERY
        return Sample(_table(ids, VALUE_SCHEMA), scopes, list(fields), drawn, lists), counts


def _about(decision: Decision) -> tuple[str, Kind, str]:
    return decision.scope, decision.kind, decision.role


def _with_kind(decision: Decision) -> dict[str, object]:
    """The evidence, and of which records it is where they are not all of the scope."""
    return {**decision.evidence, **({_KIND: sorted(decision.kind)} if decision.kind else {})}


def _shares(records: Mapping[str, list[Sampled]], room: int) -> dict[str, int]:
    """As many records of each scope as all have room for."""
    shares = {}
    for number, scope in enumerate(sorted(records, key=lambda name: len(records[name]))):
        shares[scope] = min(len(records[scope]), room // (len(records) - number))
        room -= shares[scope]
    return shares


def _counts(records: Mapping[str, list[Sampled]], scopes: Sequence[str], fields: dict[Path, int]) -> pa.Table:
    """The numbers and labels of the latest records, which follow each other without holes."""
    counts: list[tuple[int, int, int, int | None, str | None]] = []
    shares = _shares(records, SAMPLE_RECORDS)
    count = 0
    for number, scope in enumerate(scopes):
        latest = records[scope]
        for record in latest[len(latest) - shares[scope] :]:
            count += 1
            for path, amount in record.numbers:
                counts.append((count, number, fields.setdefault(path, len(fields)), amount, None))
            for path, label in record.labels:
                counts.append((count, number, fields.setdefault(path, len(fields)), None, label))
    return _table(counts, NUMBER_SCHEMA)


def _joined(found: list[Decision], more: list[Decision]) -> list[Decision]:
    """All decisions, with those of the latter in place of others about the same."""
    return list({(one.scope, one.role): one for one in (*found, *more)}.values())


def _lines(chunk: Chunk, bounds: Bounds) -> Iterator[bytes]:
    """The first records of a chunk, as objects where its columns have names."""
    if chunk.columns is not None:
        return chunk.columns.samples(chunk.data, bounds)
    return (chunk.data[start:end] for start, end in pairwise(bounds.tolist()))


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(schema)
    return pa.table(columns, schema=schema)
