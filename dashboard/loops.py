"""Loops of event types: the scale they are looked at, and each of them through time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

Row = Mapping[str, Any]
"""A row of `loop_gain`."""

LEVELS: Final = ("calm", "watch", "warn", "page", "storm")
"""As `loop_gain` names them, the worst last."""
LINES: Final = {"watch": 0.7, "warn": 0.8, "page": 0.9, "storm": 1.0}
"""From which gain on a level is given, once it has held."""
_SEPARATOR: Final = " <-> "
_BUCKETS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)
)
MINUTE: Final = timedelta(minutes=1)
_BUCKETS_PER_SPAN: Final = 15
_SPANS_PER_BASELINE: Final = 96
SPANS_LEARNING: Final = 4
"""Spans at the beginning of a log that only tell what is usual."""
MINUTES_LEARNING: Final = SPANS_LEARNING * _BUCKETS_PER_SPAN * MINUTE
"""How old a log is before its minutes can be judged."""
_SPANS_AT_LEAST: Final = 8
_POINTS_AT_MOST: Final = 2000


@dataclass(frozen=True)
class Scale:
    """How finely a loop is looked at; the parameters of `loop_gain` of the same names."""

    bucket: timedelta
    span: timedelta
    baseline: timedelta

    @property
    def lengths(self) -> dict[str, timedelta]:
        """Bucket and span, as relations want them."""
        return {"bucket": self.bucket, "span": self.span}


def scale(window: timedelta, *, has_minutes: bool = False, minute: timedelta = MINUTE) -> Scale:
    """The scale for a window of this length.

    A minute, 15 minutes and a day, as the relations have it, in windows of 2 to 33 hours; where hours
    pass in seconds `minute` is what alert rules take for one, and pages judge as they do. The first
    spans of a log only tell what is usual, so that a shorter window is cut into eight spans at
    least: of a log that is shown as a whole the second half can be judged, also where hours pass in
    seconds. A bucket remains a fifteenth of a span and a baseline 96 spans. In a longer window a
    bucket is as long as it has to be for 2,000 of them to do. Of a busy log that `has_minutes`
    these are the finest: what is kept of each answers, and seconds would be read from the events of
    hours.
    """
    minute = MINUTE if has_minutes else minute
    if window > _POINTS_AT_MOST * minute:
        bucket = next((one for one in _BUCKETS if window / one <= _POINTS_AT_MOST), _BUCKETS[-1])
        span = max(_BUCKETS_PER_SPAN * minute, bucket)
    else:
        longest = window / (_SPANS_AT_LEAST * _BUCKETS_PER_SPAN)
        if has_minutes or longest >= minute:
            bucket = minute
        else:
            bucket = max((one for one in _BUCKETS if one <= longest), default=min(minute, _BUCKETS[0]))
        span = _BUCKETS_PER_SPAN * bucket
    return Scale(bucket, span, _SPANS_PER_BASELINE * span)


def types(loop: str) -> set[str]:
    """The types that carry a loop, from its name."""
    return set(loop.split(_SEPARATOR))


def danger(row: Row) -> tuple[float, float, float]:
    """Greater for what is nearer to a storm."""
    level = row["level"]
    return (LEVELS.index(level) if level else -1, row["sustained_gain"], row["gain_lower"])


def rises_to(row: Row) -> str | None:
    """The level whose line a gain is surely above but has not been for long enough; None of other gains.

    What fades or goes round by design is not judged higher than it has been.
    """
    reached = [name for name, line in LINES.items() if row["gain_lower"] >= line]
    if not reached or row["level"] is None or row["judged_gain"] <= row["sustained_gain"]:
        return None
    return reached[-1] if LEVELS.index(reached[-1]) > LEVELS.index(row["level"]) else None


@dataclass
class Track:
    """One loop through time: it is the same as long as a type of it stays."""

    rows: list[Row] = field(default_factory=list)
    """Rows of `loop_gain`, one a bucket, the oldest first."""

    @property
    def name(self) -> str:
        """The types that carry it now."""
        return str(self.rows[-1]["loop"])

    @property
    def names(self) -> set[str]:
        """All names it has had."""
        return {row["loop"] for row in self.rows}

    @property
    def worst(self) -> Row:
        """The row nearest to a storm, the latest of equals."""
        return max(self.rows, key=lambda row: (*danger(row), row["bucket_start"]))

    def onset(self, at: Row, since: datetime, bucket: timedelta) -> datetime:
        """When the rise to a row was half done: the gain came above the middle between that of the row and
        the least before it, which is none if it began after the first bucket, and has not come back below
        a quarter of the rise since. Few events make it dip for a moment.

        It is the end of a bucket, as its row knows what happened in it: what changed there comes before.
        """
        before = [row for row in self.rows if row["bucket_start"] <= at["bucket_start"]]
        began_inside = before[0]["bucket_start"] > since + bucket
        least = 0 if began_inside else min(row["gain"] for row in before)
        rise = at["gain"] - least
        first = at
        for row in reversed(before):
            if row["gain"] < least + rise / 4:
                break
            if row["gain"] >= least + rise / 2:
                first = row
        start: datetime = first["bucket_start"]
        return start + bucket


def tracks(rows: Sequence[Row]) -> list[Track]:
    """The loops of an answer of `loop_gain`, the one nearest to a storm first."""
    found: list[Track] = []
    for row in rows:
        carried = types(row["loop"])
        same = [
            track
            for track in found
            if carried & types(track.name) and track.rows[-1]["bucket_start"] < row["bucket_start"]
        ]
        if same:
            max(same, key=lambda track: len(carried & types(track.name))).rows.append(row)
        else:
            found.append(Track([row]))
    return sorted(found, key=lambda track: danger(track.worst), reverse=True)
