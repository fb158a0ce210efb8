"""Prints what a person would be told: the alarms of the rules as they are shipped, by back-test, on
benign weeks and on storms.

Rules that go by the wall clock judge when lines were read, and cannot be played again.
"""

from __future__ import annotations

import argparse
import os
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Any

import duckdb
import numpy as np

from stormwatch.alerts.asking import Pace, Watch
from stormwatch.alerts.backtest import Fired, backtest
from stormwatch.alerts.rules import SEVERITIES, Rule, load_rules

from .arguments import positive, share, some, whole
from .deadlocks import PATIENCE_S, counted_hourly
from .detectors import DAY
from .figures import WEEK, FalseAlarms, Leads
from .systems import MESSAGES, SIMULATED, START, Job, database, other_storms, plans, store, weeks

import deliveries  # type: ignore[import-not-found]  # isort: skip  # a script of sample_logs, found by systems

MINUTE = timedelta(minutes=1)
_DELIVERED = (
    "operation, attempt, is_redelivered, 'work' AS stream, stream_key, 'shop-1' AS epoch, sequence, "
    "'producer' AS sequence_source, 'message.sent' AS event_type, "
    "if(operation = 'send', 'shop', 'worker') AS service"
)
_LOCKED = "operation, 'db' AS service"
_LOCKS = """
INSERT INTO locks BY NAME
SELECT
    1 AS file_id, 0 AS byte_offset, 0 AS record_no, 'l-' || id AS event_id, operation, owner, resource,
    $start::TIMESTAMP + to_microseconds((occurred_s * 1e6)::BIGINT) AS occurred_at
FROM written WHERE operation <> 'deadlock'
"""


def _asked_every_half_hour(rule: Rule) -> Rule:
    """Both orders of an hour, one of them in its last half: half-hourly questions leave out none."""
    return replace(rule, policy=replace(rule.policy, every=30 * MINUTE))


_SELDOM = {"deadlock_surge": counted_hourly, "lock_order_inverted": _asked_every_half_hour}
"""Rules that would be asked 2,000 times a week and more one by one, and how that is avoided."""
RULES = {
    name: _SELDOM.get(name, lambda one: one)(rule)
    for name, rule in load_rules()[0].items()
    if rule.clock == "log"
}
CHAINS = ("storm_ahead", "work_repeated")
DELIVERIES = tuple(name for name in RULES if name != "storm_ahead")
"""What is asked of which of the two logs of a benign system: chains of events; messages, locks, deadlocks."""
_FOR = {"deadlock_surge": 2 * DAY, "delivery_budget_burning": DAY // 4, "lock_order_inverted": DAY}
"""Minutes for which rules are asked that take up to a tenth of a second for each of thousands of instants."""
FALLBACKS = ("storm_ahead", "work_repeated", "backlog_growing")
"""What is asked of storms: in their logs there is nothing for the others."""


@dataclass(frozen=True)
class Told:
    """What the rules told of a system; instants are minutes since its start."""

    job: Job
    alarms: tuple[tuple[str, str, float, tuple[tuple[str, float], ...]], ...]
    """Rule, episode, minute in which it fired, and the minutes in which it reached which severity."""
    minutes: dict[str, float]
    """For how long each rule was asked; of both logs of a benign system together as long as of one."""
    begun_min: int | None
    crashed_min: int | None


def benign(job: Job) -> Told:
    """A system in which nothing happens that deserves an alarm, after a day that tells what is usual."""
    plan: Any = plans.everyday(job.seed, job.days, job.events_per_s, job.coverage, job.failing)
    run = weeks.simulate(plan, job.seed)
    end = len(plan.orders)
    with database() as (connection, _):
        store(connection, [run.events.sort_by("occurred_s")], SIMULATED)
        alarms = _played(connection, dict.fromkeys(CHAINS, (DAY, end)))
    asked = {name: (DAY, min(end, DAY + _FOR.get(name, end))) for name in DELIVERIES}
    with database() as (connection, _):
        store(connection, [deliveries.messages(plan, job.seed)], _DELIVERED, prefix="m-")
        locked = deliveries.locks(plan, job.seed)
        store(connection, [locked], _LOCKED, prefix="l-")
        connection.register("written", locked)
        connection.execute(_LOCKS, {"start": START})
        alarms += _played(connection, asked)
    minutes = {name: float(last - first) for name, (first, last) in asked.items()}
    return Told(job, alarms, minutes | {"storm_ahead": float(end - DAY)}, None, None)


def storm(job: Job) -> Told:
    """A storm of a loop, or of another cause, until the system dies of it."""
    if job.shape in plans.SHAPES:
        plan: Any = plans.storm(job.shape, job.seed, job.events_per_s, job.coverage, job.failing)
        run: Any = weeks.simulate(plan, job.seed)
        events, rest, begun = run.events, SIMULATED, plan.storm.begin_min
    else:
        run = other_storms.tell(job.shape, job.seed, job.events_per_s / 5)
        events, rest, begun = run.events, MESSAGES, run.begun_min
    # What lives through the plan is judged to its end.
    end = run.crashed_min if run.crashed_min is not None else int(np.max(events["occurred_s"]) // 60)
    with database() as (connection, _):
        store(connection, [events.sort_by("occurred_s")], rest)
        alarms = _played(connection, dict.fromkeys(FALLBACKS, (DAY // 2, end)))
    return Told(job, alarms, {}, begun, run.crashed_min)


def _played(
    connection: duckdb.DuckDBPyConnection, asked: dict[str, tuple[int, int]]
) -> tuple[tuple[str, str, float, tuple[tuple[str, float], ...]], ...]:
    return tuple(
        (name, one.key, _minute(one.fired_at), tuple((level, _minute(at)) for level, at in one.severities))
        for name, (first, last) in asked.items()
        for one in _fired(connection, name, START + first * MINUTE, START + last * MINUTE)
    )


def _fired(
    connection: duckdb.DuckDBPyConnection, name: str, since: datetime, until: datetime
) -> tuple[Fired, ...]:
    return backtest(connection, RULES[name], Watch(Pace(), START, PATIENCE_S), since, until).fired


def _minute(at: datetime) -> float:
    return (at - START) / MINUTE


def false_alarms(told: Sequence[Told], rule: str, least: str) -> FalseAlarms:
    """Alarms of a rule that reached a severity, in benign weeks."""
    counted = SEVERITIES[SEVERITIES.index(least) :]
    count = sum(
        name == rule and any(level in counted for level, _ in reached)
        for one in told
        for name, _, _, reached in one.alarms
    )
    return FalseAlarms(count, sum(one.minutes[rule] for one in told) / WEEK)


def leads(told: Sequence[Told], rules: Sequence[str], least: str) -> Leads:
    """Minutes from when one of the rules first told of a storm at a severity to the crash."""
    counted = SEVERITIES[SEVERITIES.index(least) :]
    found, early = [], 0
    for one in told:
        if one.crashed_min is None or one.begun_min is None:
            continue
        reached = [
            min((at for level, at in levels if level in counted), default=np.inf)
            for name, _, _, levels in one.alarms
            if name in rules
        ]
        in_time = [at for at in reached if one.begun_min <= at <= one.crashed_min]
        early += sum(at < one.begun_min for at in reached)
        found.append(one.crashed_min - min(in_time) if in_time else np.nan)
    return Leads(np.array(found, float), early)


def main(arguments: Sequence[str]) -> None:
    """Print both."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation told", description=__doc__)
    parser.add_argument("--weeks", type=whole, default=42, help="benign weeks, each of another system")
    parser.add_argument("--storms", type=whole, default=10, help="storms of each shape and other cause")
    parser.add_argument("--rate", type=positive, default=4.0, help="events per second of benign systems")
    parser.add_argument("--storm-rate", type=positive, default=20.0, help="the same of storms")
    parser.add_argument("--coverage", type=share, default=0.95, help="share of effects that name their cause")
    parser.add_argument("--failing", type=share, default=0.06, help="share of steps that are retried, benign")
    parser.add_argument("--seed", type=int, help="default: a new one, which is printed")
    parser.add_argument("--processes", type=some, default=os.cpu_count(), help="systems at a time")
    given = parser.parse_args(arguments)
    seed = secrets.randbelow(10**6) * 1000 if given.seed is None else given.seed
    print(f"seed {seed}, {given.coverage:.0%} of effects name their cause", flush=True)
    calm = [Job("benign", seed + i, given.rate, given.coverage, given.failing) for i in range(given.weeks)]
    wild = [
        Job(shape, seed + 100_000_000 * number + i, given.storm_rate, given.coverage)
        for number, shape in enumerate((*plans.SHAPES, *other_storms.CAUSES), 1)
        for i in range(given.storms)
    ]
    with get_context("spawn").Pool(given.processes, maxtasksperchild=8) as pool:
        report_benign(list(pool.imap(benign, calm)))
        report_storms(list(pool.imap(storm, wild)))


def report_benign(told: Sequence[Told]) -> None:
    """Print what was told although nothing happened."""
    if not told:
        return
    print("\nfalse alarms of the rules in benign weeks")
    for least in ("watch", "warn"):
        print(f"told at {least} or above")
        for rule in RULES:
            print(f"  {rule:28}{false_alarms(told, rule, least)}", flush=True)
    spans = Counter(
        (rule, max((level for level, _ in levels), key=SEVERITIES.index), key)
        for one in told
        for rule, key, _, levels in one.alarms
    )
    for (rule, severity, key), count in sorted(spans.items()):
        print(f"  {count} of {rule} at {severity}: {key}")


def report_storms(told: Sequence[Told]) -> None:
    """Print how early storms are told of at warn or above, and what is told in half a day before them."""
    if not told:
        return
    columns = (*FALLBACKS, "any of them")
    print("\nstorms: minutes from the first alarm at warn or above to the crash, and alarms before the cause")
    print(" " * 27 + " | ".join(f"{name:^41}" for name in columns))
    print(" " * 27 + " | ".join(f"{'recall  median    p10  >=10min':34}before " for _ in columns))
    for shape in dict.fromkeys(one.job.shape for one in told):
        mine = [one for one in told if one.job.shape == shape]
        found = [leads(mine, [name], "warn") for name in FALLBACKS] + [leads(mine, FALLBACKS, "warn")]
        print(f"{shape:27}" + " | ".join(f"{lead!s:34}{lead.early:6} " for lead in found), flush=True)
