"""Keeps, of every minute of the log, the counts that loops are judged by, so that nobody has to read the
events of a day again to know how close to a storm the log is.

A minute is counted once the log is complete up to its end, after all minutes before it; what it takes
from those is in memory (`Replay`): the events of the last two hours, by their hashes. What is read
later of a minute that was counted makes it stale (`mark_stale`, in the transaction that stores the
rows), and it is counted again together with those that look back at it. The counts are rows of tables
(schema 0005); queries/_loop_counts and queries/_type_counts read them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb

from stormwatch.minutes import blocks
from stormwatch.minutes.blocks import Blocks
from stormwatch.minutes.replay import EPOCH, FIRST_EVENT, KNOWN, SPAN, WARM, Replay, number_of, start_of
from stormwatch.minutes.statements import COUNT_TYPES, COUNTED
from stormwatch.storage import Store

_HISTORY: Final = 27 * 60
"""Of a log that was there before, in so many minutes events are counted by type: a day to compare with."""
_EFFECTS_HISTORY: Final = 180
"""In so many of them effects are: what loop_gain looks at, and what it learns delays from."""
_SLICE_S: Final = 1.0
_LAG: Final = 5
"""Minutes that may not be counted yet while this process does it."""
_MARKS: Final = ("stale_minutes", "block_faults", "block_state", "stale_blocks")
_HOUR: Final = 60
_AFTER_FAILURE_S: Final = 30.0
_STALE_REST: Final = 19
"""After counting again it rests so many times as long as that took."""
_MANY: Final = 5_000_000
"""A rule asks fewer events than this in a second or two; minutes take a tenth of one each, few or many."""

_MARK_STALE: Final = """
INSERT INTO stale_minutes
SELECT DISTINCT epoch_us(added.occurred_at) // 60000000, ?
FROM {rows} AS added, minute_state AS state
WHERE added.occurred_at < make_timestamp(state.claimed_no * 60000000)
    {condition}
"""

_WORK: Final = """
SELECT epoch_us(bucket_start) // 60000000, observation_count, error_count, retry_count, deep_count
FROM _work_counts_of_events($since, $until, INTERVAL 1 MINUTE, TRUE)
INNER JOIN _severe_counts($since, $until, INTERVAL 1 MINUTE, TRUE) USING (bucket_start)
"""
_UP_TO_MANY: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM events WHERE occurred_at >= $since AND occurred_at < $until LIMIT $many
)
"""
_STALE: Final = """
SELECT DISTINCT minute_no FROM stale_minutes, minute_state AS state
WHERE minute_no >= state.since_no AND minute_no < $until_no ORDER BY minute_no
"""


def mark_stale(
    cursor: duckdb.DuckDBPyConnection, batch_id: int, rows: str, condition: str = "", *values: object
) -> None:
    """Note that minutes that were counted have other rows now: those of the table or relation `rows`.

    Belongs into the transaction that stores or deletes them. `condition` begins with AND and has a
    `?` for each value.
    """
    statement = _MARK_STALE.format(rows=rows, condition=condition)
    cursor.execute(statement, [batch_id, *values])


def leave(store: Store) -> None:
    """Say that nobody keeps minutes from now on: what they do not hold is read from the events."""
    # Where nothing can be written, the last three minutes are missing from some answers.
    with suppress(duckdb.Error), store.cursor() as cursor, store.transaction(cursor):
        cursor.execute("UPDATE minute_state SET allowed_lag = 0")


@dataclass
class _Recount:
    """Stale minutes that are being counted again, a slice at a time."""

    replay: Replay
    first: int
    position: int
    wanted: int
    """Before this minute, or up to where minutes are kept."""
    batch: int
    """The last batch that was stored when it began."""


class Minutes:
    """Keeps the minutes of a database that this process owns; for one thread."""

    def __init__(self, store: Store):
        self._store = store
        self._head = Replay(store)
        self._recount: _Recount | None = None
        self._blocks = Blocks(store)
        self._history_to: int | None = None
        """Down to this minute types are to be counted of a log that was there before."""
        self._rests_until = 0.0
        self.is_behind = False
        """Whether complete minutes are not counted yet, and hold so many events that it takes longer to ask
        these: until minutes are counted, events answer for them."""

    def close(self) -> None:
        """Stop keeping minutes."""
        leave(self._store)
        self._forget()

    def rest_no_more(self) -> None:
        """Go on at once, whatever that takes from others."""
        self._rests_until = 0.0
        self._blocks.rest_no_more()

    def keep(self, complete_to: datetime, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Count for a second what is new before `complete_to`, or stale; whether something is left to do.

        Raises:
            duckdb.Error: nothing of it was stored; it begins anew the next time.
        """
        with self._store.counting_lock:  # what is read is still there when its counts are stored
            return self._keep_all(number_of(complete_to), is_over)

    def _keep_all(self, complete_no: int, is_over: Callable[[], bool]) -> bool:
        try:
            has_more = self._keep(complete_no, is_over)
        except BaseException:
            self.is_behind = False  # nobody is to wait for what fails
            self._forget()
            self._head = Replay(self._store)
            self._rests_until = time.monotonic() + _AFTER_FAILURE_S
            raise
        return has_more or self._blocks.keep(complete_no)

    def _forget(self) -> None:
        self._head.close()
        self._end_recount()

    def _end_recount(self) -> None:
        if self._recount:
            self._recount.replay.close()
        self._recount = None

    def _keep(self, complete_no: int, is_over: Callable[[], bool]) -> bool:
        until_no = self._claim(complete_no)
        started = time.monotonic()
        if started >= self._rests_until and self._count_again(until_no, is_over):
            passed = time.monotonic() - started
            self._rests_until = started + (1 + _STALE_REST) * passed
        if until_no < complete_no:
            until_no = self._go_on(until_no, complete_no, is_over)
        has_more = until_no < complete_no
        self.is_behind = has_more and self._are_many(complete_no)
        return has_more or self._look_back()

    def _are_many(self, complete_no: int) -> bool:
        """Whether what rules look back at are very many events."""
        edges = {"since": start_of(complete_no - _HISTORY), "until": start_of(complete_no)}
        [(count,)] = self._head.cursor.execute(_UP_TO_MANY, {**edges, "many": _MANY}).fetchall()
        return bool(count >= _MANY)

    def _go_on(self, until_no: int, complete_no: int, is_over: Callable[[], bool]) -> int:
        """Count for a while from `until_no` on; the first minute not counted."""
        batch = self._batch()
        reached = self._head.count(until_no, complete_no, _ends_in(_SLICE_S, is_over))
        cursor = self._head.cursor
        with self._store.transaction(cursor):
            self._head.store(until_no, reached)
            cursor.execute("UPDATE minute_state SET until_no = ?", [reached])
            _unmark(cursor, until_no, reached, batch)
        self._head.stored()
        self._store.beside_version += 1
        return reached

    def _count_again(self, until_no: int, is_over: Callable[[], bool]) -> bool:
        """Count a slice of the first stale minutes again; whether there were any."""
        at = self._recount = self._recount or self._begin_again(until_no)
        if at is None:
            return False
        last = min(at.wanted, until_no)
        reached = at.replay.count(at.position, last, _ends_in(2 * _SLICE_S, is_over))
        with self._store.transaction(at.replay.cursor):
            at.replay.store(at.position, reached)
            blocks.mark_stale(at.replay.cursor, at.position, reached)
            if reached == last:
                _unmark(at.replay.cursor, at.first, last, at.batch)
        at.replay.stored()
        at.position = reached
        if reached == last:
            self._end_recount()
            if last > until_no - KNOWN:  # what is remembered of them has changed
                self._head.close()
                self._head = Replay(self._store)
        self._store.beside_version += 1
        return True

    def _begin_again(self, until_no: int) -> _Recount | None:
        """The first stale minutes, with those that count the effects of them."""
        found = self._head.cursor.execute(_STALE, {"until_no": until_no}).fetchall()
        if not found:
            return None
        first, wanted = found[0][0], found[0][0] + SPAN
        for (number,) in found:
            if number > wanted + WARM:
                break
            wanted = number + SPAN
        return _Recount(Replay(self._store), first, first, wanted, self._batch())

    def _claim(self, complete_no: int) -> int:
        """Have what is read from now on before `complete_no` make minutes stale; which is counted next."""
        cursor = self._head.cursor
        found = cursor.execute("FROM minute_state").fetchall()
        if found and complete_no - found[0][2] > _HISTORY:
            found = []  # nobody kept them for so long that they are begun anew
        if found:
            since_no, effects_since_no, until_no, claimed_no, lag = found[0]
            if claimed_no >= complete_no and lag == _LAG:
                return int(until_no)
        # Whoever stores rows holds the lock: they are stored before this, or they see it.
        with self._store.transaction(cursor):
            if not found:
                self._end_recount()
                since_no, effects_since_no, until_no = self._begin(complete_no)
                claimed_no = complete_no
                for table in (*(stored for _, stored, _ in COUNTED), *_MARKS):
                    cursor.execute(f"DELETE FROM {table}")
            cursor.execute("DELETE FROM minute_state")
            row = [since_no, effects_since_no, until_no, max(claimed_no, complete_no), _LAG]
            cursor.execute("INSERT INTO minute_state VALUES (?, ?, ?, ?, ?)", row)
        return int(until_no)

    def _begin(self, complete_no: int) -> tuple[int, int, int]:
        """Of a log of which nothing is kept: where types and effects begin, what is next."""
        [(first_at,)] = self._head.cursor.execute(FIRST_EVENT, {"since": EPOCH}).fetchall()
        first = complete_no if first_at is None else min(number_of(first_at), complete_no)
        effects_since = complete_no - _EFFECTS_HISTORY
        if first >= effects_since:
            return 0, 0, first
        self._history_to = max(first, complete_no - _HISTORY)
        return effects_since, effects_since, effects_since

    def _look_back(self) -> bool:
        """Count the types of an hour more of what was there before; whether there was one."""
        if self._history_to is None:
            return False
        cursor = self._head.cursor
        [(since_no,)] = cursor.execute("SELECT since_no FROM minute_state").fetchall()
        earlier = max(since_no - _HOUR, self._history_to)
        if earlier >= since_no:
            self._history_to = None
            return False
        edges = {"since": start_of(earlier), "until": start_of(since_no)}
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE old_work AS {_WORK}", edges)
        cursor.execute("CREATE OR REPLACE TEMP TABLE old_counts AS FROM minute_counts LIMIT 0")
        cursor.execute(COUNT_TYPES.format(table="old_counts"), edges)
        with self._store.transaction(cursor):
            cursor.execute("INSERT INTO minute_work FROM old_work")
            cursor.execute("INSERT INTO minute_counts FROM old_counts")
            cursor.execute("UPDATE minute_state SET since_no = ?", [earlier])
        return True

    def _batch(self) -> int:
        [(batch,)] = self._head.cursor.execute("SELECT coalesce(max(batch_id), 0) FROM batches").fetchall()
        return int(batch)


def _ends_in(seconds: float, is_over: Callable[[], bool]) -> Callable[[], bool]:
    ends = time.monotonic() + seconds
    return lambda: is_over() or time.monotonic() >= ends


def _unmark(cursor: duckdb.DuckDBPyConnection, first: int, last: int, batch: int) -> None:
    """Minutes from `first` on, before `last`, are as of this batch."""
    cursor.execute(
        "DELETE FROM stale_minutes WHERE minute_no >= ? AND minute_no < ? AND batch_id <= ?",
        [first, last, batch],
    )
