"""What the evaluation prints is counted rightly."""

from __future__ import annotations

import numpy as np
import pytest

from .detectors import DAY, alarms, held, rate_detectors
from .figures import false_alarms, leads, poisson_interval, tuned
from .systems import Job, Watched


def watched(score: list[float], begun: int | None = None, crashed: int | None = None) -> Watched:
    return Watched(Job("step", 1, 1.0, 1.0), {"x": np.array(score, float)}, 0, begun, begun, crashed)


def test_bounds_are_those_of_garwood() -> None:
    assert poisson_interval(0) == pytest.approx((0, 2.996), abs=0.001)
    assert poisson_interval(1) == pytest.approx((0.0253, 5.572), abs=0.001)
    assert poisson_interval(10) == pytest.approx((4.795, 18.390), abs=0.001)


def test_an_alarm_that_comes_back_within_the_hour_is_the_same() -> None:
    score = np.zeros(300)
    score[[10, 11, 60, 121, 200]] = 1
    assert alarms(score, 1) == [10, 121, 200]


def test_an_alarm_must_hold_for_three_minutes() -> None:
    assert held(np.array([1.0, 1, 0, 1, 1, 1])).tolist() == [-np.inf, -np.inf, 0, 0, 0, 1]


def test_alarms_before_the_cause_are_false_and_do_not_count_as_early() -> None:
    score = [0.0] * 1000
    score[900] = score[995] = 1
    told = leads([watched(score, begun=980, crashed=1000), watched([0.0] * 1000, 980, 1000)], "x", 1)
    assert np.isnan(told.minutes[1])
    assert told.minutes[0] == 5
    assert told.early == 1


def test_false_alarms_are_counted_after_the_first_day() -> None:
    score = np.zeros(8 * DAY)
    score[[5, DAY + 5, 3 * DAY]] = 1
    found = false_alarms([watched(list(score))], "x", 1)
    assert (found.count, found.weeks) == (2, 1)


def test_a_tuned_threshold_gives_at_most_one_false_alarm_a_week() -> None:
    run = watched(list(np.random.default_rng(1).normal(size=8 * DAY)))
    assert false_alarms([run], "x", tuned([run], "x")).count <= 1


def test_the_others_see_a_rate_that_rises() -> None:
    rate = np.random.default_rng(2).poisson(100, 3 * DAY).astype(float)
    rate[-30:] *= 3
    for name, score in rate_detectors(rate, rate / 10).items():
        if name != "share of retries":
            assert score[-30:].max() > np.quantile(score[DAY:-60], 0.999), name
