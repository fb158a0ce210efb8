"""Parses large batches together with the second process, where Python has to look at many of the records.

What DuckDB reads by itself uses all cores anyway.
"""

from __future__ import annotations

import pickle
import time
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
_LEAST: Final = 0.3
"""Of a batch each process gets so much."""


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
        self._part = 0.5
        """How much of a batch the second process gets, so that both are done at once."""

    def parse(self, lines: pa.Table, broken: Sequence[RawRecord] = ()) -> Outcome:
        """The same as `Engine.parse`."""
        engine = self._engine
        if lines.nbytes < WORTH_BYTES:
            return engine.parse(lines, broken)
        if self._is_worth_it is None:
            some = lines.slice(0, _TASTE)
            self._is_worth_it = engine.try_out(some) * _MANY >= some.num_rows
        with engine.at_once():
            parse = self._in_halves if self._is_worth_it else engine.parse
            outcome = parse(lines, broken)
        self._is_worth_it = engine.looked_at * _MANY >= lines.num_rows
        return outcome

    def _in_halves(self, lines: pa.Table, broken: Sequence[RawRecord]) -> Outcome:
        engine = self._engine
        ends = np.cumsum(lines["byte_length"].to_numpy())
        cut = int(np.searchsorted(ends, int(ends[-1] * self._part)))
        theirs, ours = lines.slice(0, cut), lines.slice(cut)
        asked = pickle.dumps(Asked(self._mapping, engine.mappings))

        def own() -> tuple[Outcome, float]:
            started = time.perf_counter()
            return engine.parse(ours, broken, cores=1), time.perf_counter() - started

        (outcome, seconds), answer = SECOND.share([PARSE, asked], own, theirs, engine.take)
        if answer is None or not answer.parts:
            return engine.parse(theirs, onto=outcome)
        self._balance(seconds, answer.seconds)
        told: Told = pickle.loads(answer.parts[0])  # noqa: S301 - of a process that this one started
        engine.uses |= told.uses
        engine.met |= told.met
        engine.looked_at += told.looked_at
        outcome.add(told.outcome)
        return outcome

    def _balance(self, ours_s: float, theirs_s: float) -> None:
        """Have the next batch cut so that both take as long, at the pace of this one."""
        ours, theirs = (1 - self._part) / ours_s, self._part / theirs_s
        self._part = min(max(theirs / (ours + theirs), _LEAST), 1 - _LEAST)
