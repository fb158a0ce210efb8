"""Ad hoc SQL against a database that someone else may be writing: it can read, and nothing else.

Four walls, each needed. The statement must be a single SELECT or EXPLAIN, which keeps settings,
ATTACH, COPY and temporary objects out. It may call only those of DuckDB's table functions that read
the database: others write a checkpoint, register resources or run text as SQL. It runs in a READ ONLY
transaction, because a DELETE inside a WITH clause or under EXPLAIN ANALYZE counts as a SELECT or
EXPLAIN. And the connection has external access off and its configuration locked
(`stormwatch.storage`), so no function reads a file.
Not covered: one expression that takes all memory, such as repeat('x', 4e9); `interrupt` is only
looked at between chunks of rows. Give strangers SQL only in a process of its own.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from stormwatch.catalog import Query, failure
from stormwatch.errors import QueryError, QueryTimeout

_ALLOWED = {"SELECT", "EXPLAIN"}
_HARMLESS = re.compile(
    r"range|generate_series|unnest|repeat|repeat_row|json_each|json_tree|query_table|summary"
    r"|icu_calendar_names|pg_timezone_names|test_all_types|(duckdb|pragma)_\w+"
)
"""Those of DuckDB's table functions that read nothing else, and change nothing."""
_SPACES = "".join(map(chr, [*range(0x21), 0x7F, 0xA0, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029,
                            0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF]))  # fmt: skip
"""All that DuckDB's parser takes for a space, and some more."""
_known: list[frozenset[str]] = []
_BATCH_ROWS = 2048
_FOREIGN = {"uhugeint", "bignum", "bit", "time with time zone", "variant"}
_NESTED = {"struct", "list", "array", "map", "union"}
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

    def stamped(self) -> pa.Table:
        """The table, and in the metadata of its schema how fresh it is; see `stormwatch.connect`."""
        stamp = {
            "stormwatch.data_version": str(self.data_version),
            "stormwatch.complete_to": "" if self.complete_to is None else self.complete_to.isoformat() + "Z",
            "stormwatch.is_truncated": str(self.is_truncated).lower(),
        }
        return self.table.replace_schema_metadata({**(self.table.schema.metadata or {}), **stamp})


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
    _check_calls(sql, _table_functions(connection))
    started = time.perf_counter()
    with connection.cursor() as cursor:
        try:
            with limited(cursor, timeout_s, stopper or Stopper()):
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                table = _read(cursor, sql, params, row_limit + 1)
                version, complete_to = data_version(cursor)
        finally:
            with suppress(duckdb.Error):
                cursor.execute("ROLLBACK")
    return Answer(
        table=table.slice(0, row_limit),
        is_truncated=table.num_rows > row_limit,
        elapsed_ms=(time.perf_counter() - started) * 1000,
        data_version=version,
        complete_to=complete_to,
    )


@contextmanager
def limited(cursor: duckdb.DuckDBPyConnection, timeout_s: float, stopper: Stopper) -> Iterator[None]:
    """Ask something through the cursor that ends in time, when it is stopped, or with the process.

    Raises:
        QueryError: DuckDB refused or failed, or `stopper` was used.
        QueryTimeout: it ran longer than `timeout_s`, reading the rows included.
    """
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
        yield
    except (duckdb.Error, OSError, pa.ArrowException, QueryError) as error:
        # A stream that is interrupted while it is read fails with OSError.
        if expired.is_set():
            raise QueryTimeout(
                f"the query was stopped after {timeout_s:g} s; "
                "ask for a shorter window (since, until) or fewer rows"
            ) from error
        if stopper.is_used:
            raise QueryError(_STOPPED) from error
        if isinstance(error, QueryError):
            raise
        raise failure(error, _HELP) from error
    finally:
        timer.cancel()
        timer.join()  # a late interrupt must not hit the cursor while it is closed
        stopper.watch(None)
        with _guard:
            _running.discard(cursor)


def check_arguments(
    connection: duckdb.DuckDBPyConnection, query: Query, arguments: Mapping[str, object]
) -> None:
    """Cast the texts that a relation is asked with: DuckDB does not where there are no rows to compare.

    Raises:
        QueryError: one is nothing of the type of its parameter.
    """
    given = {one.name: one for one in query.parameters if one.name in arguments}
    casts = {name: one.cast(arguments[name]) for name, one in given.items()}
    needed = {name: arguments[name] for name, cast in casts.items() if cast}
    if needed:
        run_readonly(connection, "SELECT " + ", ".join(f"${name}{casts[name]}" for name in needed), needed)


def interrupt_all() -> None:
    """Stop every query that runs now, each with a QueryError: the process wants to end."""
    with _guard:
        for cursor in _running:
            cursor.interrupt()


def _check(sql: str) -> None:
    try:
        sql.encode()  # half of a pair of surrogates is no text for DuckDB
        statements = duckdb.extract_statements(sql)
    except (duckdb.Error, UnicodeEncodeError) as error:
        raise failure(error, _HELP) from error
    if len(statements) != 1:
        raise QueryError(f"expected one statement, got {len(statements)}; send one SELECT at a time")
    try:
        kind = statements[0].type.name
    except ValueError:
        kind = "Such"  # a statement type that the Python client has no name for
    if kind not in _ALLOWED:
        raise QueryError(f"{kind} statements are refused, only reading is allowed; send a SELECT")


def _table_functions(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """DuckDB's own, which are the same in every database of a process."""
    if not _known:
        with connection.cursor() as cursor:
            found = cursor.execute(
                "SELECT function_name FROM duckdb_functions() WHERE function_type = 'table' AND internal"
            ).fetchall()
        _known.append(frozenset(name for (name,) in found))
    return _known[0]


def _check_calls(sql: str, table_functions: frozenset[str]) -> None:
    called = ""
    for word in _words(sql):
        if word == "(" and called in table_functions and not _HARMLESS.fullmatch(called):
            raise QueryError(f"{called}() is refused, it does more than read the database; {_HELP}")
        called = word


def _words(sql: str) -> Iterator[str]:
    """Names in lower case and without quotes, and `(`; nothing for all else but spaces and comments."""
    text, tokens = sql.encode(), duckdb.tokenize(sql)
    for place, (offset, kind) in enumerate(tokens):
        end = tokens[place + 1][0] if place + 1 < len(tokens) else len(text)
        word = text[offset:end].decode().strip(_SPACES)
        if not word or kind == duckdb.token_type.comment:
            continue
        if word.startswith("("):
            yield "("
        elif kind in {duckdb.token_type.identifier, duckdb.token_type.keyword}:
            yield word.removeprefix('"').removesuffix('"').replace('""', '"').lower()
        else:
            yield ""


def _read(
    cursor: duckdb.DuckDBPyConnection,
    sql: str,
    params: Mapping[str, object] | Sequence[object] | None,
    row_limit: int,
) -> pa.Table:
    """The first rows of a statement; more are neither fetched nor kept."""
    relation = _in_arrow(cursor.sql(sql, params=params))
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


def _in_arrow(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The relation with texts in place of what Arrow would carry as other values or as raw bytes."""
    if not any(_is_foreign(kind) for kind in relation.types):
        return relation
    columns = []
    for number, (name, kind) in enumerate(zip(relation.columns, relation.types, strict=True), 1):
        quoted = name.replace('"', '""')
        columns.append(f'CAST(#{number} AS VARCHAR) AS "{quoted}"' if _is_foreign(kind) else f"#{number}")
    return relation.project(", ".join(columns))


def _is_foreign(kind: duckdb.sqltypes.DuckDBPyType) -> bool:
    if kind.id in _NESTED:
        inner = [part for _, part in kind.children if isinstance(part, duckdb.sqltypes.DuckDBPyType)]
        return any(map(_is_foreign, inner))
    return kind.id in _FOREIGN


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
