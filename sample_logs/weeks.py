"""Weeks of events of many systems, fast: a branching process at the level of events, with numpy.

Types and what each event causes, directly and on average:

    order.placed  -> 1.4 order.step          batch.begun -> 30 batch.item
    order.step    -> 0.6 order.notified      timer.due   -> exactly 1 timer.due, a minute later
    order.step    -> a few order.retried, the share of steps that fail
    order.retried -> gain order.retried, or by way of order.reserved and back
                  -> 0.05 order.step
    replay.sent, export.begun -> export.written (its fan-out is a matter of the plan)

A `Plan` (plans.py) says per minute how many orders come, how many steps fail and what the gain is.
Overload feeds back: from 60 % of the capacity on, the gain rises by half of what is above. At the
capacity the system dies, and nothing is written any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from plans import Plan

TYPES = (
    "order.placed", "order.step", "order.notified", "batch.begun", "batch.item", "order.retried",
    "order.reserved", "timer.due", "replay.sent", "export.begun", "export.written",
)  # fmt: skip
PLACED, STEP, NOTIFIED, BATCH, ITEM, RETRIED, RESERVED, TIMER, REPLAY, EXPORT, WRITTEN = range(len(TYPES))
EVENTS_PER_ORDER = 3.6
_DELAY_S, _ITEM_DELAY_S, _TIMER_S = 30.0, 150.0, 60.0
_NODES = 8
_STEP = 60
"""Minutes that are simulated at once where nothing can run away."""
_PIECE = 1 << 22
"""Events that are written at once, at least but for the last ones."""


@dataclass(frozen=True)
class Run:
    """What was true of a system, and the way to what it wrote."""

    plan: Plan
    seed: int
    gain: np.ndarray
    """True gain per minute, feedback included."""
    crashed_min: int | None
    """Minute in which it died."""
    born_count: int
    """Events that there were, before the lost ones are left out."""
    chance: dict[str, Any]
    """State of the generator after all that happened."""

    @property
    def capacity_per_min(self) -> float:
        """Events at which it dies."""
        return self.plan.capacity

    @property
    def events(self) -> pa.Table:
        """All of `pieces` at once."""
        return pa.concat_tables(self.pieces())

    def pieces(self) -> Iterator[pa.Table]:
        """The log lines, in parts of some million: hundreds of millions do not fit in memory.

        Columns: id and cause_id BIGINT (NULL: root, or the id is missing), occurred_s DOUBLE since the
        start by the clock of the node, event_type, attempt, node; in no order. The system is let run
        again: what is lost is drawn after all that happened.
        """
        again, writer = _System(self.plan, np.random.default_rng(self.seed)), _Writer(self)
        for part in _gathered(again.steps()):
            yield writer.written(part)


@dataclass
class _Events:
    """Columns of events; `made` holds how often this one was tried before (turn of the loop)."""

    born_s: np.ndarray
    kind: np.ndarray
    cause: np.ndarray
    made: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> _Events:
        return _Events(self.born_s[chosen], self.kind[chosen], self.cause[chosen], self.made[chosen])

    def __len__(self) -> int:
        return len(self.born_s)


def _joined(parts: list[_Events]) -> _Events:
    return _Events(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in _Events.__annotations__)
    )


def simulate(plan: Plan, seed: int) -> Run:
    """Let a system run through its plan, or up to its death."""
    rng = np.random.default_rng(seed)
    system = _System(plan, rng)
    for _ in system.steps():
        pass
    return Run(plan, seed, system.gain, system.crashed_min, system.count, rng.bit_generator.state)


class _System:
    def __init__(self, plan: Plan, rng: np.random.Generator):
        self.plan, self.rng = plan, rng
        self.gain = np.minimum(plan.gain, 1.3)
        self.count = 0
        self.crashed_min: int | None = None
        self.is_two_step = bool(rng.random() < 0.5)
        self.is_uneven = bool(rng.random() < 0.5)

    def steps(self) -> Iterator[list[_Events]]:
        """What happens, a few minutes at a time; `gain` and `crashed_min` are known at the end."""
        plan, minutes = self.plan, len(self.plan.orders)
        waiting = self._fresh(np.zeros(plan.timers), TIMER, spread_s=_TIMER_S)
        minute, load = 0, 0.0
        while minute < minutes and self.crashed_min is None:
            # Feedback is by the minute; as long as nothing can run away, longer steps are as good.
            calm = plan.gain[minute : minute + _STEP].max() < 0.9 and load < 0.3
            end = min(minute + (_STEP if calm else 1), minutes)
            self.gain[minute:end] += 0.5 * min(max(load - 0.6, 0.0), 1.0)
            due = waiting.born_s < end * 60
            batch, later = self._offspring(_joined([waiting[due], *self._roots(minute, end)]), end * 60)
            waiting = _joined([waiting[~due], *later])
            yield batch
            load = sum(map(len, batch)) / (end - minute) / plan.capacity
            if load >= 1:
                self.crashed_min = minute
                self.gain = self.gain[: minute + 1]
            minute = end

    def _roots(self, begin: int, end: int) -> Iterator[_Events]:
        plan, rng = self.plan, self.rng
        for kind, per_minute in (
            (PLACED, plan.orders), (BATCH, plan.batches), (REPLAY, plan.replays), (EXPORT, plan.exports),
        ):  # fmt: skip
            counts = rng.poisson(per_minute[begin:end])
            yield self._fresh(np.repeat(np.arange(begin, end), counts) * 60.0, kind, spread_s=60)

    def _fresh(self, born_s: np.ndarray, kind: int, spread_s: float) -> _Events:
        n = len(born_s)
        born = born_s + self.rng.random(n) * spread_s
        return _Events(born, np.full(n, kind, np.int8), np.full(n, -1), np.zeros(n, np.int16))

    def _offspring(self, current: _Events, end_s: float) -> tuple[list[_Events], list[_Events]]:
        """All events born before `end_s`, a generation at a time and numbered so, and those born later."""
        born, later = [], []
        while len(current):
            ids = np.arange(self.count, self.count + len(current))
            self.count += len(current)
            born.append(current)
            children = _joined(list(self._caused(ids, current)))
            due = children.born_s < end_s
            later.append(children[~due])
            current = children[due]
        return born, later

    def _caused(self, ids: np.ndarray, events: _Events):
        minute = np.minimum((events.born_s // 60).astype(np.int64), len(self.gain) - 1)
        own = {kind: events.kind == kind for kind in np.unique(events.kind)}
        nothing = np.zeros(len(events), bool)

        def of(cause: int, effect: int, mean, delay_s: float = _DELAY_S, *, uneven: bool = False):
            chosen = own.get(cause, nothing)
            n = int(chosen.sum())
            each = np.broadcast_to(np.asarray(mean, float), len(events))[chosen]
            if uneven:
                each = each * self.rng.gamma(2.0, 0.5, n)
            counts = self.rng.poisson(each)
            where = np.flatnonzero(chosen).repeat(counts)
            turns = events.made[where] + np.int16(effect in (RETRIED, RESERVED))
            delay = self.rng.exponential(delay_s, len(where))
            kinds = np.full(len(where), effect, np.int8)
            return _Events(events.born_s[where] + delay, kinds, ids[where], turns)

        gain = self.gain[minute]
        yield of(PLACED, STEP, 1.4)
        yield of(STEP, NOTIFIED, 0.6)
        yield of(STEP, RETRIED, self.plan.failing[minute])
        yield of(BATCH, ITEM, 30.0, _ITEM_DELAY_S)
        yield of(EXPORT, WRITTEN, self.plan.fan_out[minute], _ITEM_DELAY_S)
        yield of(RETRIED, STEP, 0.05)
        if self.is_two_step:
            yield of(RETRIED, RESERVED, gain, uneven=self.is_uneven)
            yield of(RESERVED, RETRIED, gain)
        else:
            yield of(RETRIED, RETRIED, gain, uneven=self.is_uneven)
        timers = np.flatnonzero(own.get(TIMER, nothing))
        yield _Events(events.born_s[timers] + _TIMER_S, events.kind[timers], ids[timers], events.made[timers])


class _Writer:
    """Writes log lines: what the nodes' clocks say, without the ids and lines that are lost.

    Chance decides of all events first where they were, and then what is missing; both go on from piece to
    piece, so the pieces are as if all had been written at once.
    """

    def __init__(self, run: Run):
        self._plan = run.plan
        self._placing, self._losing = (_going_on(run.chance) for _ in range(2))
        for begin in range(0, run.born_count, _PIECE):
            _places(self._losing, min(_PIECE, run.born_count - begin))
        self._offsets = self._losing.normal(0, 0.2, _NODES)
        self._count = 0

    def written(self, events: _Events) -> pa.Table:
        plan = self._plan
        node = _places(self._placing, len(events))
        minute = np.minimum((events.born_s // 60).astype(np.int32), len(plan.orders) - 1)
        offset = self._offsets[node] + plan.skew_s[minute] * (node == 0)
        has_cause = (events.cause >= 0) & (self._losing.random(len(events)) < plan.coverage)
        kept = ~(plan.file_lost[minute] & (node == 1))
        table = pa.table(
            {
                "id": np.arange(self._count, self._count + len(events)),
                "cause_id": pa.array(events.cause, mask=~has_cause),
                "occurred_s": events.born_s + offset,
                "event_type": pa.DictionaryArray.from_arrays(events.kind, list(TYPES)),
                "attempt": events.made.astype(np.int32) + 1,
                "node": node,
            }
        )
        self._count += len(events)
        return table.filter(pa.array(kept)) if not kept.all() else table


def _going_on(chance: dict[str, Any]) -> np.random.Generator:
    """A generator that goes on from a state."""
    rng = np.random.default_rng()
    rng.bit_generator.state = chance
    return rng


def _places(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.integers(0, _NODES, count).astype(np.int8)


def _gathered(steps: Iterator[list[_Events]]) -> Iterator[_Events]:
    """What happens in some steps, together, so that pieces are neither many nor large."""
    waiting: list[_Events] = []
    for batch in steps:
        waiting += batch
        if sum(map(len, waiting)) >= _PIECE:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)
