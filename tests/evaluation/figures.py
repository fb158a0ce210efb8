"""Recall, lead times and false alarms of a detector, and how they are printed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .detectors import DAY, alarms
from .systems import Watched

WEEK = 7 * DAY


@dataclass(frozen=True)
class FalseAlarms:
    """Alarms in weeks in which nothing happened that deserves one."""

    count: int
    weeks: float

    def __str__(self) -> str:
        low, high = poisson_interval(self.count)
        return (
            f"{self.count / self.weeks:.2f} a week ({self.count} in {self.weeks:.1f} weeks; "
            f"95 %: {low / self.weeks:.3f} to {high / self.weeks:.3f})"
        )


def poisson_interval(count: int) -> tuple[float, float]:
    """95 % interval of the mean of which `count` was seen (Garwood 1936), one-sided for 0."""

    def at_most(k: int, mean: float) -> float:
        return sum(math.exp(-mean + i * math.log(mean) - math.lgamma(i + 1)) for i in range(k + 1))

    def solve(k: int, probability: float) -> float:
        low, high = 1e-9, 10.0 + 4 * (k + 1)
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if at_most(k, middle) > probability else (low, middle)
        return high

    if count == 0:
        return 0.0, solve(0, 0.05)
    return solve(count - 1, 0.975), solve(count, 0.025)


def false_alarms(runs: Iterable[Watched], name: str, threshold: float) -> FalseAlarms:
    """All alarms of benign systems after their first day."""
    count, minutes = 0, 0
    for run in runs:
        score = run.scores[name][DAY:]
        count += len(alarms(score, threshold))
        minutes += len(score)
    return FalseAlarms(count, minutes / WEEK)


def tuned(runs: Sequence[Watched], name: str, per_week: float = 1.0) -> float:
    """The least threshold that, like all above it, gives at most so many false alarms a week."""
    everything = np.concatenate([run.scores[name][DAY:] for run in runs])
    candidates = np.unique(np.quantile(everything[np.isfinite(everything)], 1 - np.logspace(-1, -5.5, 60)))
    # From the top: an alarm that never ends is only one, but no use.
    least = candidates[-1]
    for threshold in candidates[::-1]:
        found = false_alarms(runs, name, threshold)
        if found.count / found.weeks > per_week:
            break
        least = threshold
    return float(least)


@dataclass(frozen=True)
class Leads:
    """Minutes from the first alarm of each storm to its crash; NaN where there was none in time."""

    minutes: np.ndarray
    early: int
    """False ones: before the cause was injected, in the second half of what is calm at least."""

    def __str__(self) -> str:
        caught = self.minutes[~np.isnan(self.minutes)]
        recall = len(caught) / len(self.minutes)
        median, p10 = (np.median(caught), np.quantile(caught, 0.1)) if len(caught) else (np.nan, np.nan)
        useful = float(np.mean(np.nan_to_num(self.minutes) >= 10))
        return f"{recall:6.2f} {median:7.0f} {p10:6.0f} {useful:8.2f}"


def leads(runs: Iterable[Watched], name: str, threshold: float) -> Leads:
    """How long before the crash a storm was announced; an alarm before its cause does not count."""
    found, early = [], 0
    for run in runs:
        if run.crashed_min is None or run.begun_min is None:
            continue
        begun = alarms(run.scores[name][: run.crashed_min], threshold)
        in_time = [minute for minute in begun if minute >= run.begun_min]
        early += sum(run.job.calm_min // 2 <= minute < run.begun_min for minute in begun)
        found.append(run.crashed_min - in_time[0] if in_time else np.nan)
    return Leads(np.array(found, float), early)
