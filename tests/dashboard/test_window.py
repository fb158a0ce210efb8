"""What a time window in the address means in a log."""

from datetime import datetime, timedelta

import pytest

from dashboard.window import Coverage, Window, absolute, resolve
from stormwatch.errors import ConfigError

FIRST = datetime(2026, 11, 20, 8)  # noqa: DTZ001
LAST = datetime(2026, 11, 20, 12)  # noqa: DTZ001
LOG = Coverage(FIRST, LAST)
JUST_AFTER = LAST + timedelta(microseconds=1)


def test_relative_window_ends_just_after_the_newest_event() -> None:
    shown = resolve("90m", LOG, is_live=False)
    assert (shown.since, shown.until) == (JUST_AFTER - timedelta(minutes=90), JUST_AFTER)


def test_relative_window_does_not_begin_before_the_log() -> None:
    assert resolve("7d", LOG, is_live=True).since == FIRST


def test_auto_is_all_of_a_log_of_the_past() -> None:
    shown = resolve("auto", LOG, is_live=False)
    assert (shown.since, shown.until) == (FIRST, JUST_AFTER)


def test_auto_is_the_last_hour_of_a_live_log() -> None:
    assert resolve("auto", LOG, is_live=True).since == JUST_AFTER - timedelta(hours=1)


def test_grafana_spelling_is_understood() -> None:
    assert resolve("now-15m", LOG, is_live=False).span == timedelta(minutes=15)


def test_absolute_window_keeps_its_edges_whatever_the_log_holds() -> None:
    shown = resolve("2020-01-01T00:00/2020-01-01T06:00", LOG, is_live=True)
    assert (shown.since, shown.until) == (datetime(2020, 1, 1), datetime(2020, 1, 1, 6))  # noqa: DTZ001
    assert shown.is_absolute


def test_absolute_window_with_a_zone_is_read_as_utc() -> None:
    shown = resolve("2026-11-20T10:00+02:00/2026-11-20T11:00+02:00", LOG, is_live=False)
    assert shown.since == datetime(2026, 11, 20, 8)  # noqa: DTZ001


@pytest.mark.parametrize("text", ["soon", "0m", "5 fortnights", "a/b", "2026-11-20/", "1/2/3"])
def test_unreadable_window_says_what_to_write(text: str) -> None:
    with pytest.raises(ConfigError, match="write for example 90m"):
        resolve(text, LOG, is_live=False)


def test_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ConfigError, match="ends before it starts"):
        resolve("2026-11-20T11:00/2026-11-20T10:00", LOG, is_live=False)


def test_empty_log_has_a_window_too() -> None:
    shown = resolve("1h", Coverage(None, None), is_live=False)
    assert shown.since < shown.until


def test_text_of_an_absolute_window_reads_back() -> None:
    text = absolute(FIRST, LAST)
    shown = resolve(text, LOG, is_live=False)
    assert (shown.since, shown.until) == (FIRST, LAST)


def test_zooming_out_doubles_around_the_middle() -> None:
    shown = resolve(Window("", FIRST, LAST, is_absolute=True).zoomed_out(), LOG, is_live=False)
    assert (shown.since, shown.until) == (FIRST - timedelta(hours=2), LAST + timedelta(hours=2))


def test_moving_later_goes_half_a_window() -> None:
    shown = resolve(Window("", FIRST, LAST, is_absolute=True).moved(1), LOG, is_live=False)
    assert (shown.since, shown.until) == (FIRST + timedelta(hours=2), LAST + timedelta(hours=2))


@pytest.mark.parametrize("hours", [0.001, 0.1, 1, 24, 24 * 7, 24 * 365 * 3])
def test_bucket_keeps_the_number_of_parts_bounded(hours: float) -> None:
    shown = Window("", FIRST, FIRST + timedelta(hours=hours), is_absolute=True)
    assert shown.span / shown.bucket(120) <= 118


def test_bucket_is_the_shortest_round_one() -> None:
    assert Window("", FIRST, LAST, is_absolute=True).bucket(150) == timedelta(minutes=2)


def test_log_is_live_while_its_newest_event_is_minutes_old() -> None:
    assert LOG.is_live(LAST + timedelta(minutes=9))
    assert not LOG.is_live(LAST + timedelta(minutes=11))
