"""The time window of a view: what the address says, and which instants that means in this log.

Relative windows end at the newest event, not at the wall clock: a log of last week and a log that
is being written show their last hour alike, and while nothing arrives nothing changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from dashboard import zone
from dashboard.loops import MINUTE, MINUTES_LEARNING, Scale, scale
from stormwatch.errors import ConfigError

AUTO: Final = "auto"
ALL: Final = "all"
PRESETS: Final = (AUTO, "15m", "1h", "6h", "24h", "7d", ALL)
_LIVE_WITHIN: Final = timedelta(minutes=10)
EVENTS_AT_ONCE: Final = 400_000
"""So many events are drawn within a second or two: what is chosen for a person holds no more."""
_FEW_ENOUGH: Final = 10 * EVENTS_AT_ONCE
"""So many events are read once more for loops in seconds, where minutes cannot tell of them."""
_LOOKBACK: Final = timedelta(hours=1)
_INSTANT_STEP: Final = timedelta(microseconds=1)
_SHORTEST: Final = timedelta(seconds=1)
_FIRST: Final = datetime(1000, 1, 1)  # noqa: DTZ001 - naive UTC throughout
_LAST: Final = datetime(9000, 1, 1)  # noqa: DTZ001
"""No window is wider: Python's calendar has to have room for what lies beyond its edges."""
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_OFFSET = re.compile(r"(?:[+-]\d\d:?\d\d|Z)$")
_RELATIVE = re.compile(r"(?:now-)?(\d{1,6})\s*(s|m|min|h|d|w)")
_BUCKETS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400)
)


@dataclass(frozen=True)
class Coverage:
    """What the log covers: both ends included; None in an empty database."""

    first_at: datetime | None
    last_at: datetime | None
    busiest: tuple[datetime, datetime] | None = None
    """First and last event of the stretch with most events, where silence breaks the log in several."""
    event_count: int = 0
    """Events, those without a time included."""
    reject_count: int = 0
    """Byte ranges in quarantine: what was read and is no event."""
    pace: tuple[tuple[timedelta, int], ...] = ()
    """Events in spans that end with the newest event, the shortest span first."""
    has_minutes: bool = False
    """Whether what is kept of each minute can answer for the last hour of a busy log."""
    minute: timedelta = MINUTE
    """What a minute of the alert rules is in this log."""

    def is_live(self, now: datetime) -> bool:
        """Whether events are arriving these minutes, by the clock of this machine."""
        return self.last_at is not None and now - self.last_at < _LIVE_WITHIN

    @property
    def live_span(self) -> timedelta:
        """The last hour, or the longest span before the newest event that is drawn quickly."""
        quick = [span for span, count in self.pace if count <= EVENTS_AT_ONCE]
        shortest = self.pace[0][0] if self.pace else _LOOKBACK
        return max(quick, default=shortest)

    @property
    def is_busy(self) -> bool:
        """Whether an hour of it is more than is drawn quickly."""
        return any(count > EVENTS_AT_ONCE for _, count in self.pace)

    @property
    def is_told_by_minutes(self) -> bool:
        """Whether what is kept of each minute answers for it: not of a young log, whose minutes do not
        tell yet what is usual, as long as that has few enough events to be read in finer steps.
        """
        if not (self.is_busy and self.has_minutes):
            return False
        first, last = self.first_at, self.last_at
        is_young = first is not None and last is not None and last - first < MINUTES_LEARNING
        return not (is_young and self.event_count <= _FEW_ENOUGH)


@dataclass(frozen=True)
class Window:
    """A half-open interval of log time, UTC without zone."""

    text: str
    """As written in the address."""
    since: datetime
    until: datetime
    is_absolute: bool
    lookback: timedelta = _LOOKBACK
    """How far before `since` arrivals and causes count."""
    is_busy: bool = False
    """Whether an hour of the log is more than is drawn quickly."""
    has_minutes: bool = False
    """Whether it is, and what is kept of each minute can answer in place of the events."""
    minute: timedelta = MINUTE
    """What a minute of the alert rules is in this log."""
    near_since: datetime | None = None
    """Of a window with more events than are read at once: where its newest part begins that has so many."""
    near_count: int = 0
    """Events of that part."""
    is_read_all: bool = False
    """Whether a person asked for all of such a window."""
    is_part: bool = False
    """Whether it is the newest part of one."""

    @property
    def loop_scale(self) -> Scale:
        """How finely loops are looked at in it."""
        return scale(self.span, has_minutes=self.has_minutes, minute=self.minute)

    @property
    def near(self) -> Window:
        """What of it is read event by event: its newest part, or all."""
        if self.near_since is None or self.is_read_all:
            return self
        return replace(
            self,
            text=absolute(self.near_since, self.until),
            since=self.near_since,
            lookback=min(self.until - self.near_since, self.lookback),
            near_since=None,
            is_part=True,
        )

    @property
    def called(self) -> str:
        """What texts call it."""
        return "the newest part of this window" if self.is_part else "this window"

    @property
    def edges(self) -> dict[str, datetime]:
        """The window as relations want it."""
        return {"since": self.since, "until": self.until}

    @property
    def scope(self) -> dict[str, datetime]:
        """The edges, and none for `all`: that holds what has no time as well."""
        return {} if self.text == ALL else self.edges

    @property
    def span(self) -> timedelta:
        """Length of the interval."""
        return self.until - self.since

    def covers(self, coverage: Coverage) -> bool:
        """Whether all of the log lies in it."""
        first, last = coverage.first_at, coverage.last_at
        return first is None or last is None or (self.since <= first and last < self.until)

    def bucket(self, at_most: int) -> timedelta:
        """The shortest round bucket that cuts the window into at most `at_most` parts.

        The first and the last part may be cut, so two are held back.
        """
        for bucket in _BUCKETS:
            if self.span / bucket <= at_most - 2:
                return bucket
        days = -(-self.span // (at_most - 2) // timedelta(days=1)) + 1
        return timedelta(days=days)

    def zoomed_out(self) -> str:
        """Text of the window twice as long around the same middle."""
        return absolute(_shifted(self.since, -self.span / 2), _shifted(self.until, self.span / 2))

    def moved(self, direction: int) -> str:
        """Text of the window before (-1) or after (+1) this one, half overlapping."""
        step = self.span / 2 * direction
        since, until = _shifted(self.since, step), _shifted(self.until, step)
        return absolute(since, until) if until - since == self.span else absolute(self.since, self.until)


def _shifted(at: datetime, by: timedelta) -> datetime:
    """An instant earlier or later, as far as windows reach."""
    try:
        return min(max(at + by, _FIRST), _LAST)
    except OverflowError:
        return _FIRST if by < timedelta(0) else _LAST


def absolute(since: datetime, until: datetime) -> str:
    """Text of a window between two instants, to the millisecond."""
    return "/".join(edge.isoformat(timespec="milliseconds") for edge in (since, until))


def in_zone(text: str, *, is_local: bool = False) -> str:
    """The text of an absolute window by the clocks of the zone that is shown; any other text as it is.

    Instants without an offset are UTC, or `is_local`: what clocks of the zone show.
    """
    if is_local and not zone.is_utc():
        text = "/".join(_with_offset(edge) for edge in text.split("/"))
    edges = edges_of(text)
    if edges is None or zone.is_utc():
        return text if edges is None or not _OFFSET.search(text) else absolute(*edges)
    return "/".join(zone.written(edge) for edge in edges)


def _with_offset(edge: str) -> str:
    try:
        read = datetime.fromisoformat(edge.strip())
    except ValueError:
        return edge
    return edge if read.tzinfo else zone.written(zone.utc(read))


def part(start: str, seconds: str) -> tuple[datetime, datetime] | None:
    """Both ends of a part of a window that the address names by begin and length; None for other text."""
    try:
        since = _instant(start)
        until = since + timedelta(seconds=float(seconds))
    except (ValueError, OverflowError):
        return None
    return (since, until) if _FIRST <= since < until <= _LAST else None


def _instant(text: str) -> datetime:
    read = datetime.fromisoformat(text.strip())
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def edges_of(text: str) -> tuple[datetime, datetime] | None:
    """Both ends of an absolute window; None for any other text."""
    try:
        read = _absolute(text)
    except ConfigError:
        return None
    return read.since, read.until


def _absolute(text: str) -> Window:
    try:
        since, until = (_instant(edge) for edge in text.split("/"))
    except (ValueError, OverflowError):
        raise _unreadable(text) from None
    if since >= until:
        raise ConfigError(f"time window {text!r} ends before it starts; write it as FROM/TO")
    since, until = (_shifted(edge, timedelta(0)) for edge in (since, until))
    if since == until:
        raise _unreadable(text)
    return Window(text, since, until, is_absolute=True)


def _unreadable(text: str) -> ConfigError:
    return ConfigError(
        f"time window {text!r} is not understood; write for example 90m, 6h, all "
        "or 2026-11-23T10:00/2026-11-23T11:00"
    )


def _length(text: str) -> timedelta:
    found = _RELATIVE.fullmatch(text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise _unreadable(text)
    return int(found[1]) * _UNITS[found[2]]


def resolve(text: str, coverage: Coverage, *, is_live: bool) -> Window:
    """The instants that `text` means in a log with this coverage.

    `auto` is the last hour of a log that is being written, or as much of it as can be drawn quickly,
    and the busiest stretch of one that is not: a stray line of last year would squeeze everything
    else into a corner. Other relative windows end at the newest event, and none begins before the
    log does. In a busy log a window looks back only as far as it is long.

    Raises:
        ConfigError: the text is not a window.
    """
    shown = _absolute(text) if "/" in text else _relative(text, coverage, is_live=is_live)
    return replace(
        shown,
        lookback=min(shown.span, _LOOKBACK) if coverage.is_busy else _LOOKBACK,
        is_busy=coverage.is_busy,
        has_minutes=coverage.is_told_by_minutes,
        minute=coverage.minute,
    )


def _relative(text: str, coverage: Coverage, *, is_live: bool) -> Window:
    length = None if text in (AUTO, ALL) else _length(text)
    if text == AUTO and is_live:
        length = coverage.live_span
    first = coverage.first_at or datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC throughout
    last = coverage.last_at or first
    if text == AUTO and not is_live and coverage.busiest:
        first, last = coverage.busiest
    if coverage.last_at is None:
        text = ALL  # there is no time to choose from
    until = last + _INSTANT_STEP
    since = first if length is None else max(first, _shifted(until, -length))
    if until - since < _SHORTEST:
        # Of a log of one instant a picture would show nothing: its one bar lies beside the window.
        since = since.replace(microsecond=0)
        until = max(until, since + _SHORTEST)
    return Window(text, since, until, is_absolute=False)
