"""Prints how often the rules about deadlocks alarm by chance, and how long before the first deadlock
`lock_order_inverted` fires.

Baselines of deadlocks are made up here. `deadlock_surge` fires in the hours in which the relation it asks,
deadlock_surges, has a surge; so that is asked of all weeks at once, and a test plays the rule to compare.
Systems that get a contrary lock order are those of sample_logs; of these the rule is played.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from stormwatch.alerts.asking import Pace, Watch
from stormwatch.alerts.backtest import backtest
from stormwatch.alerts.rules import Rule, load_rules
from stormwatch.catalog import Catalog
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store
from tests.prepared import read_into

from .arguments import positive, some, whole
from .figures import FalseAlarms
from .systems import START, database

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
from bulk import write_story  # type: ignore[import-not-found]  # a script of sample_logs
from stories import STORIES  # type: ignore[import-not-found]  # a script of sample_logs

HOUR = timedelta(hours=1)
DAY_H, WEEK_H = 24, 168
RULES, _ = load_rules()
_STORE = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, 0 AS byte_offset, 0 AS byte_length, 0 AS record_no, 'canonical' AS format,
    $start AS ingested_at, 'd-' || id AS event_id, 'db' AS service, 'deadlock' AS operation,
    $start::TIMESTAMP + to_microseconds((occurred_s * 1e6)::BIGINT) AS occurred_at
FROM written
"""

PATIENCE_S = 3600.0
"""For one question, however busy the machine is: figures are of what is told, not of when."""

Rates = Callable[[np.random.Generator, np.ndarray, float], np.ndarray]
"""Of hours since the start, and their mean: how many deadlocks each of them is to have on average."""


def clumped(dispersion: float) -> Rates:
    """Rates whose counts have a variance of so many times their mean: negative binomial."""

    def rates(rng: np.random.Generator, hours: np.ndarray, mean: float) -> np.ndarray:
        return rng.gamma(mean / (dispersion - 1), dispersion - 1, len(hours))

    return rates


BASELINES: dict[str, Rates] = {
    "Poisson": lambda _, hours, mean: np.full(len(hours), mean),
    "variance 1.4 times the mean": clumped(1.4),
    "variance 2 times the mean": clumped(2.0),
    "variance 4 times the mean": clumped(4.0),
    "a third to five thirds by day": lambda _, hours, mean: (
        mean * (1 + 2 / 3 * np.sin(2 * np.pi * hours / DAY_H))
    ),
}


@dataclass(frozen=True)
class Baseline:
    """Weeks of deadlocks that nothing causes."""

    name: str
    seed: int
    per_hour: float
    weeks: int


def counted_hourly(rule: Rule) -> Rule:
    """The rule, asked at full hours only: a count of an hour rises until it ends, so that what fires
    within it fires then.
    """
    return replace(rule, policy=replace(rule.policy, every=HOUR, clear_after=timedelta(0)))


def deadlocks(baseline: Baseline) -> np.ndarray:
    """Instants in seconds since the start, with a week before that tells what is usual."""
    rng = np.random.default_rng([baseline.seed, 4])
    hours = np.arange((baseline.weeks + 1) * WEEK_H)
    counts = rng.poisson(BASELINES[baseline.name](rng, hours, baseline.per_hour))
    return np.sort(np.repeat(hours * 3600.0, counts) + rng.random(counts.sum()) * 3600)


def put(connection: duckdb.DuckDBPyConnection, occurred_s: np.ndarray) -> None:
    """Store reports of deadlocks."""
    written = pa.table({"id": np.arange(len(occurred_s)), "occurred_s": occurred_s})
    connection.register("written", written)
    connection.execute(_STORE, {"start": START})
    connection.unregister("written")


def surging_hours(connection: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> list[datetime]:
    """Starts of the hours that are a surge by themselves."""
    rows = connection.execute(
        "SELECT hour_start FROM deadlock_surges(since := $since, until := $until) WHERE is_surge",
        {"since": since, "until": until},
    )
    return [hour for (hour,) in rows.fetchall()]


def begun(hours: Sequence[datetime]) -> int:
    """Alarms that surging hours make: an hour goes on with the one before."""
    return sum(one == 0 or hour - hours[one - 1] > HOUR for one, hour in enumerate(hours))


def false_alarms(baseline: Baseline) -> tuple[str, FalseAlarms]:
    """How often `deadlock_surge` would have fired."""
    since = START + WEEK_H * HOUR
    with database() as (connection, _):
        put(connection, deadlocks(baseline))
        hours = surging_hours(connection, since, since + baseline.weeks * WEEK_H * HOUR)
    return baseline.name, FalseAlarms(begun(hours), baseline.weeks)


@dataclass(frozen=True)
class Inverted:
    """A system of which one node got a version that takes two locks the other way round."""

    deployed_at: datetime
    inverted_at: datetime
    """When both orders had been taken."""
    deadlock_at: datetime | None
    """When the first deadlock was reported; None: by the end of the story there was none."""
    fired_at: tuple[datetime, ...]
    """When `lock_order_inverted` fired."""

    @property
    def lead_min(self) -> float | None:
        """Minutes from firing to the first deadlock; None when either is missing."""
        if self.deadlock_at is None or not self.fired_at:
            return None
        return (self.deadlock_at - self.fired_at[0]) / timedelta(minutes=1)


def inverted(seed: int, minutes: float) -> Inverted:
    """Let such a system run, read its logs as any others, and play the rule."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        write_story(directory / "story", STORIES["inverted"], seed, minutes, start)
        return judged(directory / "story", directory / "story.duckdb")


def judged(story: Path, database_path: Path) -> Inverted:
    """What the rule says of a story as it was written, beside the truth of it."""
    truth = json.loads((story / "TRUTH.json").read_text())
    since = _instant(truth["start"])
    with Store(database_path) as store, store.cursor() as cursor:
        Catalog.load().install(cursor)
        read_into(store, story / "logs")
        watch = Watch(Pace(), since, PATIENCE_S)
        until = since + timedelta(minutes=truth["minutes"])
        result = backtest(cursor, RULES["lock_order_inverted"], watch, since, until)
    [deployed] = [one["at"] for one in truth["incidents"] if one["kind"] == "deploy"]
    reported = [_instant(one["reported_at"]) for one in truth["deadlocks"]]
    return Inverted(
        _instant(deployed), _instant(truth["inversions"][0]["inverted_at"]), min(reported, default=None),
        tuple(one.fired_at for one in result.fired),
    )  # fmt: skip


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def main(arguments: Sequence[str]) -> None:
    """Print both."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation deadlocks", description=__doc__)
    parser.add_argument(
        "--weeks", type=whole, default=200, help="of each baseline, after one that is learned"
    )
    parser.add_argument("--per-hour", type=positive, default=12, help="deadlocks, on average")
    parser.add_argument("--systems", type=whole, default=20, help="with a contrary lock order")
    parser.add_argument("--minutes", type=positive, default=120, help="of each of these")
    parser.add_argument("--seed", type=int, help="default: a new one, which is printed")
    parser.add_argument("--processes", type=some, default=os.cpu_count(), help="systems at a time")
    given = parser.parse_args(arguments)
    seed = secrets.randbelow(10**6) * 1000 if given.seed is None else given.seed
    print(f"seed {seed}, {given.per_hour:g} deadlocks an hour", flush=True)
    jobs = [
        Baseline(name, seed + number, given.per_hour, given.weeks)
        for number, name in enumerate(BASELINES)
        if given.weeks
    ]
    with get_context("spawn").Pool(given.processes, maxtasksperchild=8) as pool:
        told = pool.map(false_alarms, jobs, chunksize=1)
        systems = pool.starmap(
            inverted, [(seed + number, given.minutes) for number in range(given.systems)], chunksize=1
        )
    if told:
        print("\ndeadlock_surge: false alarms by chance alone")
        for name, found in told:
            print(f"{name:32}{found}")
    if systems:
        report(systems)


def report(systems: Sequence[Inverted]) -> None:
    """Print how early a contrary lock order was told of."""
    early = sum(one.fired_at[0] < one.deployed_at for one in systems if one.fired_at)
    after = [(one.fired_at[0] - one.inverted_at) / timedelta(minutes=1) for one in systems if one.fired_at]
    deadlocked = [one for one in systems if one.deadlock_at is not None]
    later = [one for one in deadlocked if one.deadlock_at - one.inverted_at > timedelta(minutes=1)]
    leads = [one.lead_min for one in later if one.lead_min is not None]
    before = [lead for lead in leads if lead > 0]
    print("\nlock_order_inverted: a version that takes two locks the other way round")
    print(f"{len(after)} of {len(systems)} told, {early} of them before it was deployed")
    print(f"{np.max(after, initial=0):.1f} minutes at most after both orders had been taken")
    print(
        f"{len(deadlocked)} of them deadlocked in the end, {len(deadlocked) - len(later)} within a minute of "
        f"that, when there is nothing to see before; of the other {len(later)} all but "
        f"{len(later) - len(before)} after they were told of"
    )
    if before:
        print(
            f"minutes from the alarm to the first deadlock: median {np.median(before):.0f}, "
            f"tenth percentile {np.quantile(before, 0.1):.0f}, least {min(before):.1f}"
        )
