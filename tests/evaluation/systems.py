"""Simulated systems, stored as the ingester would, and asked through the relations."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from stormwatch.catalog import Catalog
from stormwatch.minutes.keeper import Minutes
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store, open_empty

from .detectors import held, rate_detectors

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
import other_storms  # type: ignore[import-not-found]
import plans  # type: ignore[import-not-found]
import weeks  # type: ignore[import-not-found]

START = datetime(2026, 1, 5)  # noqa: DTZ001 - as DuckDB gives it
LOOP_GAIN = "loop gain"
_STORE = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, $behind + row_number() OVER () AS byte_offset, 1 AS byte_length, 0 AS record_no,
    'canonical' AS format,
    $start AS ingested_at, '{prefix}' || id AS event_id,
    $start::TIMESTAMP + to_microseconds((occurred_s * 1e6)::BIGINT) AS occurred_at,
    {rest}
FROM written
"""
_COUNTS = """
SELECT
    (epoch(occurred_at - $start::TIMESTAMP) // 60)::BIGINT AS minute_no,
    count(*) AS events,
    count(*) FILTER (WHERE attempt > 1) AS retries
FROM events GROUP BY ALL
"""
_CHAINED = "'e-' || cause_id AS causation_id, event_type::VARCHAR AS event_type, attempt"
SIMULATED = f"{_CHAINED}, 'create' AS operation, 'node-' || node AS node"
"""Columns of events of weeks.py."""
MESSAGES = (
    f"{_CHAINED}, operation::VARCHAR AS operation, is_redelivered, 'work' AS stream, "
    "if(operation = 'send', 'shop', 'worker') AS service"
)
"""Columns of those of other_storms.py."""


@dataclass(frozen=True)
class Job:
    """One system to be simulated and watched."""

    shape: str
    """A shape of a storm, or `benign`."""
    seed: int
    events_per_s: float
    coverage: float
    failing: float = 0.02
    """Share of steps that fail: the size of the loop."""
    days: float = 8.0
    """Of a benign system; the first day is there to be learned from."""
    calm_min: int = 1440
    """Before a storm, at least."""
    is_kept: bool = False
    """Whether minutes are counted as a process that runs does, and the counts asked."""


@dataclass(frozen=True)
class Watched:
    """What the detectors said of a system, minute by minute, and what was true."""

    job: Job
    scores: dict[str, np.ndarray]
    event_count: int
    begun_min: int | None
    """When the cause of the storm was injected."""
    critical_min: int | None
    """When the true gain was first 1."""
    crashed_min: int | None


def store(
    connection: duckdb.DuckDBPyConnection, pieces: Iterable[pa.Table], rest: str, prefix: str = "e-"
) -> int:
    """Insert events as rows of `observations` and return how many; `rest` is SQL of the columns that
    differ, `prefix` what makes an id of a number.
    """
    count = 0
    for written in pieces:
        connection.register("written", written)
        connection.execute(_STORE.format(rest=rest, prefix=prefix), {"start": START, "behind": count})
        connection.unregister("written")
        count += written.num_rows
    return count


def minutes_of(connection: duckdb.DuckDBPyConnection, sql: str, length: int, value: str) -> np.ndarray:
    """A column by minute number of the start; 0 where there is no row."""
    found = connection.execute(sql, {"start": START}).fetchnumpy()
    series = np.zeros(length)
    inside = (found["minute_no"] >= 0) & (found["minute_no"] < length)
    series[found["minute_no"][inside].astype(int)] = np.asarray(found[value], float)[inside]
    return series


@contextmanager
def database() -> Iterator[tuple[duckdb.DuckDBPyConnection, Catalog]]:
    catalog = Catalog.load()
    with open_empty() as connection:
        connection.execute("SET threads = 1")
        connection.execute("SET enable_progress_bar = false")
        catalog.install(connection)
        yield connection, catalog


@contextmanager
def asked(
    job: Job, events: Iterable[pa.Table], end: datetime
) -> Iterator[tuple[duckdb.DuckDBPyConnection, int]]:
    """A database with the events, whose minutes up to `end` are counted if the job wants it; how many."""
    if not job.is_kept:
        with database() as (connection, _):
            count = store(connection, events, SIMULATED)
            yield connection, count
        return
    with (
        tempfile.TemporaryDirectory(prefix="stormwatch-evaluation-") as name,
        Store(Path(name) / "log.duckdb") as kept,
        kept.cursor() as cursor,
    ):
        Catalog.load().install(cursor)
        count = store(cursor, events, SIMULATED)
        minutes, reached = Minutes(kept), START
        # Hour by hour: of a log that was there before, effects are kept of the last three hours only.
        while reached < end:
            reached = min(reached + timedelta(hours=1), end)
            while minutes.keep(reached):
                minutes.rest_no_more()
        yield cursor, count
        minutes.close()


def watch(job: Job) -> Watched:
    """Simulate a system, store its events, ask the relation, and let the others look as well."""
    if job.shape == "benign":
        plan: Any = plans.everyday(job.seed, job.days, job.events_per_s, job.coverage, job.failing)
    else:
        plan = plans.storm(
            job.shape, job.seed, job.events_per_s, job.coverage, job.failing, calm_min=job.calm_min
        )
    run = weeks.simulate(plan, job.seed)
    length = len(run.gain)
    end = START + timedelta(minutes=length)
    with asked(job, run.pieces(), end) as (connection, count):
        worst = (
            "SELECT (epoch(bucket_start - $start::TIMESTAMP) // 60)::BIGINT + 1 AS minute_no, "
            "max(sustained_gain) AS worst "
            f"FROM loop_gain(since := $start::TIMESTAMP, until := '{end}'::TIMESTAMP) GROUP BY ALL"
        )
        scores = {LOOP_GAIN: minutes_of(connection, worst, length, "worst")}
        rate = minutes_of(connection, _COUNTS, length, "events")
        retries = minutes_of(connection, _COUNTS, length, "retries")
    # A score of minute n is known when n ends; the relation's rows were moved by the minute above.
    for name, score in rate_detectors(rate, retries).items():
        scores[name] = np.concatenate([[-np.inf], held(score)[:-1]])
    begun = plan.storm.begin_min if plan.storm else None
    critical = np.flatnonzero(run.gain[begun:] >= 1) + begun if begun is not None else []
    return Watched(
        job, scores, count, begun,
        int(critical[0]) if len(critical) else None, run.crashed_min,
    )  # fmt: skip


SIGNALS = {
    LOOP_GAIN: ("loop_gain", "coalesce(sustained_gain >= 0.8, FALSE)"),
    "repeated work": ("repeated_work", "coalesce(is_unusual, FALSE)"),
    "backlog": ("backlog", "coalesce(minutes_left < 60, FALSE)"),
}
"""Name -> relation and the condition under which a row of it is an alarm."""


def watch_other(job: Job) -> Watched:
    """The same for a storm of another cause: what loop_gain and the fallbacks say."""
    story: Any = other_storms.tell(job.shape, job.seed, job.events_per_s)
    length = story.crashed_min + 1
    scores = {}
    with database() as (connection, catalog):
        count = store(connection, [story.events], MESSAGES)
        for name, (relation, condition) in SIGNALS.items():
            limit = {"waiting_limit": story.queue_limit} if relation == "backlog" else {}
            statement, values = catalog.call(relation, limit)
            for key, value in values.items():
                statement = statement.replace(f"${key}", str(value))
            alarmed = (
                "SELECT (epoch(bucket_start - $start::TIMESTAMP) // 60)::BIGINT + 1 AS minute_no, "
                f"max({condition}::INTEGER) AS alarmed {statement} GROUP BY ALL"
            )
            scores[name] = held(minutes_of(connection, alarmed, length, "alarmed"))
    return Watched(job, scores, count, story.begun_min, None, story.crashed_min)
