"""What an everyday week of a system looks like beside its chains of events: messages, locks, deadlocks.

Drawn from a `Plan` (plans.py), so that what happens to the chains happens to these as well. Nothing in it
deserves an alarm: a queue has room for every rush, faults are within what is allowed, all locks are taken
in one order, and deadlocks come by chance, as traffic does.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from plans import DAY, Plan

_SHARE = 0.2
"""Messages per order: most orders are of no interest to this queue."""
_ROOM = 6.0
"""How many times the orders of a quiet minute can be handled in one."""
_LATE, _COPIED, _FAILING = 1e-4, 2e-4, 0.01
_KEYS = 8
_IN_HAND = 6
"""Messages that are delivered again when their consumer is restarted."""
_PAUSE_S = 30.0
_DEADLOCKS_PER_H = 12.0
_TRANSACTIONS_PER_MIN = 1.0


def messages(plan: Plan, seed: int) -> pa.Table:
    """Id BIGINT, occurred_s DOUBLE since the start, operation, stream_key, sequence, attempt,
    is_redelivered; by time. Each is sent, received once or more often, and processed until it works.
    """
    rng = np.random.default_rng([seed, 5])
    minutes = len(plan.orders)
    counts = rng.poisson(_SHARE * plan.orders)
    sent = np.sort(np.repeat(np.arange(minutes) * 60.0, counts) + rng.random(counts.sum()) * 60)
    ids = np.arange(len(sent))
    key = rng.integers(0, _KEYS, len(sent))
    sequence = np.empty(len(sent), np.int64)
    for one in range(_KEYS):
        sequence[key == one] = np.arange(1, int((key == one).sum()) + 1)
    restarts = _restarts(plan, rng)
    due = sent + rng.exponential(0.05, len(sent))
    late = rng.random(len(sent)) < _LATE
    due[late] += rng.exponential(_PAUSE_S, int(late.sum()))
    for begin, end in restarts:
        due[(due >= begin) & (due < end)] = end
    received = _served(due, _ROOM * _SHARE * float(np.median(plan.orders)) / 60)
    again = np.concatenate(
        [
            np.flatnonzero(rng.random(len(sent)) < _COPIED),
            *(np.flatnonzero(received < begin)[-_IN_HAND:] for begin, _ in restarts),
        ]
    )
    again_at = received[again] + rng.exponential(_PAUSE_S, len(again))
    parts = [
        (ids, sent, "send", 1, False), (ids, received, "receive", 1, False),
        (again, again_at, "receive", 1, True), (ids, received + 0.01, "process", 1, False),
    ]  # fmt: skip
    tried, at, attempt = ids, received, 1
    usual = float(np.median(plan.failing))
    while len(tried):
        minute = np.minimum((at // 60).astype(int), minutes - 1)
        failing = rng.random(len(tried)) < _FAILING * plan.failing[minute] / usual
        tried, at, attempt = tried[failing], at[failing], attempt + 1
        at = at + rng.exponential(_PAUSE_S, len(at))
        parts.append((tried, at, "process", attempt, False))
    owner = np.concatenate([part[0] for part in parts])
    times = np.concatenate([part[1] for part in parts])
    order = np.argsort(times, kind="stable")
    lengths = [len(part[0]) for part in parts]
    return pa.table(
        {
            "id": owner[order],
            "occurred_s": times[order],
            "operation": np.repeat([part[2] for part in parts], lengths)[order],
            "stream_key": key[owner][order],
            "sequence": sequence[owner][order],
            "attempt": np.repeat([part[3] for part in parts], lengths).astype(np.int32)[order],
            "is_redelivered": np.repeat([part[4] for part in parts], lengths)[order],
        }
    )


def _restarts(plan: Plan, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Seconds in which the consumer is down: briefly, with every deployment and restart."""
    begun = [span.begin_min for span in plan.benign if span.kind in {"deploy", "restart"}]
    return [(minute * 60.0, minute * 60.0 + rng.uniform(20, 120)) for minute in begun]


def _served(due: np.ndarray, per_s: float) -> np.ndarray:
    """When each begins to be handled by a server of that capacity, first come, first served."""
    order = np.argsort(due, kind="stable")
    place = np.arange(len(due))
    begun = np.empty(len(due))
    begun[order] = np.maximum.accumulate(due[order] - place / per_s) + place / per_s
    return begun


def locks(plan: Plan, seed: int) -> pa.Table:
    """Id BIGINT, occurred_s, operation, owner, resource, by time: transactions that take an account,
    then a till; and reports of deadlocks, which come as often as there is traffic.
    """
    rng = np.random.default_rng([seed, 6])
    minutes = len(plan.orders)
    number = int(rng.poisson(_TRANSACTIONS_PER_MIN * minutes))
    begun = np.sort(rng.random(number)) * minutes * 60
    account, till = rng.integers(1, 41, number), rng.integers(1, 6, number)
    owners = np.array([f"tx-{one}" for one in range(number)])
    accounts = np.array([f"account-{one}" for one in account])
    tills = np.array([f"till-{one}" for one in till])
    parts = [
        (begun, "lock_acquire", owners, accounts), (begun + 0.1, "lock_acquire", owners, tills),
        (begun + 0.2, "lock_release", owners, tills), (begun + 0.3, "lock_release", owners, accounts),
    ]  # fmt: skip
    hours = -(-minutes // 60)
    traffic = np.array([plan.orders[hour * 60 : hour * 60 + 60].mean() for hour in range(hours)])
    counts = rng.poisson(_DEADLOCKS_PER_H * traffic / plan.orders[:DAY].mean())
    reported = np.repeat(np.arange(hours) * 3600.0, counts) + rng.random(counts.sum()) * 3600
    nobody = np.full(len(reported), None, object)
    parts.append((reported, "deadlock", nobody, nobody))
    times = np.concatenate([part[0] for part in parts])
    order = np.argsort(times, kind="stable")
    operations = np.repeat([part[1] for part in parts], [len(part[0]) for part in parts])
    return pa.table(
        {
            "id": np.arange(len(times)),
            "occurred_s": times[order],
            "operation": operations[order],
            "owner": pa.array(np.concatenate([part[2].astype(object) for part in parts])[order], pa.string()),
            "resource": pa.array(
                np.concatenate([part[3].astype(object) for part in parts])[order], pa.string()
            ),
        }
    )
