"""Keeps how many arrivals of every five minutes were out of order or duplicate: queries/_fault_counts.

Unlike the minutes, a block is counted by the relation itself, over what happened in it and in up to an
hour before, once all of its minutes are kept; and again when one of these minutes was.
"""

from __future__ import annotations

import time
from typing import Final

import duckdb

from stormwatch.minutes.replay import EPOCH, EVENTS_BY_MINUTE, FIRST_EVENT, number_of, start_of
from stormwatch.storage import Store

MINUTES: Final = 5
"""Of a block."""
_LOOKBACK: Final = 60
"""Minutes before it that are looked at as well ..."""
_LOOKBACK_EVENTS: Final = 2_000_000
"""... as long as they hold no more events than this; a block's length at least."""
_HISTORY: Final = 75
"""Of a log that was there before so many blocks are counted: the longest span of delivery_budgets."""
_AFTER_FAILURE_S: Final = 60.0
_REST: Final = 4
"""A block takes seconds in a busy log: so many times as long it rests then."""

_COUNTED: Final = """
SELECT $block_no, consumer, stream, arrival_count, reordered_count, duplicate_count
FROM _faults_of_events($since, $until, $lookback, TRUE)
"""
_MARK_STALE: Final = """
INSERT INTO stale_blocks
SELECT range FROM range(?, ?), block_state WHERE range >= since_no AND range < until_no
"""


def mark_stale(cursor: duckdb.DuckDBPyConnection, first: int, last: int) -> None:
    """Note that minutes from `first` on, before `last`, are others now; belongs into a transaction."""
    cursor.execute(_MARK_STALE, [first // MINUTES, (last + _LOOKBACK) // MINUTES + 1])


class Blocks:
    """Keeps the blocks of a database that this process owns; for one thread."""

    def __init__(self, store: Store):
        self._store = store
        self._rests_until = 0.0

    def rest_no_more(self) -> None:
        """Count the next block at once, whatever that takes from others."""
        self._rests_until = 0.0

    def keep(self, complete_no: int) -> bool:
        """Count one block that is new before the minute `complete_no`, or stale; whether there was one.

        Raises:
            duckdb.Error: nothing of it was stored.
        """
        started = time.monotonic()
        if started < self._rests_until:
            return False
        self._rests_until = started + _AFTER_FAILURE_S
        with self._store.cursor() as cursor:
            until = self._until(cursor, complete_no // MINUTES)
            stale = cursor.execute("SELECT min(block_no) FROM stale_blocks").fetchall()[0][0]
            if until < complete_no // MINUTES:
                self._count(cursor, until, "UPDATE block_state SET until_no = ? + 1")
            elif stale is not None:
                self._count(cursor, stale, "DELETE FROM stale_blocks WHERE block_no = ?")
            else:
                self._rests_until = 0.0
                return False
        self._rests_until = started + (1 + _REST) * (time.monotonic() - started)
        return True

    def _until(self, cursor: duckdb.DuckDBPyConnection, complete: int) -> int:
        """The first block that is not counted."""
        found = cursor.execute("SELECT until_no FROM block_state").fetchall()
        if found:
            return int(found[0][0])
        [(first_at,)] = cursor.execute(FIRST_EVENT, {"since": EPOCH}).fetchall()
        first = complete if first_at is None else min(number_of(first_at) // MINUTES, complete)
        is_all = first >= complete - _HISTORY
        begin = max(first, complete - _HISTORY)
        with self._store.transaction(cursor):
            cursor.execute("INSERT INTO block_state VALUES (?, ?)", [0 if is_all else begin, begin])
        return begin

    def _count(self, cursor: duckdb.DuckDBPyConnection, block_no: int, note: str) -> None:
        first = block_no * MINUTES
        given = {
            "block_no": block_no,
            "since": start_of(first),
            "until": start_of(first + MINUTES),
            "lookback": start_of(first) - start_of(self._earliest(cursor, first)),
        }
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE block AS {_COUNTED}", given)
        with self._store.transaction(cursor):
            cursor.execute("DELETE FROM block_faults WHERE block_no = ?", [block_no])
            cursor.execute("INSERT INTO block_faults FROM block")
            cursor.execute(note, [block_no])

    def _earliest(self, cursor: duckdb.DuckDBPyConnection, first: int) -> int:
        """The first minute that a block which begins with `first` is compared with."""
        begin, held = first - MINUTES, 0
        edges = {"first": first - _LOOKBACK, "last": first}
        for number, count in cursor.execute(EVENTS_BY_MINUTE, edges).fetchall():
            held += count
            if held > _LOOKBACK_EVENTS:
                return begin
            begin = min(begin, number)
        return first - _LOOKBACK
