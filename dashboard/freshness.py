"""How fresh the picture is: a dashboard that hides that it is stale is worse than none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from dashboard import formatting
from dashboard.window import Coverage
from stormwatch.status import IngestStatus

Level = Literal["fresh", "late", "stale", "past", "stopped"]

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


def judge(status: IngestStatus, coverage: Coverage, now: datetime) -> Freshness:
    """Weigh the ingester's own words, the newest event and the wall clock (UTC without zone).

    Silence is not staleness: when everything on disk is read, the picture is complete however old
    the newest event is. It is late or stale while bytes wait, or when nobody reads them.
    """
    details = _details(status, now)
    if status.state == "failed":
        return Freshness("stale", "reading failed", details, status.detail)
    if status.state == "paused":
        return Freshness("stale", "reading paused", details, status.detail)
    if coverage.last_at is None:
        return Freshness("past", "no event yet", details, "nothing that was read so far is an event")
    headline = f"data to {_when(coverage.last_at, now)}"
    if status.state == "stopped":
        advice = "nobody follows the log directory; this is what was stored when reading stopped"
        return Freshness("stopped", headline, ("not following", *details), advice)
    if status.backlog_bytes > 0:
        return _behind(status, headline, details, now)
    if not coverage.is_live(now):
        advice = "all lines are read and the newest event is old: this log is not being written"
        return Freshness("past", headline, ("all read", *details), advice)
    age = max(now - coverage.last_at, timedelta(0))
    advice = "every line on disk is read"
    return Freshness("fresh", headline, (f"{formatting.span(age)} old", *details), advice)


def _behind(
    status: IngestStatus, headline: str, details: tuple[str, ...], now: datetime
) -> Freshness:
    committed = status.last_commit_at
    waited = now - committed.replace(tzinfo=None) if committed else timedelta(0)
    level: Level = "fresh"
    if waited > LATE_AFTER:
        level = "late"
    if waited > STALE_AFTER:
        level = "stale"
    waiting = f"{formatting.size(status.backlog_bytes)} to read"
    advice = "lines are waiting to be read"
    if level != "fresh":
        advice = f"nothing was stored for {formatting.span(waited)} though lines wait; see Health"
    return Freshness(level, headline, (waiting, *details), advice)


def _when(last_at: datetime, now: datetime) -> str:
    if abs(now - last_at) < timedelta(hours=12):
        return formatting.clock(last_at)
    return formatting.instant(last_at)


def _details(status: IngestStatus, now: datetime) -> tuple[str, ...]:
    if status.state == "stopped":
        return ()
    parts = []
    committed = status.last_commit_at
    is_busy = committed is not None and now - committed.replace(tzinfo=None) < STALE_AFTER
    if is_busy and status.events_per_s > 0:
        parts.append(formatting.per_second(round(status.events_per_s)).replace("/s", " ev/s"))
    parts.append(f"{formatting.count(status.rejects)} rejected")
    return tuple(parts)
