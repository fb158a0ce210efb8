"""The outlook: which loop of event types is nearest to never stopping, now and in the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dashboard import formatting, zone
from dashboard.hostile import safe_md
from dashboard.loops import SPANS_LEARNING, Row, Scale, danger, rises_to, tracks
from dashboard.verdict import Level
from dashboard.window import Window

LOOKS: Final[Mapping[str | None, Level]] = {
    None: "calm", "calm": "calm", "watch": "watch", "warn": "trouble", "page": "trouble", "storm": "trouble",
}  # fmt: skip
"""How alarming a level is on the screen."""
_CAUSES_AT_LEAST: Final = 30
_COVERAGE_AT_LEAST: Final = 0.3
"""Below either `loop_gain` gives no level."""


@dataclass(frozen=True)
class Outlook:
    """What there is to say of the loops of a window; texts are our own Markdown."""

    level: str | None
    """As `LEVELS`; None when it cannot be told."""
    headline: str
    """A word or two."""
    brief: str
    """The sentence without names."""
    sentence: str
    row: Row | None = None
    """The row it is about."""
    is_over: bool = False
    """Whether that is how it was, and it is not so any more at the end of the window."""
    onset: datetime | None = None
    """When half of the rise to that row was done; None of a loop that is calm."""
    is_rising: bool = False
    """Whether it is above the line of a higher level already, and has not been for long enough."""

    @property
    def is_storm(self) -> bool:
        """Whether the loop is at its line already, and not only near it."""
        return self.level == "storm"

    @property
    def look(self) -> Level:
        """How alarming it is on the screen."""
        look = LOOKS[self.level]
        return "watch" if look == "calm" and self.is_rising else look


def outlook(rows: Sequence[Row], shown: Window, *, has_causes: bool, is_narrowed: bool = False) -> Outlook:
    """Weigh the rows of `loop_gain` of a window: its end first, else what was nearest to a storm.

    `is_narrowed`: these are the rows of the loops through one type only.
    """
    if not rows:
        return _without_loops(has_causes=has_causes, is_narrowed=is_narrowed)
    at = shown.loop_scale
    nearest = max(rows, key=lambda row: (*danger(row), row["bucket_start"]))
    found = tracks(rows)
    latest = [track.rows[-1] for track in found]
    now = max(
        (row for row in latest if row["bucket_start"] >= shown.until - at.span), key=danger, default=None
    )
    row = nearest if now is None or danger(now)[0] < danger(nearest)[0] else now
    when = "" if row is now else f"at {formatting.instant(row['bucket_start'] + at.bucket)} {zone.name()}: "
    if row["level"] is None:
        why = _why_not(row, at)
        return Outlook(
            None, formatting.NONE, f"cannot be told: {why}", f"No loop can be judged yet: {why}.", row
        )  # fmt: skip
    head, _, tail = row["meaning"].partition(f" of {row['loop']} now ")
    said = f"{head} of {safe_md(row['loop'], 120)} {'now ' if row is now else ''}{tail}"
    if row is not now:
        said = f"At the end of this window {_end(now)}. The nearest to a storm was {when}{said}"
    more = f"{round(100 * row['gain'])} more, at least {int(100 * row['gain_lower'])}"
    brief = f"{when}{head} of a loop cause {more}"
    turning = next(track for track in found if any(one is row for one in track.rows))
    higher = rises_to(row) if row is now else None
    if higher is not None:
        said += f". It is above the line of **{higher}** already, which is given once that has held"
        brief += f", rising to {higher}"
    return Outlook(
        row["level"], row["level"], brief,
        f"**{row['level'].capitalize()}{' so far' if higher else ''}.** {said}.", row,
        is_over=row is not now,
        onset=None if row["level"] == "calm" and higher is None
        else turning.onset(row, shown.since, at.bucket),
        is_rising=higher is not None,
    )  # fmt: skip


def _end(now: Row | None) -> str:
    return "no loop turns" if now is None else f"it is {now['level'] or 'too quiet to tell'}"


def _without_loops(*, has_causes: bool, is_narrowed: bool) -> Outlook:
    if has_causes and is_narrowed:
        return Outlook(
            "calm", "no loop", "none goes through the picked type",
            "**Calm.** No loop of this window goes through the picked type.",
        )  # fmt: skip
    if has_causes:
        return Outlook(
            "calm", "no loop", "no type of event leads back to itself",
            "**Calm.** No type of event leads back to itself in this window, so nothing feeds on itself.",
        )  # fmt: skip
    return Outlook(
        None, formatting.NONE, "no record names its cause",
        "Whether a loop feeds on itself cannot be told: no record of this window names its cause.",
    )  # fmt: skip


def _why_not(row: Row, at: Scale) -> str:
    """Why a row has no level."""
    if row["coverage_ratio"] < _COVERAGE_AT_LEAST:
        missing = formatting.percent(1 - row["coverage_ratio"])
        return f"the causes of {missing} of the events are missing"
    if row["usual_count"] is None:
        return f"the first {formatting.span(SPANS_LEARNING * at.span)} of a log only tell what is usual"
    return f"fewer than {_CAUSES_AT_LEAST} causes in {formatting.span(at.span)}"
