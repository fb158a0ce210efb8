"""What many relations of one window stand on, worked out once for all of them.

Every relation about order begins by numbering and sorting all arrivals of its window, which is most of
what it costs. Pages ask many such relations of the same window and version, so what these begin with is
kept beside them, and a connection is told to read it there: a temporary macro goes before the one of the
catalogue. The relations do not know.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import duckdb
import pyarrow as pa

from stormwatch.catalog import Catalog, failure

_WORKED_OUT: Final = ("_numbered_arrivals", "_arrivals_behind")
"""Internal relations of (since, until), each after what it reads."""
_EVENTS: Final = range(20_000, 1_000_001)
"""In a window: fewer are soon read again, of more too much would be kept; some 50 bytes each."""
_WINDOWS: Final = 2
_AS_IT_IS: Final = frozenset({"explain_difference", "gaps"})
"""These, and what stands on them, are asked as they are: the first begins so for some of its arguments only;
what is missing must be judged by the same records as what came, and more may have come since."""
_WAIT_S: Final = 10.0
"""So long is waited for another one that works out the same."""
_OTHER: Final = "other arguments than those it was worked out for"
_COUNT: Final = "SELECT count(*) FROM events WHERE occurred_at >= $since AND occurred_at < $until"
_KNOWN: Final = """
CREATE OR REPLACE TEMP MACRO {name}(since, until) AS TABLE
SELECT known.*
FROM known{name} AS known
WHERE
    CASE
        WHEN since::TIMESTAMP = '{since}'::TIMESTAMP AND until::TIMESTAMP = '{until}'::TIMESTAMP THEN TRUE
        ELSE error('{other}')
    END
"""
"""DuckDB looks for a macro in the temporary schema first, in macros of the catalogue too."""


Key = tuple[str, int, datetime, datetime]
"""Database, version, first instant looked back to, first instant excluded."""


@dataclass
class _Ground:
    lock: threading.Lock = field(default_factory=threading.Lock)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    """Rows of each relation that was worked out."""
    is_kept: bool | None = None
    """Whether it is worth keeping; None while nobody knows."""


class Groundwork:
    """Asks relations, and works out once what they begin with; for many threads."""

    def __init__(self, events: range = _EVENTS) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._grounds: OrderedDict[Key, _Ground] = OrderedDict()

    def ask(
        self,
        catalog: Catalog,
        cursor: duckdb.DuckDBPyConnection,
        name: str,
        arguments: Mapping[str, object],
        at: tuple[str, int],
    ) -> pa.Table:
        """All rows of a relation. `at` are the database and the version of its data.

        Raises:
            QueryError: as `Catalog.run`.
        """
        stands_on = catalog.stands_on(name) | {name}
        needed = [one for one in _WORKED_OUT if one in stands_on]
        since, until, lookback = (arguments.get(key) for key in ("since", "until", "lookback"))
        if (
            not needed
            or stands_on & _AS_IT_IS
            or not (isinstance(since, datetime) and isinstance(until, datetime))
            or not isinstance(lookback, timedelta)
            or since - datetime.min.replace(tzinfo=since.tzinfo) <= lookback
        ):
            return catalog.run(cursor, name, **arguments)
        with self._known(catalog, cursor, (*at, since - lookback, until), needed):
            return catalog.run(cursor, name, **arguments)

    @contextmanager
    def _known(
        self, catalog: Catalog, cursor: duckdb.DuckDBPyConnection, key: Key, needed: Sequence[str]
    ) -> Iterator[None]:
        """Have the connection read what is worked out, meanwhile."""
        told: list[str] = []
        try:
            for name in needed:
                # Each is asked for with those before it in place.
                rows = self._rows(catalog, cursor, key, name)
                if rows is None:
                    break
                told.append(name)
                cursor.register(f"known{name}", rows)
                edges = {"since": key[2].isoformat(), "until": key[3].isoformat()}
                cursor.execute(_KNOWN.format(name=name, other=_OTHER, **edges))
            yield
        except duckdb.Error as error:
            raise failure(error, "docs/limitations.md") from error
        finally:
            # A connection that was interrupted, or lost its database, forgets with its end.
            with suppress(duckdb.Error):
                for name in told:
                    cursor.execute(f"DROP MACRO TABLE IF EXISTS temp.{name}")
                    cursor.unregister(f"known{name}")

    def _rows(
        self, catalog: Catalog, cursor: duckdb.DuckDBPyConnection, key: Key, name: str
    ) -> pa.Table | None:
        """Rows of a relation, worked out by whoever is first; None of a window with too many or none."""
        with self._lock:
            ground = self._grounds.setdefault(key, _Ground())
            self._grounds.move_to_end(key)
            while len(self._grounds) > _WINDOWS:
                self._grounds.popitem(last=False)
        edges = {"since": key[2], "until": key[3]}
        if not ground.lock.acquire(timeout=_WAIT_S):
            return None  # who waits for long asks as if nobody did
        try:
            if ground.is_kept is None:
                [(count,)] = cursor.execute(_COUNT, edges).fetchall()
                ground.is_kept = count in self._events
            if not ground.is_kept:
                return None
            if name not in ground.tables:
                ground.tables[name] = catalog.run(cursor, name, **edges)
            # Rows that are not there cannot say that they were asked for with other arguments.
            return ground.tables[name] if ground.tables[name].num_rows else None
        finally:
            ground.lock.release()
