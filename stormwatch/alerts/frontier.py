"""How far the time of the log has come: up to where rules can be evaluated."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import duckdb

_NEWEST: Final = 3
"""The instant so many events have reached: one or two lines with a wrong clock move nothing."""
_AHEAD: Final = timedelta(hours=1)
"""What claims to be later than the wall clock by more has a wrong clock or zone."""
_QUIET: Final = timedelta(minutes=1)
"""After so long without a new event the last bucket of the log is taken for complete."""
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
