"""Notes which field filled which role of which logs, as their records are read; for people to see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import duckdb
import pyarrow as pa

from ingest.mapping import Fields, Inferred
from ingest.plan import Use
from ingest.roles.samples import scope_of

_COLUMNS: Final = ("scope", "format", "role", "field", "source", "mapping")
_MOST_MET: Final = 100_000
"""Shapes of logs: where keys differ in every record there is no end to them."""
_Row = tuple[str, ...]


class FieldUses:
    """What is noted already; writes in the transaction at hand, and is made anew when that fails."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection):
        self._cursor = cursor
        known = cursor.execute(f"SELECT {', '.join(_COLUMNS)} FROM field_uses").fetchall()
        self._known: set[_Row] = set(known)
        files = cursor.execute("SELECT file_id FROM file_scopes").fetchall()
        self._files = {file_id for (file_id,) in files}
        self._met: set[tuple[str, int]] = set()
        self._mappings: dict[str, set[str]] = {}

    def note(
        self,
        uses: Mapping[tuple[int, int], Use],
        paths: Mapping[int, str],
        mappings: Iterable[tuple[Fields, Inferred]],
    ) -> None:
        """Note how shapes of files are read, both by number; `mappings`: what the user and the values say."""
        said = list(mappings)
        if len(self._met) > _MOST_MET:
            self._met.clear()  # what is noted is known all the same
        rows: dict[_Row, None] = {}
        for (file_id, shape), use in uses.items():
            scope = scope_of(paths[file_id])
            if (scope, shape) not in self._met:
                self._met.add((scope, shape))
                rows.update(dict.fromkeys(_rows(scope, use, *said[use.mapping_no])))
        files = {file_id for file_id, _ in uses} - self._files
        if files:
            scopes = [(file_id, scope_of(paths[file_id])) for file_id in sorted(files)]
            self._insert("file_scopes", ("file_id", "scope"), scopes)
            self._files |= files
        for scope, mapping in sorted({(row[0], row[-1]) for row in rows}):
            self._begin(scope, mapping)
        if new := [row for row in rows if row not in self._known]:
            self._insert("field_uses", _COLUMNS, new)
            self._known.update(new)

    def forget(self, scopes: Iterable[str]) -> None:
        """Other fields turned out to mean something: what is read again tells anew."""
        for scope in scopes:
            self._met = {known for known in self._met if known[0] != scope}
            self._mappings.pop(scope, None)
            self._delete({row for row in self._known if row[0] == scope})

    def _begin(self, scope: str, mapping: str) -> None:
        """Leave out what was noted under a mapping that is no more."""
        met = self._mappings.setdefault(scope, set())
        if mapping not in met:
            met.add(mapping)
            self._delete({row for row in self._known if row[0] == scope and row[-1] not in met})

    def _delete(self, rows: set[_Row]) -> None:
        for scope, mapping in {(row[0], row[-1]) for row in rows}:
            self._cursor.execute("DELETE FROM field_uses WHERE scope = ? AND mapping = ?", [scope, mapping])
        self._known -= rows

    def _insert(self, table: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        self._cursor.register("new_uses", pa.table({name: list(column) for name, column in columns.items()}))
        self._cursor.execute(f"INSERT INTO {table} BY NAME FROM new_uses")
        self._cursor.unregister("new_uses")


def _rows(scope: str, use: Use, said: Fields, told: Inferred) -> Iterable[_Row]:
    mapping = json.dumps([_plain(fields) for fields in (said, *told.every())], sort_keys=True)
    for role, field in use.fields.items():
        yield scope, use.format, role, json.dumps(field), _source(use, role, said, told), mapping


def _source(use: Use, role: str, said: Fields, told: Inferred) -> str:
    field = use.fields[role]
    if said.get(role) == field:
        return "said"
    if any(fields.get(role) == field for fields in told.every()):
        return "values"
    return "format" if role in use.fixed else "name"


def _plain(fields: Fields) -> dict[str, list[str]]:
    return {role: list(path) for role, path in fields.items()}
