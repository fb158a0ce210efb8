"""Ad hoc SQL against a database that someone else may be writing: it can read, and nothing else.

Three walls, each needed. The statement must be a single SELECT or EXPLAIN, which keeps settings,
ATTACH, COPY and temporary objects out. It runs in a READ ONLY transaction, because a DELETE inside
a WITH clause or under EXPLAIN ANALYZE counts as a SELECT or EXPLAIN. And the connection has
external access off and its configuration locked (`stormwatch.storage`), so no function reads a file.
Not covered: one expression that takes all memory, such as repeat('x', 4e9); `interrupt` is only
looked at between chunks of rows. Give strangers SQL only in a process of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from stormwatch.catalog import failure
from stormwatch.errors import QueryError, QueryTimeout

_ALLOWED = {"SELECT", "EXPLAIN"}
_BATCH_ROWS = 2048
_running: set[duckdb.DuckDBPyConnection] = set()
_guard = threading.Lock()
_STOPPED = "the query was stopped before it had an answer"
_HELP = "`stormwatch queries` for the relations and tables there are"


class Stopper:
    """Stops a query from another thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self.is_used = False

    def stop(self) -> None:
        """Have the query fail as soon as possible, or as soon as it begins."""
        with self._guard:
            self.is_used = True
            if self._cursor is not None:
                self._cursor.interrupt()

    def watch(self, cursor: duckdb.DuckDBPyConnection | None) -> None:
        """From now on this is what runs; None before it is closed.

        Raises:
            QueryError: it shall not even begin.
        """
        with self._guard:
            self._cursor = cursor
            if self.is_used and cursor is not None:
                raise QueryError(_STOPPED)


@dataclass(frozen=True)
class Answer:
    """The rows of a query and the version of the data they were read from."""

    table: pa.Table
    """Column names are unique: a repeated name gets a number, `id` and `id_2`."""
    is_truncated: bool
    """There were more rows than the limit."""
    elapsed_ms: float
    data_version: int
    """Number of the last batch that the answer includes; 0 before the first."""
    complete_to: datetime | None
    """Newest instant (UTC) of any event in that data; None when no event has a time."""


def run_readonly(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    params: Mapping[str, object] | Sequence[object] | None = None,
    *,
    row_limit: int = 10_000,
    timeout_s: float = 30.0,
    stopper: Stopper | None = None,
) -> Answer:
    """Run one statement that only reads, on a cursor of its own.

    At most `row_limit` rows are taken; the rest is never computed where the plan allows it.

    Raises:
        QueryError: not exactly one SELECT or EXPLAIN, DuckDB refused or failed, or `stopper` was used.
        QueryTimeout: it ran longer than `timeout_s`, reading the rows included.
    """
    _check(sql)
    stopper = stopper or Stopper()
    started = time.perf_counter()
    cursor = connection.cursor()
    expired = threading.Event()

    def stop() -> None:
        expired.set()
        cursor.interrupt()

    timer = threading.Timer(timeout_s, stop)
    timer.daemon = True
    timer.start()
    with _guard:
        _running.add(cursor)
    try:
        stopper.watch(cursor)
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        table = _read(cursor, sql, params, row_limit + 1)
        version, complete_to = data_version(cursor)
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        # A stream that is interrupted while it is read fails with OSError.
        if expired.is_set():
            raise QueryTimeout(
                f"the query was stopped after {timeout_s:g} s; "
                "ask for a shorter window (since, until) or fewer rows"
            ) from error
        if stopper.is_used:
            raise QueryError(_STOPPED) from error
        raise failure(error, _HELP) from error
    finally:
        timer.cancel()
        timer.join()  # a late interrupt must not hit the cursor while it is closed
        stopper.watch(None)
        with _guard:
            _running.discard(cursor)
        with suppress(duckdb.Error):
            cursor.execute("ROLLBACK")
        cursor.close()
    return Answer(
        table=table.slice(0, row_limit),
        is_truncated=table.num_rows > row_limit,
        elapsed_ms=(time.perf_counter() - started) * 1000,
        data_version=version,
        complete_to=complete_to,
    )


def interrupt_all() -> None:
    """Stop every query that runs now, each with a QueryError: the process wants to end."""
    with _guard:
        for cursor in _running:
            cursor.interrupt()


def _check(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise failure(error, _HELP) from error
    if len(statements) != 1:
        raise QueryError(f"expected one statement, got {len(statements)}; send one SELECT at a time")
    try:
        kind = statements[0].type.name
    except ValueError:
        kind = "this"  # a statement type that the Python client has no name for
    if kind not in _ALLOWED:
        raise QueryError(f"{kind} statements are refused, only reading is allowed; send a SELECT")


def _read(
    cursor: duckdb.DuckDBPyConnection,
    sql: str,
    params: Mapping[str, object] | Sequence[object] | None,
    row_limit: int,
) -> pa.Table:
    """The first rows of a statement; more are neither fetched nor kept."""
    relation = cursor.sql(sql, params=params)
    reader = relation.to_arrow_reader(min(row_limit, _BATCH_ROWS))
    try:
        schema, batches, missing = reader.schema, [], row_limit
        while missing > 0:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                break
            batches.append(batch.slice(0, missing))
            missing -= batches[-1].num_rows
    finally:
        # An open stream would keep the cursor busy.
        reader.close()
    table = pa.Table.from_batches(batches, schema)
    return table.rename_columns(_unique(table.column_names))


def _unique(names: Sequence[str]) -> list[str]:
    result: list[str] = []
    for name in names:
        unique, number = name, 1
        while unique in result or (number > 1 and unique in names):
            number += 1
            unique = f"{name}_{number}"
        result.append(unique)
    return result


def data_version(cursor: duckdb.DuckDBPyConnection) -> tuple[int, datetime | None]:
    """Number of the last committed batch, and the newest instant (UTC) of any event in the data."""
    found = cursor.execute(
        "SELECT coalesce(max(batch_id), 0), max(newest_occurred_at) FROM batches"
    ).fetchone()
    assert found is not None  # noqa: S101 - an aggregate without GROUP BY has one row
    return int(found[0]), found[1]
