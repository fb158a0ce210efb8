"""Which version of the data a page is drawn from, so that many who look on ask the database once.

A log that is being written has a new version several times a second. If every viewer drew the newest
one, nobody would find anything remembered, and each would cost as much as the first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

_TIMES: Final = 3
"""A version is shared for so many times as long as was spent on asking about it, or the one before ..."""
_AT_MOST_S: Final = 4.0
"""... but no longer than this: less than what makes a picture late."""


@dataclass(frozen=True)
class Known:
    """A version of the data, and when it was the newest one (UTC without zone)."""

    version: int
    asked_at: datetime


@dataclass
class _Shared:
    known: Known
    database: str
    session: str
    """Who asked for it."""
    since_s: float
    before_s: float
    """What was spent on the one before: of one that is just being drawn nobody knows yet."""
    spent_s: float = 0.0


class Sharing:
    """The version that sessions of this process share; for many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._shared: _Shared | None = None

    def version(self, database: str, session: str, newest: Callable[[], Known]) -> Known:
        """The version to draw a page of this session from: that which another session has just drawn or
        is drawing, else the newest. Who looks alone always gets the newest.
        """
        with self._lock:
            shared, now = self._shared, self._clock()
            if shared and shared.database != database:
                shared = None
            if shared and shared.session != session:
                cost_s = max(shared.spent_s, shared.before_s)
                if now < shared.since_s + min(_TIMES * cost_s, _AT_MOST_S):
                    return shared.known
            known = newest()
            if shared is None or shared.known.version != known.version:
                before_s = shared.spent_s if shared else 0.0
                self._shared = _Shared(known, database, session, now, before_s)
            return known

    def spend(self, database: str, version: int, seconds: float) -> None:
        """Note that so long was spent on asking about a version."""
        with self._lock:
            shared = self._shared
            if shared and shared.database == database and shared.known.version == version:
                shared.spent_s += seconds
