"""What a time window in the address means in a log."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dashboard.charts.base import grid
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


def test_log_of_one_instant_has_a_window_of_a_second() -> None:
    at = LAST + timedelta(milliseconds=300)
    shown = resolve("auto", Coverage(at, at), is_live=False)
    assert (shown.since, shown.until) == (LAST, LAST + timedelta(seconds=1))


def test_auto_of_a_log_in_pieces_is_the_busiest_one() -> None:
    old = (datetime(2025, 3, 10), datetime(2025, 3, 12))  # noqa: DTZ001
    pieces = Coverage(old[0], LAST, busiest=old)
    assert resolve("auto", pieces, is_live=False).since == old[0]
    assert resolve("auto", pieces, is_live=False).until == old[1] + timedelta(microseconds=1)
    assert resolve("all", pieces, is_live=False).until == JUST_AFTER
    assert resolve("auto", pieces, is_live=True).until == JUST_AFTER


def test_window_covers_the_log_when_no_event_is_outside() -> None:
    assert resolve("all", LOG, is_live=False).covers(LOG)
    assert not resolve("1h", LOG, is_live=False).covers(LOG)
    assert not Window("", FIRST, LAST, is_absolute=True).covers(LOG)  # the last event is left out


def test_auto_is_the_last_hour_of_a_live_log() -> None:
    assert resolve("auto", LOG, is_live=True).since == JUST_AFTER - timedelta(hours=1)


def _paced(per_s: int) -> Coverage:
    """A log with so many events a second over its last hour."""
    spans = [timedelta(seconds=seconds) for seconds in (15, 30, 60, 120, 300, 900, 3600)]
    return replace(LOG, pace=tuple((span, per_s * int(span.total_seconds())) for span in spans))


@pytest.mark.parametrize(
    ("per_s", "seconds"), [(100, 3600), (400, 900), (2_000, 120), (20_000, 15), (10**6, 15)]
)
def test_auto_of_a_busy_live_log_is_as_long_as_can_be_drawn_quickly(per_s: int, seconds: int) -> None:
    assert resolve("auto", _paced(per_s), is_live=True).span == timedelta(seconds=seconds)


def test_what_a_person_asks_for_is_shown_however_busy_the_log_is() -> None:
    assert resolve("1h", _paced(20_000), is_live=True).span == timedelta(hours=1)


def test_lookback_is_an_hour_and_in_a_busy_log_no_longer_than_the_window() -> None:
    assert resolve("15m", _paced(100), is_live=True).lookback == timedelta(hours=1)
    assert resolve("15m", _paced(20_000), is_live=True).lookback == timedelta(minutes=15)
    assert resolve(absolute(FIRST, LAST), _paced(20_000), is_live=True).lookback == timedelta(hours=1)


@pytest.mark.parametrize(("per_s", "is_kept"), [(100, True), (20_000, False), (20_000, True)])
def test_window_asks_by_minutes_in_a_busy_log_whose_minutes_are_kept(per_s: int, is_kept: bool) -> None:
    shown = resolve("15m", replace(_paced(per_s), has_minutes=is_kept), is_live=True)
    assert (shown.is_busy, shown.has_minutes) == (per_s == 20_000, per_s == 20_000 and is_kept)


@pytest.mark.parametrize(
    ("minutes", "events", "is_asked"), [(20, 450_000, False), (60, 450_000, True), (20, 20_000_000, True)]
)
def test_window_of_a_young_log_asks_by_seconds_as_long_as_its_events_are_few(
    minutes: int, events: int, is_asked: bool
) -> None:
    began = LAST - timedelta(minutes=minutes)
    young = replace(_paced(400), first_at=began, has_minutes=True, event_count=events)
    assert young.is_busy
    assert resolve("auto", young, is_live=True).has_minutes == is_asked


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


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01/9999-12-31T23:59:59.999",
        "0001-01-01T00:00+05:00/2026-11-20",
        "999999w",
        "9500-01-01/9999-01-01",
    ],
)
@pytest.mark.parametrize(
    "change", [Window.zoomed_out, lambda shown: shown.moved(-1), lambda shown: shown.moved(1)]
)
def test_windows_at_the_ends_of_the_calendar_can_be_drawn_moved_and_zoomed_out(
    text: str, change: Callable[[Window], str]
) -> None:
    try:
        shown = resolve(text, LOG, is_live=False)
    except ConfigError:
        return
    for one in (shown, resolve(change(shown), LOG, is_live=False)):
        bucket = one.bucket(150)
        starts = grid(one.since - one.lookback, one.until, bucket)
        assert starts[-1] < one.until <= starts[-1] + bucket


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
