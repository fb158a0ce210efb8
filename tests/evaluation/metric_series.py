"""Runs the rules that a plain metric series can be put to over the series of the Numenta Anomaly Benchmark
(realAWSCloudwatch), and prints their alarms inside and outside of the windows that are labelled there.

A metric has no causes, attempts, messages or locks, so most rules have nothing to ask of it. What is left:

* `log_silent`: each sample is a record that was read when it was taken. Is there a gap?
* `deadlock_surge`: an amount an hour, in units of which an hour of the probationary part has 12 on average,
  is taken for a count. Is it more than the week before explains? It was made for counts, and for more only.

Nothing is fitted to the labels. The first 15 % of a series are not judged, as the benchmark has it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa

from stormwatch.alerts.asking import Pace, Watch
from stormwatch.alerts.backtest import backtest
from stormwatch.alerts.rules import load_rules

from .arguments import some
from .deadlocks import HOUR, PATIENCE_S, put, surging_hours
from .figures import FalseAlarms
from .systems import START, database

GROUP = "realAWSCloudwatch"
PROBATION = 0.15
USUAL_PER_HOUR = 12
RULES, _ = load_rules()
_BESIDE = Path(__file__).parents[3] / "shared" / "data"
_MINUTE = timedelta(minutes=1)
_NEAR = 10 * _MINUTE
_READ = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, row_number() OVER () AS byte_offset, 1 AS byte_length, 0 AS record_no,
    'canonical' AS format,
    'series' AS service, 's-' || row_number() OVER () AS event_id, occurred_at, occurred_at AS ingested_at
FROM written
"""


@dataclass(frozen=True)
class Series:
    """A metric and what is labelled in it."""

    name: str
    at: tuple[datetime, ...]
    value: tuple[float, ...]
    windows: tuple[tuple[datetime, datetime], ...]

    @property
    def judged_from(self) -> datetime:
        """The end of the probationary part."""
        return self.at[int(PROBATION * len(self.at))]


@dataclass(frozen=True)
class Alarmed:
    """When a rule fired, by series."""

    series: Series
    fired_at: tuple[datetime, ...]

    @property
    def found(self) -> int:
        """Windows in which it fired."""
        return sum(any(a <= at <= b for at in self.fired_at) for a, b in self.series.windows)

    @property
    def false(self) -> FalseAlarms:
        """Alarms outside of all windows, in the time outside of them."""
        outside = [at for at in self.fired_at if not any(a <= at <= b for a, b in self.series.windows)]
        begin, end = self.series.judged_from, self.series.at[-1]
        inside = sum(
            (max(min(b, end) - max(a, begin), timedelta(0)) for a, b in self.series.windows), timedelta(0)
        )
        return FalseAlarms(len(outside), (end - begin - inside) / timedelta(weeks=1))


def load(folder: Path) -> list[Series]:
    """The series of the group, by name.

    Raises:
        FileNotFoundError: the folder has not the files of the benchmark.
    """
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    found = []
    for path in sorted((folder / GROUP).glob("*.csv")):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        windows = labels[f"{GROUP}/{path.name}"]
        found.append(
            Series(
                path.stem,
                tuple(datetime.fromisoformat(row["timestamp"]) for row in rows),
                tuple(float(row["value"]) for row in rows),
                tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in windows),
            )
        )
    if not found:
        raise FileNotFoundError(f"{folder / GROUP}: no series there")
    return found


def hourly(series: Series) -> np.ndarray:
    """Units an hour since the full hour in which the series begins."""
    begin = series.at[0].replace(minute=0, second=0, microsecond=0)
    hour = np.array([(at - begin) // HOUR for at in series.at])
    amount = np.bincount(hour, np.maximum(series.value, 0.0))
    learned = (series.judged_from - begin) // HOUR
    usual = amount[:learned].mean() / USUAL_PER_HOUR
    return np.round(amount / usual).astype(np.int64)


def surges(series: Series) -> Alarmed:
    """When `deadlock_surge` would have fired: at the end of hours that are a surge and follow none."""
    units = hourly(series)
    moved = series.at[0].replace(minute=0, second=0, microsecond=0) - START
    with database() as (connection, _):
        spread = [(hour + (np.arange(count) + 0.5) / count) * 3600 for hour, count in enumerate(units)]
        put(connection, np.concatenate(spread))
        hours = surging_hours(connection, series.judged_from - moved, series.at[-1] - moved)
    first = [hour for before, hour in zip([None, *hours], hours, strict=False) if before != hour - HOUR]
    return Alarmed(series, tuple(hour + HOUR + moved for hour in first))


def gaps(series: Series) -> list[tuple[datetime, datetime]]:
    """Pauses in which `log_silent` may have something to say: it never has below 5 minutes."""
    return [(a, b) for a, b in pairwise(series.at) if b - a > 5 * _MINUTE and b >= series.judged_from]


def silences(series: Series) -> Alarmed:
    """When `log_silent` would have fired, had each sample been read as it was taken."""
    fired: list[datetime] = []
    with database() as (connection, _):
        connection.register("written", pa.table({"occurred_at": pa.array(series.at, pa.timestamp("us"))}))
        connection.execute(_READ)
        watch = Watch(Pace(), series.at[0], PATIENCE_S)
        for begin, end in gaps(series):
            result = backtest(connection, RULES["log_silent"], watch, begin - _NEAR, end + _NEAR)
            fired += [one.fired_at for one in result.fired]
    return Alarmed(series, tuple(fired))


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation series", description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder of the benchmark, with labels/ and realAWSCloudwatch/"
    )
    parser.add_argument("--processes", type=some, default=os.cpu_count(), help="series at a time")
    given = parser.parse_args(arguments)
    folder = given.data or Path(os.environ.get("STORMWATCH_SHARED_DATA", _BESIDE)) / "nab"
    try:
        found = load(folder)
    except FileNotFoundError as error:
        sys.exit(f"{error}; name the folder of the benchmark with --data")
    windows = sum(len(one.windows) for one in found)
    print(
        f"{len(found)} series, {windows} labelled windows; the first {PROBATION:.0%} of each are not judged"
    )
    with get_context("spawn").Pool(given.processes) as pool:
        for name, rule in (("log_silent", silences), ("deadlock_surge, units an hour", surges)):
            told = pool.map(rule, found, chunksize=1)
            print(f"\n{name}")
            for one in told:
                print(
                    f"  {one.series.name:40} {one.found} of {len(one.series.windows)} windows, "
                    f"{one.false.count} false alarms"
                )
            total = FalseAlarms(sum(one.false.count for one in told), sum(one.false.weeks for one in told))
            print(
                f"  {sum(one.found for one in told)} of {windows} windows; false alarms {total}", flush=True
            )
