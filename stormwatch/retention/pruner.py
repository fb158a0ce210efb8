"""Deletes, slice by slice, what happened before an instant: docs/adr/0008.

The oldest goes first, in slices of whole minutes (of seconds, where a minute is too much), each in a
transaction of its own: always, and after a kill, all before some instant is gone and all after it is there.
Where each file is read to stays.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb

from stormwatch.alerts.ledger import wall_now
from stormwatch.minutes.blocks import MINUTES
from stormwatch.minutes.replay import EPOCH, number_of, start_of
from stormwatch.retention.statements import (
    ACCOUNT,
    COUNT,
    COVER,
    DELETE,
    FOLD,
    FREE,
    GATHER,
    NEWEST,
    NOTE,
    OLDEST,
    SLICES,
    TABLES,
    UNCOUNT,
)
from stormwatch.storage import Store

ROWS: Final = 2 * 122_880
"""Of a slice, about: as many as of a batch."""
_NEAR: Final = timedelta(seconds=10)
"""Within so much time the oldest event that is left is looked for first."""
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


@dataclass
class Pruned:
    """What went."""

    before: datetime
    """Of this instant on everything is kept."""
    rows: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(TABLES, 0)))
    """By table."""
    seconds: float = 0.0
    """Without rests."""
    longest_s: float = 0.0
    """The longest time in which nobody else could write."""


@dataclass(frozen=True)
class Size:
    """How large a database is."""

    file_bytes: int
    """On the disk, what is not in the file itself yet included."""
    free_bytes: int
    """Of these, free for new rows: a file does not become smaller by what is deleted."""


class Pruner:
    """Prunes a database that this process owns; may be asked from any thread."""

    def __init__(self, store: Store, rows: int = ROWS):
        self._store = store
        self._rows = rows
        self._one = threading.Lock()

    def cut_of(self, age: timedelta) -> datetime | None:
        """The instant that lies `age` before the newest event; None without events.

        The log is its own clock: one that has ended is not deleted, and a clock here that is wrong
        deletes nothing. An event that claims to be later than it was read does not count.
        """
        with self._store.cursor() as cursor:
            [(newest,)] = cursor.execute(NEWEST).fetchall()
        # Blocks are counted as a whole: a retention that cut them would have them read again.
        return None if newest is None else start_of(number_of(newest - age) // MINUTES * MINUTES)

    def count(self, before: datetime) -> Pruned:
        """What `prune` would delete; changes nothing."""
        found = Pruned(whole_minute(before))
        with self._store.cursor() as cursor:
            for table, statement in COUNT:
                [(rows,)] = cursor.execute(statement, {"before": found.before}).fetchall()
                found.rows[table] += rows
        return found

    def prune(
        self, before: datetime, reason: str, rest: float = 1.0, stopped: threading.Event | None = None
    ) -> Pruned:
        """Delete what happened before the minute that `before` lies in.

        After each slice it rests `rest` times as long as that took, so that others can write. What is
        not done when it is `stopped` is left for the next time.

        Raises:
            duckdb.Error: the database cannot be written; the slices before are done.
        """
        done, stopped = Pruned(whole_minute(before)), stopped or threading.Event()
        with self._one, self._store.cursor() as cursor:
            started, rested = time.monotonic(), 0.0
            for until in self._slices(cursor, done.before):
                if stopped.is_set():
                    break
                begun = time.monotonic()
                done.rows.update(self._slice(cursor, until, reason))
                taken = time.monotonic() - begun
                done.longest_s = max(done.longest_s, taken)
                rested -= time.monotonic()
                stopped.wait(rest * taken)
                rested += time.monotonic()
            else:
                with self._store.transaction(cursor):
                    _run(cursor, FOLD, before=done.before)
            done.seconds = time.monotonic() - started - rested
        return done

    def size(self) -> Size:
        """How large the database is at this instant."""
        path = self._store.path
        with self._store.cursor() as cursor:
            [(free,)] = cursor.execute(FREE).fetchall()
        files = (path, path.with_name(path.name + ".wal"))
        return Size(sum(file.stat().st_size for file in files if file.exists()), free)

    def checkpoint(self) -> None:
        """Have the space of what was deleted be free for new rows at once, and not some time."""
        # Whoever reads keeps it from that; it is done the next time enough was written.
        with suppress(duckdb.Error), self._store.commit_lock, self._store.cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def _slices(self, cursor: duckdb.DuckDBPyConnection, before: datetime) -> Iterator[datetime]:
        found = cursor.execute(SLICES, {"before": before, "rows": self._rows}).fetchall()
        yield from (min(EPOCH + int(number) * _SECOND, before) for (number,) in found[:-1])
        if found:
            yield before

    def _slice(self, cursor: duckdb.DuckDBPyConnection, before: datetime, reason: str) -> Counter[str]:
        rows: Counter[str] = Counter()
        begun = time.monotonic()
        with self._store.counting_lock, self._counted(), self._store.transaction(cursor):
            _run(cursor, GATHER, before=before)
            for table, statement in DELETE:
                [(count,)] = cursor.execute(statement, {"before": before}).fetchall()
                rows[table] += count
            oldest, credible = _oldest(cursor, before)
            _run(cursor, COVER, oldest=oldest, credible=credible)
            _run(cursor, (*ACCOUNT, *UNCOUNT), **_first_whole(before))
            _run(
                cursor, NOTE, reason=reason, before=before, now=wall_now(),
                events=rows["observations"], rejects=rows["rejects"],
                duration_ms=(time.monotonic() - begun) * 1000,
            )  # fmt: skip
        return rows

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Nobody else writes; the next who does knows the last batch, after a failed commit as well."""
        with self._store.commit_lock:
            try:
                yield
            finally:
                self._store.read_last_batch()


def whole_minute(instant: datetime) -> datetime:
    """Where the minute of an instant begins."""
    return start_of(number_of(instant))


def _first_whole(before: datetime) -> dict[str, int | bool]:
    """The first minute and block of which nothing is older, and whether nothing is left before it."""
    minute = number_of(before + _MINUTE - _SECOND)
    block = -(-minute // MINUTES)
    return {
        "minute_no": minute, "is_whole": start_of(minute) == before,
        "block_no": block, "fits_block": start_of(block * MINUTES) == before,
    }  # fmt: skip


def _oldest(cursor: duckdb.DuckDBPyConnection, before: datetime) -> tuple[datetime | None, datetime | None]:
    """The oldest event that is left of the day, and the oldest that can be believed."""
    given: Mapping[str, Any] = {"before": before, "until": before + _NEAR}
    [(oldest, credible)] = cursor.execute(OLDEST, given).fetchall()
    if credible is None:
        day_end = before.replace(hour=0, minute=0, second=0) + _DAY
        [(oldest, credible)] = cursor.execute(OLDEST, {**given, "until": day_end}).fetchall()
    return oldest, credible


def _run(cursor: duckdb.DuckDBPyConnection, statements: tuple[str, ...], **given: object) -> None:
    """Execute statements, each with those of the values that it names."""
    for statement in statements:
        used = {name: value for name, value in given.items() if f"${name}" in statement}
        cursor.execute(statement, used)
