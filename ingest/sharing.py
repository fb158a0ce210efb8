"""Parses large batches together with the second process, where Python has to look at many of the records.

What DuckDB reads by itself uses all cores anyway.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from ingest.engine import Engine
from ingest.mapping import FieldMapping, Fields, Inferred
from ingest.names import Path
from ingest.offload import PARSE, SECOND, WORTH_BYTES
from ingest.plan import Use
from ingest.records import Outcome, RawRecord

_TASTE: Final = 512
"""So many lines tell of the first batch how it is read."""
_MANY: Final = 8
"""Python has to look at one of so many records or more."""


@dataclass(frozen=True)
class Asked:
    """What an engine must know to parse lines as this one does."""

    mapping: FieldMapping
    mappings: list[tuple[Fields, Inferred]]


@dataclass(frozen=True)
class Told:
    """What was found out beside the rows."""

    outcome: Outcome
    uses: dict[tuple[int, int], Use]
    met: set[tuple[str, Path]]
    looked_at: int

    @classmethod
    def by(cls, engine: Engine, outcome: Outcome) -> Told:
        """Of the batch that an engine parsed last."""
        return cls(outcome, engine.uses, engine.met, engine.looked_at)


class Sharing:
    """Parses with an engine, and half of what is worth it in the second process."""

    def __init__(self, engine: Engine, mapping: FieldMapping):
        """`mapping` is that of the engine."""
        self._engine = engine
        self._mapping = mapping
        self._is_worth_it: bool | None = None

    def parse(self, lines: pa.Table, broken: Sequence[RawRecord] = ()) -> Outcome:
        """The same as `Engine.parse`."""
        engine = self._engine
        if lines.nbytes < WORTH_BYTES:
            return engine.parse(lines, broken)
        if self._is_worth_it is None:
            some = lines.slice(0, _TASTE)
            self._is_worth_it = engine.try_out(some) * _MANY >= some.num_rows
        parse = self._in_halves if self._is_worth_it else engine.parse
        outcome = parse(lines, broken)
        self._is_worth_it = engine.looked_at * _MANY >= lines.num_rows
        return outcome

    def _in_halves(self, lines: pa.Table, broken: Sequence[RawRecord]) -> Outcome:
        engine = self._engine
        ends = np.cumsum(lines["byte_length"].to_numpy())
        middle = int(np.searchsorted(ends, ends[-1] // 2))
        theirs, ours = lines.slice(0, middle), lines.slice(middle)
        asked = pickle.dumps(Asked(self._mapping, engine.mappings))
        outcome, answer = SECOND.share(
            [PARSE, asked], lambda: engine.parse(ours, broken), theirs, engine.take
        )
        if not answer:
            return engine.parse(theirs, onto=outcome)
        told: Told = pickle.loads(answer[0])  # noqa: S301 - of a process that this one started
        engine.uses |= told.uses
        engine.met |= told.met
        engine.looked_at += told.looked_at
        outcome.add(told.outcome)
        return outcome
