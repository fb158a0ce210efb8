"""Golden cases: a directory with the rows of stored tables, a call, and the rows it must give.

`tests/queries/<relation>/<case>/` holds

- `case.toml`: `about`, a sentence that says what must hold and where that is defined; `arguments`,
  a table of what the relation is called with; `input`, the place of another case whose rows are
  meant, below this directory; `error`, a part of the message when the call must fail;
- `<table>.csv`: rows of a stored table. Only the columns that matter are there; NOT NULL columns
  that are not get the values of `DEFAULTS`: records stand 100 bytes apart in one file;
- `expected.csv`: the rows in their order, of all columns or of those that the case is about.

In CSV an empty cell is NULL and "" the empty text. Everything else is what DuckDB reads and writes
as text, instants in UTC.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv

from stormwatch.catalog import Catalog, Query

HERE = Path(__file__).parent
_PLACE = {"file_id": "1", "byte_offset": "row_no * 100", "byte_length": "100"}
DEFAULTS = {
    "observations": _PLACE | {"format": "'json'", "ingested_at": "TIMESTAMP '2026-11-20 23:00'"},
    "causes": _PLACE | {"kind": "'causation'"},
    "locks": _PLACE | {"operation": "'deadlock'"},
    "rejects": _PLACE,
    "files": {"file_id": "row_no + 1", "state": "'live'"},
    "pruned_files": {"file_id": "row_no + 1"},
    "field_roles": {"confidence": "1", "evidence": "'{}'"},
    "field_uses": {"format": "'json'", "source": "'name'", "mapping": "'[{}, {}]'"},
    "file_scopes": {"file_id": "row_no + 1"},
    "batches": {"batch_id": "row_no + 1"},
    "alert_episodes": {
        "episode_id": "row_no + 1",
        "members": "[]::VARCHAR[]",
        "recent": "[]::DOUBLE[]",
        "details": "'{}'",
        "evidence": "'{}'",
        "clock": "'log'",
        "fired_count": "1",
    },
    "annotations": {"note_id": "row_no + 1", "author": "'kim'"},
    "alert_silences": {"silence_id": "row_no + 1", "key_pattern": "'*'", "owner": "'kim'"},
}
"""Table -> NOT NULL column -> SQL; `row_no` counts from 0. All others are nought or empty."""
_EMPTY = {"VARCHAR": "''", "BLOB": "''::BLOB", "BOOLEAN": "FALSE", "TIMESTAMP": "TIMESTAMP '2026-11-20'"}


@dataclass(frozen=True)
class Case:
    """A directory of a case."""

    path: Path

    def __str__(self) -> str:
        return f"{self.relation}/{self.path.name}"

    @property
    def relation(self) -> str:
        """The relation that is asked."""
        return self.path.parent.name

    @cached_property
    def _settings(self) -> dict[str, Any]:
        settings = tomllib.loads((self.path / "case.toml").read_text(encoding="utf-8"))
        unknown = settings.keys() - {"about", "arguments", "input", "error"}
        assert not unknown, f"{self}: case.toml has unknown keys {unknown}"
        return settings

    @property
    def about(self) -> str:
        """What must hold."""
        return str(self._settings["about"])

    @property
    def arguments(self) -> dict[str, object]:
        """What the relation is called with."""
        return dict(self._settings.get("arguments", {}))

    @property
    def error(self) -> str | None:
        """A part of the message of the error; None when rows are expected."""
        return self._settings.get("error")

    def insert(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Store the rows of the case."""
        source = HERE / self._settings.get("input", self.path)
        tables = {path.stem for path in source.glob("*.csv")} - {"expected"}
        assert tables <= DEFAULTS.keys(), f"{self}: no such tables: {tables - DEFAULTS.keys()}"
        for table in tables:
            insert(connection, table, read_csv(source / f"{table}.csv"))

    @cached_property
    def expected(self) -> pa.Table:
        """The rows that must come, as text."""
        return read_csv(self.path / "expected.csv")

    def answer(self, connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> pa.Table:
        """What comes: the columns of `expected`, as text."""
        text, values = catalog.call(self.relation, self.arguments)
        columns = ", ".join(f"{name}::VARCHAR AS {name}" for name in self.expected.column_names)
        return connection.sql(f"SELECT {columns} {text}", params=values).to_arrow_table()


def read_csv(path: Path) -> pa.Table:
    """A table of text columns; an empty cell is NULL, "" the empty text."""
    with path.open(encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split(",")
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return pyarrow.csv.read_csv(path, parse_options=parse, convert_options=convert)


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Store rows of a table, of any of its columns."""
    needed = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? AND NOT is_nullable",
        [table],
    ).fetchall()
    defaults = [
        f"{DEFAULTS[table].get(column, _EMPTY.get(type_name, '0'))} AS {column}"
        for column, type_name in needed
        if column not in rows.column_names
    ]
    connection.register("given", rows.append_column("row_no", pa.array(range(rows.num_rows), pa.int64())))
    connection.execute(
        f"INSERT INTO {table} BY NAME SELECT {', '.join([*rows.column_names, *defaults])} FROM given"
    )
    connection.unregister("given")


def cases() -> Iterator[Case]:
    """All cases, by relation and name."""
    for path in sorted(HERE.glob("*/*/case.toml")):
        yield Case(path.parent)


def is_complete(case: Case, query: Query) -> bool:
    """Whether a case shows rows of all columns of its relation, in their order."""
    names = [column.name for column in query.columns]
    return case.error is None and case.expected.column_names == names and case.expected.num_rows > 0
