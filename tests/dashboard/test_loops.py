"""Loops through time, the scale they are looked at, and what is said of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard.loops import Track, scale, tracks
from dashboard.outlook import outlook
from dashboard.window import Window

from .story import HOSTILE

START = datetime(2026, 11, 20, 10)  # noqa: DTZ001
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SHOWN = Window("2h", START, START + 2 * HOUR, is_absolute=False)


def row(minute: int, gain: float, loop: str = "a <-> b", **changes: Any) -> dict[str, Any]:
    """A row of `loop_gain`, of the bucket so many minutes after the start."""
    plain = {
        "bucket_start": START + minute * MINUTE, "loop": loop, "level": "calm", "gain": gain,
        "gain_lower": gain - 0.04, "gain_upper": gain + 0.04, "judged_gain": 0.0, "sustained_gain": 0.0,
        "coverage_ratio": 1.0, "usual_count": 50.0,
        "meaning": f"100 events of {loop} now cause {100 * gain:.0f} more (at least {100 * gain - 4:.0f})",
    }  # fmt: skip
    return plain | changes


@pytest.mark.parametrize(
    ("window", "bucket", "span"),
    [
        (MINUTE, SECOND, 15 * SECOND),
        (6 * MINUTE, 2 * SECOND, 30 * SECOND),
        (15 * MINUTE, 5 * SECOND, 75 * SECOND),
        (HOUR, 30 * SECOND, 450 * SECOND),
        (2 * HOUR, MINUTE, 15 * MINUTE),
        (timedelta(days=1), MINUTE, 15 * MINUTE),
        (timedelta(days=7), 15 * MINUTE, 15 * MINUTE),
        (timedelta(days=365), 6 * HOUR, 6 * HOUR),
    ],
)
def test_scale_follows_the_length_of_the_window(
    window: timedelta, bucket: timedelta, span: timedelta
) -> None:
    at = scale(window)
    assert (at.bucket, at.span, at.baseline) == (bucket, span, 96 * span)


def test_no_bucket_is_shorter_than_a_minute_in_a_busy_log_whose_minutes_are_kept() -> None:
    for minutes in (1, 5, 15, 60):
        at = scale(minutes * MINUTE, has_minutes=True)
        assert (at.bucket, at.span, at.baseline) == (MINUTE, 15 * MINUTE, 24 * HOUR)
    assert scale(timedelta(days=7), has_minutes=True) == scale(timedelta(days=7))


def test_loops_are_looked_at_as_alert_rules_do_where_hours_pass_in_seconds() -> None:
    second = timedelta(seconds=2)
    for minutes in (4, 20, 60):
        at = scale(minutes * MINUTE, minute=second)
        assert (at.bucket, at.span, at.baseline) == (second, 15 * second, 96 * 15 * second)
    assert scale(MINUTE, minute=second).bucket == timedelta(seconds=1), "else nothing could be judged"
    assert scale(20 * MINUTE, minute=second, has_minutes=True) == scale(20 * MINUTE, has_minutes=True)


def test_every_scale_has_whole_buckets_in_a_span_and_spans_enough() -> None:
    for minutes in range(2, 3000, 7):
        window = minutes * MINUTE
        at = scale(window)
        assert at.span % at.bucket == timedelta(0)
        assert window >= 8 * at.span
        assert window / at.bucket <= 2000


def test_loop_is_the_same_as_long_as_a_type_stays() -> None:
    rows = [row(0, 0.5), row(1, 0.6, "b <-> c"), row(1, 0.3, "x"), row(2, 0.7, "c <-> d")]
    found = tracks(rows)
    assert [[one["gain"] for one in track.rows] for track in found] == [[0.5, 0.6, 0.7], [0.3]]
    assert found[0].name == "c <-> d"
    assert found[0].names == {"a <-> b", "b <-> c", "c <-> d"}


def test_two_loops_of_one_bucket_stay_two() -> None:
    rows = [row(0, 0.5, "a <-> b"), row(1, 0.4, "a"), row(1, 0.6, "b")]
    assert sorted(len(track.rows) for track in tracks(rows)) == [1, 2]


def test_worst_is_by_level_then_by_what_is_sure() -> None:
    sure = row(3, 0.8, level="watch", sustained_gain=0.76)
    assert Track([row(1, 1.4, level=None), row(2, 0.99), sure, row(4, 0.9)]).worst is sure


def test_onset_is_when_half_of_the_rise_was_done() -> None:
    track = Track([row(minute, gain) for minute, gain in enumerate([0.5, 0.5, 0.6, 0.8, 0.9])])
    assert track.onset(track.rows[-1], START, MINUTE) == START + 4 * MINUTE


def test_onset_of_a_loop_that_began_inside_is_its_beginning() -> None:
    track = Track([row(minute, 0.8) for minute in range(5, 9)])
    assert track.onset(track.rows[-1], START, MINUTE) == START + 6 * MINUTE


def test_end_of_the_window_is_said_first() -> None:
    earlier = row(10, 0.9, level="warn", sustained_gain=0.86)
    now = row(119, 0.84, level="warn", sustained_gain=0.8)
    told = outlook([earlier, now], SHOWN, has_causes=True)
    assert told.row is now
    assert (told.level, told.look, told.headline) == ("warn", "trouble", "warn")
    assert told.sentence == "**Warn.** 100 events of `a <-> b` now cause 84 more (at least 80)."
    assert told.brief == "100 events of a loop cause 84 more, at least 80"
    assert not told.is_over


def test_what_is_above_a_line_but_not_for_long_is_said_to_rise() -> None:
    now = row(119, 0.86, judged_gain=0.6, sustained_gain=0.4)
    told = outlook([row(10, 0.2), now], SHOWN, has_causes=True)
    assert (told.level, told.look, told.headline) == ("calm", "watch", "calm")
    assert told.sentence == (
        "**Calm so far.** 100 events of `a <-> b` now cause 86 more (at least 82). It is above the line of "
        "**warn** already, which is given once that has held."
    )
    assert told.brief == "100 events of a loop cause 86 more, at least 82, rising to warn"
    assert told.onset == START + 120 * MINUTE


@pytest.mark.parametrize(
    "now",
    [
        row(119, 0.86),  # as often as ever, or by design
        row(119, 0.86, judged_gain=0.3, sustained_gain=0.3),  # what is newest denies it
        row(119, 0.86, level="warn", judged_gain=0.82, sustained_gain=0.81),
        row(119, 0.5, judged_gain=0.4, sustained_gain=0.2),
    ],
)
def test_what_does_not_rise_is_as_its_level_says(now: dict[str, Any]) -> None:
    told = outlook([row(10, 0.2), now], SHOWN, has_causes=True)
    assert not told.is_rising
    assert "already" not in told.sentence


def test_past_danger_is_said_with_its_time() -> None:
    told = outlook(
        [row(10, 0.9, level="page", sustained_gain=0.9), row(119, 0.2)], SHOWN, has_causes=True
    )  # fmt: skip
    assert told.sentence == (
        "**Page.** At the end of this window it is calm. The nearest to a storm was at "
        "2026-11-20 10:11:00 UTC: 100 events of `a <-> b` cause 90 more (at least 86)."
    )
    assert told.is_over
    assert told.onset == START + 11 * MINUTE


def test_loop_that_turns_no_more_is_not_said_to_turn_now() -> None:
    assert (
        "At the end of this window no loop turns." in outlook([row(10, 0.9)], SHOWN, has_causes=True).sentence
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"coverage_ratio": 0.2}, "the causes of 80\u00a0% of the events are missing"),
        ({"usual_count": None}, "the first 1\u00a0h of a log only tell what is usual"),
        ({}, "fewer than 30 causes in 15\u00a0min"),
    ],
)
def test_loop_without_a_level_says_why(changes: dict[str, Any], why: str) -> None:
    told = outlook([row(119, 0.9, level=None, **changes)], SHOWN, has_causes=True)
    assert (told.level, told.headline) == (None, "–")
    assert told.sentence == f"No loop can be judged yet: {why}."


def test_no_loop_is_calm_only_where_causes_are_known() -> None:
    assert outlook([], SHOWN, has_causes=True).level == "calm"
    unknown = outlook([], SHOWN, has_causes=False)
    assert (unknown.level, unknown.brief) == (None, "no record names its cause")


def test_names_of_types_are_text() -> None:
    told = outlook([row(119, 0.84, HOSTILE, level="warn")], SHOWN, has_causes=True)
    before, name, after = told.sentence.split("``")  # longer than any fence inside
    assert before == "**Warn.** 100 events of "
    assert name.startswith("![pixel]")
    assert after == " now cause 84 more (at least 80)."


def test_onset_is_before_a_dip_unless_most_of_the_rise_was_lost_in_it() -> None:
    gains = [0.2, 0.2, 0.8, 0.55, 1.0]
    track = Track([row(minute, gain) for minute, gain in enumerate(gains)])
    assert track.onset(track.rows[-1], START, MINUTE) == START + 3 * MINUTE
    track = Track([row(minute, gain) for minute, gain in enumerate([*gains[:3], 0.3, 1.0])])
    assert track.onset(track.rows[-1], START, MINUTE) == START + 5 * MINUTE
