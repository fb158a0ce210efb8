"""Numbers as people read them."""

from datetime import datetime, timedelta

import pytest

from dashboard import formatting

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (7, "7"),
        (2448, "2,448"),
        (9999, "9,999"),
        (28379, f"28.4{NBSP}k"),
        (999_949, f"1{NBSP}M"),
        (41_300_000, f"41.3{NBSP}M"),
    ],
)
def test_count(value: float | None, shown: str) -> None:
    assert formatting.count(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, f"0{NBSP}%"),
        (0.00001, f"<{NBSP}0.01{NBSP}%"),
        (0.0042, f"0.42{NBSP}%"),
        (0.0712, f"7.1{NBSP}%"),
        (0.5, f"50{NBSP}%"),
    ],
)
def test_percent(value: float | None, shown: str) -> None:
    assert formatting.percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.4, f"0.4{NBSP}ms"),
        (35.2, f"35.2{NBSP}ms"),
        (1234, f"1.2{NBSP}s"),
        (90_000, f"1{NBSP}min 30{NBSP}s"),
    ],
)
def test_milliseconds(value: float, shown: str) -> None:
    assert formatting.milliseconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, f"0{NBSP}B"), (1023, f"1023{NBSP}B"), (1536, f"1.5{NBSP}KiB"), (3 * 1024**3, f"3{NBSP}GiB")],
)
def test_size(value: float, shown: str) -> None:
    assert formatting.size(value) == shown


def test_span_names_the_two_largest_units() -> None:
    assert formatting.span(timedelta(days=2, hours=3, minutes=9)) == f"2{NBSP}d 3{NBSP}h"


def test_span_of_whole_units_has_no_rest() -> None:
    assert formatting.span(timedelta(hours=6)) == f"6{NBSP}h"


def test_interval_within_a_day_says_the_date_once() -> None:
    day = datetime(2026, 11, 20)  # noqa: DTZ001
    shown = formatting.interval(day.replace(hour=10), day.replace(hour=11))
    assert shown == "2026-11-20 10:00:00 – 11:00:00"


@pytest.mark.parametrize(
    ("per_s", "shown"),
    [(1403.2, "1,403/s"), (41_300, f"41.3{NBSP}k/s"), (0.0018, "6.5/h"), (0.2, "12/min"), (0, "0/h")],
)
def test_rate_is_said_in_the_unit_that_reads_best(per_s: float, shown: str) -> None:
    assert formatting.rate(per_s) == shown


def test_rate_below_ten_keeps_its_fraction() -> None:
    assert formatting.per_second(0.25) == "0.25/s"
