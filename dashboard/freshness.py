"""How fresh the picture is: a dashboard that hides that it is stale is worse than none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from dashboard import formatting, zone
from dashboard.window import Coverage
from stormwatch.status import IngestStatus

Level = Literal["fresh", "late", "stale", "past", "still", "stopped"]

LATE_AFTER: Final = timedelta(seconds=10)
STALE_AFTER: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Freshness:
    """One badge: how sure one can be that the newest lines are in the picture."""

    level: Level
    headline: str
    details: tuple[str, ...]
    advice: str
    """What the state means and what to do about it."""


def judge(
    status: IngestStatus,
    coverage: Coverage,
    now: datetime,
    *,
    behind: timedelta = timedelta(0),
    is_still: bool = False,
) -> Freshness:
    """Weigh what the ingester says, the newest event of the picture and the wall clock (UTC without zone).

    `coverage` is of the data that the picture is drawn from, and `behind` is for how long newer data
    have been stored. A picture that `is_still` follows nothing: somebody wanted it so.

    Silence is not staleness: when everything on disk is read and drawn, the picture is complete
    however old the newest event is. It is late or stale while bytes wait, when nobody reads them, or
    when they are stored but not drawn. What an idle reader leaves are last lines that have no end:
    nobody knows yet what they say, or ever will if their writer died over them.
    """
    details = _details(status, coverage, now)
    if status.state == "failed":
        return Freshness("stale", "reading failed", details, status.detail)
    if status.state == "paused":
        return Freshness("stale", "reading paused", details, status.detail)
    if coverage.last_at is None:
        return _without_time(coverage, details)
    headline = f"data to {_when(coverage.last_at, now)}"
    if status.state == "stopped":
        advice = "nobody follows the log directory; this is what was stored when reading stopped"
        return Freshness("stopped", headline, ("not following", *details), advice)
    if is_still:
        advice = "this page stands still: it is paused, or its window ends at a fixed instant"
        return Freshness("still", headline, ("view fixed", *details), advice)
    is_idle = status.state == "idle"
    if (status.backlog_bytes > 0 and not is_idle) or behind > LATE_AFTER:
        return _behind(status, coverage, now, headline, details, behind)
    unended = ""
    if status.backlog_bytes > 0:
        unended = f", but for {formatting.plural(status.backlog_files, 'last line')} without an end yet"
    if not coverage.is_live(now):
        advice = f"all lines are read{unended} and the newest event is old: this log is not being written"
        return Freshness("past", headline, ("all read", *details), advice)
    age = max(now - coverage.last_at, timedelta(0))
    advice = f"every line on disk is read{unended}"
    return Freshness("fresh", headline, (f"{formatting.span(age)} old", *details), advice)


def _without_time(coverage: Coverage, details: tuple[str, ...]) -> Freshness:
    if coverage.event_count:
        return Freshness("past", "no time known", details, "no event that was read so far says when it was")
    return Freshness("past", "no event yet", details, "nothing that was read so far is an event")


def _behind(
    status: IngestStatus,
    coverage: Coverage,
    now: datetime,
    headline: str,
    details: tuple[str, ...],
    behind: timedelta,
) -> Freshness:
    committed = status.last_commit_at
    waited = now - committed.replace(tzinfo=None) if committed and status.backlog_bytes else timedelta(0)
    # The newest event tells how far reading is behind in a log that is being written; a log of last
    # week is as old when it is read to the end.
    is_lagging = status.backlog_bytes > 0 and coverage.last_at is not None and coverage.is_live(now)
    lag = now - coverage.last_at if is_lagging and coverage.last_at else timedelta(0)
    missing = max(waited, lag, behind)
    level: Level = "fresh"
    if missing > LATE_AFTER:
        level = "late"
    if missing > STALE_AFTER:
        level = "stale"
    waiting = (f"{formatting.size(status.backlog_bytes)} to read",) if status.backlog_bytes else ()
    advice = "lines are waiting to be read"
    if level != "fresh":
        waiting = (*waiting, f"{formatting.span(missing)} behind")
        advice = _why_late(waited, lag, behind)
    return Freshness(level, headline, (*waiting, *details), advice)


def _why_late(waited: timedelta, lag: timedelta, behind: timedelta) -> str:
    if waited > LATE_AFTER:
        return f"nothing was stored for {formatting.span(waited)} though lines wait; see Health"
    if behind > LATE_AFTER:
        return (
            f"drawing this page takes so long that it lacks what was stored in the last "
            f"{formatting.span(behind)}; a shorter window is drawn faster"
        )
    return f"lines are written faster than they are read: the newest one here is {formatting.span(lag)} old"


def _when(last_at: datetime, now: datetime) -> str:
    if abs(now - last_at) < timedelta(hours=12):
        return f"{formatting.clock(last_at)} {zone.place()}"
    return f"{formatting.instant(last_at)} {zone.place()}"


def _details(status: IngestStatus, coverage: Coverage, now: datetime) -> tuple[str, ...]:
    if status.state == "stopped":
        return ()
    parts = []
    committed = status.last_commit_at
    is_busy = committed is not None and now - committed.replace(tzinfo=None) < STALE_AFTER
    if is_busy and status.events_per_s > 0:
        parts.append(formatting.per_second(round(status.events_per_s)).replace("/s", " ev/s"))
    parts.append(f"{formatting.count(coverage.reject_count)} rejected")
    return tuple(parts)
