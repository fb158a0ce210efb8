"""How far the time of the log has come: up to where rules can be evaluated."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import duckdb

from stormwatch.status import IngestStatus

_NEWEST: Final = 3
"""The instant so many events have reached: one or two lines with a wrong clock move nothing."""
_AHEAD: Final = timedelta(hours=1)
"""What claims to be later than the wall clock by more has a wrong clock or zone."""
_QUIET: Final = timedelta(minutes=1)
"""After so long without a new event the last bucket of the log is taken for complete."""
_SETTLED_BYTES: Final = 1 << 20
"""While more is unread, files are read to different instants, and sums over them would be wrong."""
_PATIENCE: Final = timedelta(minutes=3)
"""What is unread and becomes no less for so long holds nothing up any more."""
_READ: Final = """
SELECT occurred_at FROM events
WHERE ingested_at > $since AND ingested_at <= $until AND occurred_at <= $latest
ORDER BY occurred_at DESC
LIMIT $newest
"""


class Frontier:
    """The newest instant of a log that grows; for one thread."""

    def __init__(self, grace: timedelta, bucket: timedelta):
        self._grace = grace
        self._bucket = bucket
        self._newest: list[datetime] = []
        self._seen = datetime.min  # noqa: DTZ901 - before anything
        self._grown_at = datetime.min  # noqa: DTZ901

    def advance(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> datetime | None:
        """The instant up to which the log is complete, as far as can be told; None without events.

        Newer events than that may still be on their way from other files, so it stays `grace` behind
        the newest, until the log is quiet.
        """
        [(committed_at,)] = cursor.execute("SELECT max(committed_at) FROM batches").fetchall()
        if committed_at is not None and committed_at > self._seen:
            values = {
                "since": self._seen, "until": committed_at, "latest": now + _AHEAD, "newest": _NEWEST,
            }  # fmt: skip
            found = [at for (at,) in cursor.execute(_READ, values).fetchall()]
            self._newest = sorted([*self._newest, *found], reverse=True)[:_NEWEST]
            self._seen, self._grown_at = committed_at, now
        if not self._newest:
            return None
        if now - self._grown_at >= _QUIET:
            return self._newest[-1] + self._bucket
        return self._newest[-1] - self._grace


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
        if unread <= _SETTLED_BYTES:
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
