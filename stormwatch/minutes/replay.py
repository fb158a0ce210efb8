"""Goes through the minutes of a log in order, and counts (statements.py says what)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb

from stormwatch.minutes.statements import (
    BEGIN,
    COUNT,
    COUNT_TYPES,
    COUNTED,
    FORGET,
    OBSERVE,
    OLDEST,
    REMEMBER,
)
from stormwatch.storage import Store

_MINUTE: Final = timedelta(minutes=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
SPAN: Final = 15
"""Minutes after its cause in which an effect counts: the default span of loop_gain."""
_EARLY: Final = 5
"""Minutes that an effect may be logged before its cause, by clocks that are apart."""
KNOWN: Final = 120
"""An event is known for so many minutes after it was last observed ..."""
KNOWN_ROWS: Final = 6_000_000
"""... or for as many minutes as hold no more than so many; so are flows, turns and messages: some 500 MB
in all where there are very many of them."""
WARM: Final = 2 * SPAN
"""So many minutes at least are gone through before the first one that is counted."""
_WARM_EVENTS: Final = 3 * KNOWN_ROWS
_AGING: Final = ("recent", "waiting", "causings", "handled_pairs", "flows", "turns", "copies")
"""Temp tables of which rows are forgotten when they are old; after silence this has not been done."""
_LONGEST_GAP: Final = 64
"""Minutes without an event that are gone through one by one; more are skipped."""

_NEWEST: Final = "SELECT max(last_no) FROM recent"
FIRST_EVENT: Final = "SELECT min(occurred_at) FROM events WHERE occurred_at >= $since"
EVENTS_BY_MINUTE: Final = """
SELECT minute_no, sum(event_count)::BIGINT FROM minute_counts
WHERE minute_no >= $first AND minute_no < $last GROUP BY minute_no ORDER BY minute_no DESC
"""


def number_of(instant: datetime) -> int:
    """Number since 1970 of the minute that an instant lies in."""
    return (instant - EPOCH) // _MINUTE


def start_of(number: int) -> datetime:
    """First instant of a minute."""
    return EPOCH + number * _MINUTE


class Replay:
    """Goes through the minutes of a log in order; what it remembers of them is in temp tables of its own."""

    def __init__(self, store: Store):
        self._cursor = store.cursor()
        self._position: int | None = None
        self._newest = 0
        """The last minute that had an event."""

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """For the transaction in which `store` is called."""
        return self._cursor

    def close(self) -> None:
        """Forget everything."""
        self._cursor.close()

    def count(self, first: int, last: int, is_over: Callable[[], bool]) -> int:
        """Count minutes from `first` on, before `last`, until it `is_over`; the first one not counted.

        The rows are in temp tables until `store` takes them.
        """
        if self._position != first:
            self._warm(first)
        self._position = None  # until all went well
        number = first
        while number < last:
            number = self._skip(number, last)
            if number < last:
                self._step(number)
                number += 1
            if is_over():
                break
        self._position = number
        return number

    def store(self, first: int, last: int) -> None:
        """Put what was counted in place of what is stored of these minutes; belongs into a transaction."""
        for new, table, minute in COUNTED:
            self._cursor.execute(f"DELETE FROM {table} WHERE {minute} >= ? AND {minute} < ?", [first, last])
            self._cursor.execute(f"INSERT INTO {table} FROM {new}")

    def stored(self) -> None:
        """What was counted is stored."""
        for new, _, _ in COUNTED:
            self._cursor.execute(f"TRUNCATE {new}")

    def _ask(self, statement: str, **given: object) -> list[tuple[int, ...]]:
        """Execute a statement with those of the parameters that it names."""
        used = {name: value for name, value in given.items() if f"${name}" in statement}
        return self._cursor.execute(statement, used).fetchall()

    def _warm(self, first: int) -> None:
        """Forget everything, and look at what comes before `first`."""
        self._position = None
        since = self._warm_from(first)
        for statement in BEGIN:
            self._ask(
                statement, number=first, span=SPAN, early=_EARLY, since=start_of(since), until=start_of(first)
            )
        [(newest,)] = self._ask(_NEWEST)
        self._newest = newest or 0

    def _warm_from(self, first: int) -> int:
        """As far back as there is something to remember, bounded by how much that is."""
        begin, held = first - WARM, 0
        for number, count in self._ask(EVENTS_BY_MINUTE, first=first - KNOWN, last=first):
            held += count
            if held > _WARM_EVENTS:
                break
            begin = min(begin, number)
        return begin

    def _skip(self, number: int, last: int) -> int:
        """The next minute that has an event, where a long time has none; `last` if none before it has."""
        if number - self._newest <= _LONGEST_GAP:
            return number
        [(at,)] = self._cursor.execute(FIRST_EVENT, {"since": start_of(number)}).fetchall()
        return last if at is None else min(max(number_of(at), number), last)

    def _step(self, number: int) -> None:
        """Count one minute, and remember it."""
        edges = {"since": start_of(number), "until": start_of(number + 1)}
        [(types,)] = self._ask(COUNT_TYPES.format(table="new_counts"), **edges)
        if not types:
            return
        if number - self._newest > 1:
            for table in _AGING:
                self._ask(FORGET.format(table=table), number=number, known=KNOWN)
        self._newest = number
        self._ask(OBSERVE, **edges)
        for statement in COUNT:
            self._ask(statement, number=number, span=SPAN, **edges)
        for table, statement in REMEMBER.items():
            oldest = self._oldest(table, number) if "$oldest" in statement else 0
            self._ask(statement, number=number, span=SPAN, early=_EARLY, oldest=oldest, **edges)

    def _oldest(self, table: str, number: int) -> int:
        """First minute of which rows of a temp table are remembered after this one."""
        given = {"number": number, "known": KNOWN, "rows": KNOWN_ROWS}
        [(oldest,)] = self._ask(OLDEST.format(table=table), **given)
        return oldest
