"""Storms that a loop of causes does not tell of: seen as messages sent, received and handled.

Each has a day of everyday traffic before it. A queue in front of handlers of a fixed capacity
(first come, first served) makes what is sent late to be handled; at the limit of the queue the
system dies.

* `retry storm without ids`: handlers fail ever more often and try again after a pause; the log has
  attempts, and no causation ids.
* `poison messages`: ever more messages can never be handled and are delivered again and again.
* `pure overload`: ever more customers, nothing else.
* `fan-out explosion`: exports get ever larger, and nothing comes back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from plans import DAY

CAUSES = ("retry storm without ids", "poison messages", "pure overload", "fan-out explosion")
_RISING_MIN = 180
_HEADROOM = 2.5
_LIMIT_MIN = 15
"""The queue is full when it holds what can be handled in so many minutes."""
_PAUSE_S = 30.0


@dataclass(frozen=True)
class Story:
    """What a system wrote, and what was true of it."""

    events: pa.Table
    """id BIGINT, cause_id BIGINT (NULL: none), occurred_s DOUBLE, operation, event_type, attempt,
    is_redelivered; a message is sent once, and processed once per attempt."""
    begun_min: int
    crashed_min: int | None
    queue_limit: int
    """Messages that may wait before it dies."""


def tell(cause: str, seed: int, events_per_s: float) -> Story:
    """One of the CAUSES, until the system dies of it."""
    rng = np.random.default_rng([seed, 3])
    begun = DAY + int(rng.integers(0, 720))
    minutes = begun + 4 * _RISING_MIN
    minute = np.arange(minutes)
    base = events_per_s * 60 / 2
    daily = 1 + 0.5 * np.sin(2 * np.pi * (minute % DAY) / DAY - 2)
    rise = np.clip((minute - begun) / _RISING_MIN, 0, None)
    usual = base * daily * np.exp(rng.normal(0, 0.05, minutes))
    per_minute = usual * (1 + 3 * rise) if cause == "pure overload" else usual
    sent = _instants(rng, per_minute)
    causes = np.full(len(sent), -1)
    attempts = np.ones(len(sent), np.int32)
    if cause == "fan-out explosion":
        sent, causes, attempts = _exports(rng, sent, base, 10 + 300 * rise, minutes)
    order = np.argsort(sent, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    sent, causes = sent[order], np.where(causes[order] < 0, -1, rank[causes[order]])
    ids = np.arange(len(sent))
    owner, due, attempt = [ids], [sent], [attempts]
    if cause in CAUSES[:2]:
        worst = 0.98 if cause == "retry storm without ids" else 1.0
        while len(owner[-1]):
            now = np.minimum((due[-1] // 60).astype(int), minutes - 1)
            failing = np.clip(0.05 + (worst - 0.05) * rise[now], 0.05, worst)
            if cause == "poison messages":
                # Until it begins they are put aside after a few attempts.
                share = 0.001 + 0.06 * np.clip(rise[now], 0, 1)
                failing = np.where(attempt[-1] > 1, np.where(rise[now] > 0, 0.995, 0.5), share)
            again = rng.random(len(owner[-1])) < failing
            due.append(due[-1][again] + rng.exponential(_PAUSE_S, int(again.sum())))
            inside = due[-1] < minutes * 60
            due[-1] = due[-1][inside]
            owner.append(owner[-1][again][inside])
            attempt.append(attempt[-1][again][inside] + 1)
    return _handled(
        (sent, causes), (np.concatenate(owner), np.concatenate(due), np.concatenate(attempt)),
        _HEADROOM * base / 60, begun, is_redelivery=cause == "poison messages",
    )  # fmt: skip


def _instants(rng: np.random.Generator, per_minute: np.ndarray) -> np.ndarray:
    counts = rng.poisson(per_minute)
    starts = np.repeat(np.arange(len(per_minute)) * 60.0, counts)
    return starts + rng.random(len(starts)) * 60


def _exports(
    rng: np.random.Generator, sent: np.ndarray, base: float, fan_out: np.ndarray, minutes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The messages, and those of exports, one in a hundred of them, with what each sets in motion."""
    begun = _instants(rng, np.full(minutes, base / 100))
    counts = rng.poisson(fan_out[(begun // 60).astype(int)])
    written = np.repeat(begun, counts) + rng.exponential(60.0, int(counts.sum()))
    causes = np.repeat(np.arange(len(begun)) + len(sent), counts)
    times = np.concatenate([sent, begun, written])
    none = np.full(len(sent) + len(begun), -1)
    return times, np.concatenate([none, causes]), np.ones(len(times), np.int32)


def _handled(
    messages: tuple[np.ndarray, np.ndarray],
    work: tuple[np.ndarray, np.ndarray, np.ndarray],
    per_s: float,
    begun: int,
    *,
    is_redelivery: bool,
) -> Story:
    """Let a server of that capacity work through it, and log until its queue is full."""
    sent, causes = messages
    order = np.argsort(work[1], kind="stable")
    owner, due, attempt = (column[order] for column in work)
    place = np.arange(len(due))
    # Lindley's recursion in closed form: work begins when it is due, or when all before it is done.
    done = np.maximum.accumulate(due - place / per_s) + (place + 1) / per_s
    full = np.flatnonzero((done - due > _LIMIT_MIN * 60) & (due > begun * 60))
    died_s = due[full[0]] if len(full) else np.inf
    of_sent, of_done = sent < died_s, done < died_s
    number = int(of_sent.sum()) + int(of_done.sum())
    ids = np.concatenate([np.flatnonzero(of_sent), owner[of_done]])
    named = causes[ids]
    tried = np.concatenate([np.ones(int(of_sent.sum()), np.int32), attempt[of_done]])
    operation = pa.DictionaryArray.from_arrays(
        (np.arange(number) >= of_sent.sum()).astype(np.int8), ["send", "process"]
    )
    events = pa.table(
        {
            "id": ids,
            "cause_id": pa.array(named, mask=named < 0),
            "occurred_s": np.concatenate([sent[of_sent], done[of_done]]),
            "operation": operation,
            "event_type": pa.array(np.where(named < 0, "message.sent", "export.written")),
            "attempt": pa.array(tried, mask=np.full(number, is_redelivery)),
            "is_redelivered": (tried > 1) & is_redelivery,
        }
    )
    died = int(died_s // 60) if np.isfinite(died_s) else None
    return Story(events, begun, died, round(per_s * _LIMIT_MIN * 60))
