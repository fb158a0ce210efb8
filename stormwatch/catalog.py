"""The catalogue: every relation that `queries/*.sql` defines, read from the header of its file.

One file is one relation: a view, or a table macro when it takes parameters. The header says what
it answers, its parameters, its columns and what it reads; docs of the convention: queries/README.md.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Self

import duckdb
import pyarrow as pa

from stormwatch.errors import QueryError
from stormwatch.resources import QUERIES, SCHEMA
from stormwatch.storage import open_empty

_ITEM = re.compile(
    r"--   (?P<name>\w+) +(?P<type>[A-Z][A-Z_]*(?:\(\d+(?:,\d+)?\))?(?:\[\])?) +(?P<text>\S.*)"
)
_CONTINUED = re.compile(r"--     +(?P<text>\S.*)")
_CREATE = re.compile(r"^CREATE OR REPLACE (?P<kind>VIEW|MACRO) (?P<name>\w+)", re.MULTILINE)
_BODY = re.compile(r"\)\s+AS\s+TABLE\b")
_ERROR_LINES = 6
"""DuckDB's first lines hold the message, the line of the statement and a caret under the place."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a table macro."""

    name: str
    type: str
    text: str
    default: str | None
    """SQL of the default; None when the parameter must be given."""

    def cast(self, value: object) -> str:
        """What stands behind a text so that it becomes of the type: `::TIMESTAMP`; else nothing."""
        return f"::{self.type}" if isinstance(value, str) and self.type != "VARCHAR" else ""


@dataclass(frozen=True)
class Column:
    """A column of a relation or of a stored table."""

    name: str
    type: str
    text: str


@dataclass(frozen=True)
class Table:
    """A stored table, as its schema describes it."""

    name: str
    description: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Query:
    """A relation of the catalogue."""

    name: str
    question: str
    description: str
    """Grain, meaning of NULL and absence, sources of definitions; paragraphs keep their lines."""
    sql: str
    """The whole file: header and statement."""
    is_macro: bool
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    reads: tuple[str, ...]

    @property
    def is_internal(self) -> bool:
        """Whether it serves other relations only and may change without notice."""
        return self.name.startswith("_")

    @property
    def example(self) -> str:
        """A command that asks it; what must be given is in capitals."""
        needed = [one.name for one in self.parameters if one.default is None]
        return " ".join([f"stormwatch query {self.name}", *(f"-p {name}={name.upper()}" for name in needed)])


class Catalog(Mapping[str, Query]):
    """All relations by name, in an order in which each comes after those it reads."""

    def __init__(self, queries: Mapping[str, Query]):
        graph = {query.name: [r for r in query.reads if r in queries] for query in queries.values()}
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise QueryError(f"queries read each other in a circle: {' -> '.join(error.args[1])}") from error
        self._queries = {name: queries[name] for name in order}
        self._stand_on: dict[str, frozenset[str]] = {}

    @classmethod
    def load(cls, directory: Path = QUERIES) -> Self:
        """Read every relation of a directory.

        Raises:
            QueryError: a file does not follow the convention; says which line.
        """
        return cls({path.stem: parse(path) for path in sorted(directory.glob("*.sql"))})

    def __getitem__(self, name: str) -> Query:
        return self._queries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """The stored tables with the comments of the schema, by name."""
        with open_empty() as connection:
            comments = connection.execute(
                "SELECT table_name, coalesce(comment, '') FROM duckdb_tables() ORDER BY table_name"
            ).fetchall()
            columns = connection.execute(
                "SELECT table_name, column_name, data_type, coalesce(comment, '') "
                "FROM duckdb_columns() ORDER BY table_name, column_index"
            ).fetchall()
        return {
            name: Table(name, text, tuple(Column(*rest) for owner, *rest in columns if owner == name))
            for name, text in comments
        }

    @cached_property
    def digest(self) -> str:
        """Changes with any relation and with the schema they were written for."""
        content = hashlib.sha256()
        for query in self.values():
            content.update(f"{query.name}\0{query.sql}\0".encode())
        for migration in sorted(SCHEMA.glob("*.sql")):
            content.update(f"{migration.name}\0".encode())
        return content.hexdigest()

    def is_installed(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether the database holds these relations, each as it is here."""
        return {digest for _, _, digest in _installed(connection)} == {self.digest}

    def install(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Store all relations in the database, with their comments; nothing when they are there.

        The view `_catalog` (one row per relation: relation_name, relation_kind, catalog_digest)
        remembers what is installed. Relations that are no longer in the catalogue are dropped.
        All or nothing happens, in one transaction.

        Raises:
            QueryError: a relation does not bind, because it reads what its header does not name
                or what does not exist.
        """
        if self.is_installed(connection):
            return
        installed = _installed(connection)
        current = {(name, _kind(query)) for name, query in self.items()}
        stale = [(name, kind) for name, kind, _ in installed if (name, kind) not in current]
        connection.execute("BEGIN")
        try:
            for name, kind in stale:
                connection.execute(f"DROP {kind} IF EXISTS {name}")
            for query in self.values():
                _create(connection, query)
            connection.execute(self._remember())
        except (duckdb.Error, QueryError):
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _remember(self) -> str:
        rows = ", ".join(
            f"({_literal(name)}, {_literal(_kind(query))}, {_literal(self.digest)})"
            for name, query in self.items()
        )
        return (
            "CREATE OR REPLACE VIEW _catalog AS SELECT relation_name, relation_kind, catalog_digest "
            f"FROM (VALUES {rows}) AS installed (relation_name, relation_kind, catalog_digest)"
        )

    def call(self, name: str, arguments: Mapping[str, object]) -> tuple[str, dict[str, object]]:
        """The statement that asks a relation, and the values to bind to it.

        Values are never written into the statement. A text given for a parameter of another type
        (from a command line or a URL) is cast by the database: `since := $since::TIMESTAMP`.

        Raises:
            QueryError: no such relation or parameter, or a parameter without default is missing.
        """
        query = self.find(name)
        known = {parameter.name: parameter for parameter in query.parameters}
        for given in arguments:
            if given not in known:
                raise QueryError(f"{name} has no parameter '{given}'; it takes {', '.join(known) or 'none'}")
        for parameter in query.parameters:
            if parameter.default is None and parameter.name not in arguments:
                raise QueryError(f"{name} needs {parameter.name}: {parameter.text}")
        if not query.is_macro:
            return f"FROM {name}", {}
        given = ", ".join(f"{key} := ${key}{known[key].cast(value)}" for key, value in arguments.items())
        return f"FROM {name}({given})", dict(arguments)

    def run(self, connection: duckdb.DuckDBPyConnection, name: str, **arguments: object) -> pa.Table:
        """All rows of a relation.

        Raises:
            QueryError: as `call`, or the database refused or failed.
        """
        text, values = self.call(name, arguments)
        try:
            return connection.sql(text, params=values).to_arrow_table()
        except duckdb.Error as error:
            raise failure(error, f"stormwatch queries --show {name}") from error

    def stands_on(self, name: str) -> frozenset[str]:
        """All relations that one reads, and that these read.

        Raises:
            QueryError: no such relation.
        """
        if name not in self._stand_on:
            direct = [one for one in self.find(name).reads if one in self]
            self._stand_on[name] = frozenset(direct).union(*(self.stands_on(one) for one in direct))
        return self._stand_on[name]

    def find(self, name: str) -> Query:
        """The relation of that name.

        Raises:
            QueryError: there is none; says which one may be meant.
        """
        if name in self._queries:
            return self._queries[name]
        public = [key for key, query in self.items() if not query.is_internal]
        near = difflib.get_close_matches(name, public, n=1)
        hint = f"did you mean {near[0]}?" if near else "`stormwatch queries` lists them"
        raise QueryError(f"there is no query '{name}'; {hint}")


def failure(error: Exception, remedy: str) -> QueryError:
    """What the database says about a failed query, its first lines, and where to look."""
    lines = [line for line in str(error).splitlines() if line.strip()][:_ERROR_LINES]
    return QueryError("\n".join([*lines, f"see {remedy}"]))


def parse(path: Path) -> Query:
    """Read one relation from its file.

    Raises:
        QueryError: the file does not follow the convention; says which line.
    """
    text = path.read_text(encoding="utf-8")
    header = list(_header(text))
    name, _, question = header[0].removeprefix("-- ").partition(": ") if header else ("", "", "")
    if name != path.stem or not question.endswith("?"):
        raise QueryError(f"{path}:1: the first line must be '-- {path.stem}: <question>?'")
    creates = list(_CREATE.finditer(text))
    if len(creates) != 1 or creates[0]["name"] != name:
        raise QueryError(f"{path}: needs exactly one CREATE OR REPLACE VIEW or MACRO {name}")
    is_macro = creates[0]["kind"] == "MACRO"
    sections = _sections(path, header)
    defaults = _defaults(text[creates[0].end() :]) if is_macro else {}
    documented = sections["Parameters"]
    if [item.name for item in documented] != list(defaults):
        raise QueryError(
            f"{path}: documents the parameters {[p.name for p in documented]} but takes {[*defaults]}"
        )
    return Query(
        name=name,
        question=question,
        description=_description(header),
        sql=text,
        is_macro=is_macro,
        parameters=tuple(Parameter(p.name, p.type, p.text, defaults[p.name]) for p in documented),
        columns=tuple(sections["Columns"]),
        reads=_reads(path, header),
    )


def _header(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("--"):
            return
        yield line


def _sections(path: Path, header: list[str]) -> dict[str, list[Column]]:
    sections: dict[str, list[Column]] = {"Parameters": [], "Columns": []}
    section: list[Column] | None = None
    for number, line in enumerate(header, 1):
        if line.removeprefix("-- ") in sections:
            section = sections[line.removeprefix("-- ")]
        elif not line.startswith("--  "):
            section = None
        elif section is not None:
            if item := _ITEM.fullmatch(line):
                section.append(Column(item["name"], item["type"], item["text"]))
            elif section and (more := _CONTINUED.fullmatch(line)):
                last = section.pop()
                section.append(Column(last.name, last.type, f"{last.text} {more['text']}"))
            else:
                raise QueryError(f"{path}:{number}: expected '--   name  TYPE  what it is'")
    if not sections["Columns"]:
        raise QueryError(f"{path}: the header has no section '-- Columns'")
    return sections


def _description(header: list[str]) -> str:
    lines: list[str] = []
    for line in header[1:]:
        if line in {"-- Parameters", "-- Columns"} or line.startswith("-- Reads: "):
            break
        lines.append(line.removeprefix("--").removeprefix(" "))
    return "\n".join(lines).strip()


def _reads(path: Path, header: list[str]) -> tuple[str, ...]:
    found = [line for line in header if line.startswith("-- Reads: ")]
    if len(found) != 1:
        raise QueryError(f"{path}: the header needs one line '-- Reads: <tables and relations>'")
    return tuple(found[0].removeprefix("-- Reads: ").split(", "))


def _defaults(statement: str) -> dict[str, str | None]:
    """Parameter names of a macro with the SQL of their defaults; `statement` starts after its name."""
    end = _BODY.search(statement)
    signature = statement[: end.start()].strip().removeprefix("(") if end else ""
    parts = [part.partition(":=") for part in _split(signature)]
    return {name.strip(): default.strip() or None for name, _, default in parts}


def _split(signature: str) -> list[str]:
    """Cut at the commas outside parentheses and brackets."""
    parts, depth = [""], 0
    for character in signature:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]


def _kind(query: Query) -> str:
    return "MACRO TABLE" if query.is_macro else "VIEW"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _comments(query: Query) -> Iterator[str]:
    yield f"COMMENT ON {_kind(query)} {query.name} IS {_literal(_about(query))}"
    if not query.is_macro:
        for column in query.columns:
            yield f"COMMENT ON COLUMN {query.name}.{column.name} IS {_literal(column.text)}"


def _about(query: Query) -> str:
    """What an ad hoc user of the database sees; a macro has no column comments of its own."""
    if not query.is_macro:
        return f"{query.question}\n\n{query.description}"
    parts: list[tuple[str, tuple[Parameter | Column, ...]]] = [
        ("Parameters", query.parameters),
        ("Columns", query.columns),
    ]
    lists = [
        "\n".join([title, *(f"  {item.name} {item.type}: {item.text}" for item in items)])
        for title, items in parts
        if items
    ]
    return "\n\n".join([query.question, query.description, *lists])


def _create(connection: duckdb.DuckDBPyConnection, query: Query) -> None:
    try:
        connection.execute(query.sql)
        connection.execute(";\n".join(_comments(query)))
    except duckdb.Error as error:
        raise failure(error, f"queries/{query.name}.sql") from error


def _installed(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    try:
        return connection.execute("FROM _catalog").fetchall()
    except duckdb.CatalogException:  # nothing yet; to list the views would take ten times as long
        return []
