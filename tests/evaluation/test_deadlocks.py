"""Baselines are what they are called, and asking a rule less often leaves out no alarm."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from stormwatch.alerts.asking import Pace, Watch
from stormwatch.alerts.backtest import backtest

from .deadlocks import (
    BASELINES,
    HOUR,
    RULES,
    WEEK_H,
    Baseline,
    Inverted,
    begun,
    counted_hourly,
    deadlocks,
    put,
    surging_hours,
)
from .systems import START, database


@pytest.mark.parametrize(
    ("name", "dispersion"),
    [
        ("Poisson", 1),
        ("variance 1.4 times the mean", 1.4),
        ("variance 2 times the mean", 2),
        ("variance 4 times the mean", 4),
        # A sine of two thirds around 12: a variance of 12 + 8 ** 2 / 2.
        ("a third to five thirds by day", (12 + 32) / 12),
    ],
)
def test_baselines_vary_as_they_are_called(name: str, dispersion: float) -> None:
    assert set(BASELINES) >= {name}
    per_hour = np.bincount((deadlocks(Baseline(name, 1, 12, 60)) // 3600).astype(int), minlength=61 * WEEK_H)
    assert per_hour.mean() == pytest.approx(12, rel=0.03)
    assert per_hour.var() / per_hour.mean() == pytest.approx(dispersion, rel=0.06)


@pytest.mark.slow
def test_the_rule_fires_in_the_hours_that_are_a_surge_however_often_it_is_asked() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(12, 36)
    counts[[26, 30]] = 30, 40
    instants = np.repeat(np.arange(36) * 3600.0, counts) + rng.random(counts.sum()) * 3600
    span = (START + 24 * HOUR, START + 36 * HOUR)
    with database() as (connection, _):
        put(connection, instants)
        rule = RULES["deadlock_surge"]
        often, hourly = (
            [one.fired_at for one in backtest(connection, asked, Watch(Pace(), START), *span).fired]
            for asked in (rule, counted_hourly(rule))
        )
        surging = surging_hours(connection, *span)
    assert surging == [START + 26 * HOUR, START + 30 * HOUR]
    assert hourly == [START + 27 * HOUR, START + 31 * HOUR]
    assert [at.replace(minute=0) + HOUR for at in often] == hourly


def test_hours_that_follow_each_other_are_one_alarm() -> None:
    assert begun([START + number * HOUR for number in (3, 4, 5, 7, 20, 21)]) == 3
    assert begun([]) == 0


def test_the_lead_is_that_to_the_first_deadlock() -> None:
    at = [datetime(2026, 3, 2, 9) + number * timedelta(minutes=1) for number in range(9)]  # noqa: DTZ001 - naive UTC
    assert Inverted(at[0], at[1], at[8], (at[2], at[5])).lead_min == 6
    assert Inverted(at[0], at[1], at[1], (at[2],)).lead_min == -1
    assert Inverted(at[0], at[1], None, (at[2],)).lead_min is None
    assert Inverted(at[0], at[1], at[8], ()).lead_min is None
