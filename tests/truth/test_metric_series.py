"""What the rules say of the labelled series of a benchmark is counted rightly, and has a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import exp, lgamma, log
from pathlib import Path
from statistics import fmean, variance

import pytest

from tests.evaluation.metric_series import Alarmed, Series, gaps, hourly, load, silences, surges


@pytest.fixture(scope="module")
def series(data: Path) -> dict[str, Series]:
    if not (data / "nab").is_dir():
        pytest.skip(f"{data / 'nab'} is not there")
    return {one.name: one for one in load(data / "nab")}


def test_all_of_them_are_read(series: dict[str, Series]) -> None:
    assert len(series) == 17
    assert sum(len(one.windows) for one in series.values()) == 30
    assert [name for name, one in series.items() if not one.windows] == ["ec2_cpu_utilization_c6585a"]
    assert sum(len(one.at) for one in series.values()) == 67740


def at_least(count: int, mean: float, dispersion: float) -> float:
    """Probability of so many or more, of a Poisson or negative binomial distribution."""
    if dispersion <= 1.01:
        chances = (exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count))
    else:
        size = mean / (dispersion - 1)
        chances = (
            exp(
                lgamma(k + size) - lgamma(size) - lgamma(k + 1)
                + size * log(size / (size + mean)) + k * log(mean / (size + mean))
            )
            for k in range(count)
        )  # fmt: skip
    return 1 - sum(chances)


def unusual_hours(units: Sequence[int]) -> set[int]:
    """Hours that have more than the week before explains, at least a day of it."""
    found = set()
    for hour in range(24, len(units)):
        past = units[max(0, hour - 168) : hour]
        mean = max(fmean(past), 0.5 / len(past))
        dispersion = variance(past) / fmean(past) if fmean(past) else 0.0
        if units[hour] and at_least(units[hour], mean, dispersion) <= 1 / 168:
            found.add(hour)
    return found


@pytest.mark.parametrize("name", ["elb_request_count_8c0756", "ec2_cpu_utilization_24ae8d"])
def test_a_surge_is_told_in_hours_that_have_more_than_chance_explains(
    name: str, series: dict[str, Series]
) -> None:
    one = series[name]
    begin = one.at[0].replace(minute=0)
    unusual = unusual_hours([int(count) for count in hourly(one)])
    fired = [int((at - begin) / timedelta(hours=1)) - 1 for at in surges(one).fired_at]
    judged = int((one.judged_from - begin) / timedelta(hours=1))
    assert fired
    assert fired == [hour for hour in sorted(unusual) if hour >= judged and hour - 1 not in unusual]


@pytest.mark.slow
def test_a_series_is_silent_only_where_samples_are_missing(series: dict[str, Series]) -> None:
    one = series["ec2_cpu_utilization_ac20cd"]
    missing = gaps(one)
    assert [end - begin for begin, end in missing] == [timedelta(minutes=15), timedelta(minutes=20)]
    fired = silences(one).fired_at
    assert len(fired) == 2
    assert all(begin < at <= end for at, (begin, end) in zip(fired, missing, strict=True))
    assert silences(series["ec2_cpu_utilization_24ae8d"]).fired_at == ()


def test_alarms_are_right_inside_of_windows_and_false_outside() -> None:
    day = [datetime(2026, 1, 1) + timedelta(hours=number) for number in range(200)]  # noqa: DTZ001 - as in the files
    one = Series("x", tuple(day), (1.0,) * 200, ((day[100], day[110]), (day[150], day[160])))
    told = Alarmed(one, (day[50], day[105], day[110], day[111], day[170]))
    assert told.found == 1
    assert told.false.count == 3
    # 199 hours, of which 30 are not judged and 20 are inside of windows.
    assert told.false.weeks == pytest.approx((199 - 30 - 20) / 168)
