"""How far the time of the log has come: up to where rules can be evaluated."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import duckdb

from stormwatch.status import IngestStatus

_NEWEST: Final = 15
"""Of each file so many of its last records say how far it is: those that most agree with count."""
_AHEAD: Final = timedelta(minutes=1)
"""What claims to be later than the wall clock by more counts only where everything does."""
_SPREADS: Final = 5
_NEAR: Final = 2
"""Later than the median of those records by so many times the length of the quarter before it, or so
many buckets: has a wrong clock, or is the first after a pause; it counts once most agree."""
FAR: Final = 60
"""In buckets. A file that is new, or that is read again from its beginning, leads by no more."""
_QUIET: Final = timedelta(minutes=1)
"""After so long without a new event the last bucket of the log is taken for complete."""
_SETTLED_S: Final = 2.0
_SETTLED_BYTES: Final = 1 << 20
"""While more is unread, and more than is read in so many seconds, files are read to different instants:
sums over them would be wrong."""
_PATIENCE: Final = timedelta(minutes=3)
"""What is unread and becomes no less for so long holds nothing up any more."""
_READ: Final = """
SELECT file_id, arg_max({'byte_offset': byte_offset, 'occurred_at': occurred_at}, byte_offset, $newest)
FROM events
WHERE
    occurred_at IS NOT NULL
    AND ($seen = 0 OR ingested_at IN (SELECT committed_at FROM batches WHERE batch_id > $seen))
GROUP BY file_id
"""


class Frontier:
    """The newest instant of a log that grows; for one thread."""

    def __init__(self, grace: timedelta, bucket: timedelta):
        self.problem: str | None = None
        """What of the log does not count, as its time cannot be believed; None when all does."""
        self._grace = grace
        self._bucket = bucket
        self._tails: dict[int, list[tuple[int, datetime]]] = {}
        """File -> where its last records stand, and when they say they happened."""
        self._seen = 0
        """Number of the last batch: the clock that stamps batches may be set back."""
        self._grown_at = datetime.min  # noqa: DTZ901 - before anything

    def advance(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> datetime | None:
        """The instant up to which the log is complete, as far as can be told; None without events.

        Newer events than that may still be on their way from other files, so it stays `grace` behind
        the newest, until the log is quiet. It goes back where a log does.
        """
        [(batch,)] = cursor.execute("SELECT coalesce(max(batch_id), 0) FROM batches").fetchall()
        if batch > self._seen:
            rows = cursor.execute(_READ, {"seen": self._seen, "newest": _NEWEST}).fetchall()
            for file_id, records in rows:
                new = [(one["byte_offset"], one["occurred_at"]) for one in records]
                self._tails[file_id] = sorted({*self._tails.get(file_id, ()), *new})[-_NEWEST:]
            self._seen, self._grown_at = batch, now
        self._grown_at = min(self._grown_at, now)
        if not self._tails:
            return None
        newest = self._newest(now)
        self._compare(newest)
        if now - self._grown_at >= _QUIET:
            return newest + self._bucket
        return newest - self._grace

    def _newest(self, now: datetime) -> datetime:
        latest = now + _AHEAD
        reached = {number: self._reached(tail, latest) for number, tail in self._tails.items()}
        # Where all are ahead, the one that is so by least is the most likely to be right.
        behind = {number: at for number, at in reached.items() if at <= latest}
        believed = behind or {number: at for number, at in reached.items() if at == min(reached.values())}
        # A file with a handful of lines leads only where it is not far from the others.
        bulk = [at for number, at in believed.items() if len(self._tails[number]) == _NEWEST]
        if not bulk:
            return max(believed.values())
        edge = max(bulk) + FAR * self._bucket
        return max(at for at in believed.values() if at <= edge)

    def _reached(self, tail: list[tuple[int, datetime]], latest: datetime) -> datetime:
        found = sorted([at for _, at in tail if at <= latest] or [at for _, at in tail])
        last = len(found) - 1
        median = found[last // 2]
        edge = median + max(_SPREADS * (median - found[last // 4]), _NEAR * self._bucket)
        return max(at for at in found if at <= edge)

    def _compare(self, newest: datetime) -> None:
        edge = newest + _NEAR * self._bucket
        ahead = [at for tail in self._tails.values() for _, at in tail if at > edge]
        self.problem = (
            f"the log is evaluated to {newest}; the last of what was read later than that says {max(ahead)}, "
            "which counts once most of its file agrees and the clock here has reached it"
            if ahead
            else None
        )


class Backlog:
    """Whether what is there of the files has been read; for one thread."""

    def __init__(self) -> None:
        self.problem: str | None = None
        """Why rules wait, or do not although much is unread; None when little is."""
        self._least: int | None = None
        self._least_at = datetime.min  # noqa: DTZ901 - before anything

    def is_read(self, status: IngestStatus, now: datetime) -> bool:
        """Whether rules that go by the log may be evaluated.

        What waits for its line end while nothing else is left to read does not count, nor does a
        backlog that no longer becomes less: alerts that are late or rough are better than none.
        """
        unread = status.backlog_bytes
        bytes_per_s = status.events_per_s * status.bytes / max(status.events, 1)
        if unread <= max(_SETTLED_BYTES, _SETTLED_S * bytes_per_s):
            self.problem = self._least = None
            return True
        if status.state == "idle":
            self._least = None
            self.problem = f"{unread:,} bytes wait for their line end and are not looked at"
            return True
        if self._least is None or unread < self._least or now < self._least_at:
            self._least, self._least_at = unread, now
        is_late = now - self._least_at >= _PATIENCE
        self.problem = (
            f"evaluated although {unread:,} bytes are unread, which become no less"
            if is_late
            else f"waits: {unread:,} bytes unread"
        )
        return is_late
