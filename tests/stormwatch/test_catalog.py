"""The catalogue: headers are true, relations are installed as they are, values stay values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from stormwatch.catalog import Catalog, Column, Query, parse
from stormwatch.errors import QueryError
from stormwatch.resources import QUERIES
from stormwatch.storage import Store, open_empty, open_reader

CATALOG = Catalog.load()
MACROS = [name for name, query in CATALOG.items() if query.is_macro]
RENAMES_COLUMNS_FIRST = {"event_records"}
"""Its parameters have names of columns that it reads; a golden case shows that each filters."""

_GOOD = """\
-- sample: how many?
--
-- One row, always.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   names  VARCHAR[]  which, of those
--                     that there are (default: none)
--
-- Columns
--   event_count  BIGINT  how many
--
-- Reads: events
CREATE OR REPLACE MACRO sample(since := coalesce(NULL, '-infinity')::TIMESTAMP, names := NULL) AS TABLE
SELECT count(*) AS event_count
FROM events
WHERE events.occurred_at >= since::TIMESTAMP AND names IS NULL
ORDER BY event_count;
"""
_VIEW = """\
-- sample: how many?
--
-- Columns
--   event_count  BIGINT  how many
--
-- Reads: observations
CREATE OR REPLACE VIEW sample AS
SELECT count(*) AS event_count FROM observations ORDER BY event_count;
"""


def _call(query: Query) -> str:
    """The relation with NULL for each parameter, of its type."""
    if not query.is_macro:
        return query.name
    given = ", ".join(f"{item.name} := NULL::{item.type}" for item in query.parameters)
    return f"{query.name}({given})"


def _described(connection: duckdb.DuckDBPyConnection, query: Query) -> list[tuple[str, str]]:
    rows = connection.execute(f"DESCRIBE FROM {_call(query)}").fetchall()
    return [(name, type_name) for name, type_name, *_ in rows]


def _documented(columns: Iterable[Column]) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in columns]


@pytest.fixture(scope="module")
def installed() -> Iterable[duckdb.DuckDBPyConnection]:
    with open_empty() as connection:
        CATALOG.install(connection)
        yield connection


@pytest.fixture
def empty() -> Iterable[duckdb.DuckDBPyConnection]:
    with open_empty() as connection:
        yield connection


def _written(directory: Path, **texts: str) -> Catalog:
    directory.mkdir(parents=True)
    for name, text in texts.items():
        (directory / f"{name}.sql").write_text(text)
    return Catalog.load(directory)


# --- headers are true ------------------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOG)
def test_columns_are_those_that_come(installed: duckdb.DuckDBPyConnection, name: str) -> None:
    assert _described(installed, CATALOG[name]) == _documented(CATALOG[name].columns)


@pytest.mark.parametrize("name", MACROS)
def test_parameters_are_those_that_are_taken(installed: duckdb.DuckDBPyConnection, name: str) -> None:
    [(taken,)] = installed.execute(
        "SELECT parameters FROM duckdb_functions() WHERE function_name = ?", [name]
    ).fetchall()
    assert [parameter.name for parameter in CATALOG[name].parameters] == taken


@pytest.mark.parametrize("name", MACROS)
def test_what_may_be_left_out_says_so(name: str) -> None:
    for parameter in CATALOG[name].parameters:
        says = re.search(r"\(default: [^)]+\)$", parameter.text) is not None
        assert says is (parameter.default is not None), f"{name}, {parameter.name}"


def _stub(name: str) -> str:
    """A relation of the columns that its header promises, and without rows."""
    columns = CATALOG.tables[name].columns if name in CATALOG.tables else CATALOG[name].columns
    selected = ", ".join(f"NULL::{column.type} AS {column.name}" for column in columns)
    query = CATALOG.get(name)
    if query is None or not query.is_macro:
        return f"CREATE VIEW {name} AS SELECT {selected}"
    return f"CREATE MACRO {name}({_signature(query)}) AS TABLE SELECT {selected}"


def _signature(query: Query) -> str:
    return ", ".join(
        item.name if item.default is None else f"{item.name} := {item.default}" for item in query.parameters
    )


@pytest.fixture(scope="module")
def bare() -> Iterable[duckdb.DuckDBPyConnection]:
    with open_empty() as connection:
        for table in CATALOG.tables:
            connection.execute(f"DROP TABLE {table}")
        yield connection


def _binds(bare: duckdb.DuckDBPyConnection, query: Query, reads: Iterable[str]) -> bool:
    """Whether a relation can be asked where there is nothing but what is named."""
    bare.execute("BEGIN")
    try:
        for name in reads:
            bare.execute(_stub(name))
        bare.execute(query.sql)
        return _described(bare, query) == _documented(query.columns)
    except duckdb.CatalogException:
        return False
    finally:
        bare.execute("ROLLBACK")


@pytest.mark.parametrize("name", CATALOG)
def test_reads_names_all_that_is_read_and_nothing_else(bare: duckdb.DuckDBPyConnection, name: str) -> None:
    query = CATALOG[name]
    assert _binds(bare, query, query.reads)
    superfluous = [one for one in query.reads if _binds(bare, query, [r for r in query.reads if r != one])]
    assert superfluous == []


def test_no_parameter_has_the_name_of_a_column() -> None:
    """`WHERE kind = kind` compares a column with itself."""
    columns = {
        column.name
        for described in (*CATALOG.tables.values(), *CATALOG.values())
        for column in described.columns
    }
    shadowed = {
        (query.name, parameter.name)
        for query in CATALOG.values()
        for parameter in query.parameters
        if parameter.name in columns
    }
    assert {name for name, _ in shadowed} == RENAMES_COLUMNS_FIRST


def test_the_list_in_the_readme_is_complete() -> None:
    text = (QUERIES / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE)
    public = [(name, query.question) for name, query in CATALOG.items() if not query.is_internal]
    assert sorted(listed) == sorted(public)


# --- installing ------------------------------------------------------------------------------


def test_each_relation_comes_after_those_it_reads() -> None:
    place = {name: number for number, name in enumerate(CATALOG)}
    wrong = [
        (name, read)
        for name, query in CATALOG.items()
        for read in query.reads
        if read in place and place[read] > place[name]
    ]
    assert wrong == []


def test_an_ad_hoc_user_finds_the_texts_in_the_database(installed: duckdb.DuckDBPyConnection) -> None:
    comments = dict(
        installed.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal UNION ALL "
            "SELECT function_name, comment FROM duckdb_functions() WHERE function_type = 'table_macro' "
            "AND NOT internal"
        ).fetchall()
    )
    of_columns = {
        (view, column): comment
        for view, column, comment in installed.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    }
    for name, query in CATALOG.items():
        assert comments[name].startswith(f"{query.question}\n\n{query.description}")
        for column in query.columns:
            if query.is_macro:
                assert f"\n  {column.name} {column.type}: {column.text}" in comments[name]
            else:
                assert of_columns[name, column.name] == column.text
        for parameter in query.parameters:
            assert f"\n  {parameter.name} {parameter.type}: {parameter.text}" in comments[name]


def test_installing_again_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with Store(path) as store, store.cursor() as cursor:
        assert not CATALOG.is_installed(cursor)
        CATALOG.install(cursor)
        assert CATALOG.is_installed(cursor)
    with open_reader(path) as reader:  # writing would fail
        CATALOG.install(reader)


def test_what_is_no_longer_there_is_dropped(tmp_path: Path, empty: duckdb.DuckDBPyConnection) -> None:
    other = _VIEW.replace("sample", "other")
    _written(tmp_path / "before", sample=_VIEW, other=other).install(empty)
    after = _written(tmp_path / "after", sample=_VIEW)
    after.install(empty)
    assert after.is_installed(empty)
    found = empty.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert sorted(found) == [("_catalog",), ("sample",)]


def test_a_view_may_become_a_macro(tmp_path: Path, empty: duckdb.DuckDBPyConnection) -> None:
    events = (QUERIES / "events.sql").read_text()
    _written(tmp_path / "before", sample=_VIEW).install(empty)
    _written(tmp_path / "after", sample=_GOOD, events=events).install(empty)
    assert empty.execute("FROM sample()").fetchall() == [(0,)]
    with pytest.raises(duckdb.CatalogException, match="sample"):
        empty.execute("FROM sample")


def test_all_or_nothing_is_installed(tmp_path: Path, empty: duckdb.DuckDBPyConnection) -> None:
    before = _written(tmp_path / "before", sample=_VIEW)
    before.install(empty)
    broken = _VIEW.replace("sample", "broken").replace("FROM observations", "FROM missing")
    changed = _VIEW.replace("count(*) AS", "0 AS")
    with pytest.raises(QueryError, match=r"(?s)missing does not exist.*see queries/broken\.sql"):
        _written(tmp_path / "after", sample=changed, broken=broken).install(empty)
    assert before.is_installed(empty)
    [(sql,)] = empty.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'sample'").fetchall()
    assert "count" in sql


def test_every_change_changes_the_digest(tmp_path: Path) -> None:
    one = _written(tmp_path / "one", sample=_VIEW)
    same = _written(tmp_path / "same", sample=_VIEW)
    other = _written(tmp_path / "other", sample=_VIEW.replace("how many\n", "how often\n"))
    assert one.digest == same.digest != other.digest


# --- asking ----------------------------------------------------------------------------------


def test_a_value_stays_a_value(empty: duckdb.DuckDBPyConnection) -> None:
    CATALOG.install(empty)
    empty.execute(
        "INSERT INTO observations BY NAME SELECT 1 AS file_id, 0 AS byte_offset, 1 AS byte_length, "
        "0 AS record_no, 'json' AS format, now()::TIMESTAMP AS ingested_at, now()::TIMESTAMP AS occurred_at"
    )
    attack = "x'); DROP VIEW events; --"
    text, values = CATALOG.call("event_records", {"search": attack, "since": attack})
    assert text == "FROM event_records(search := $search, since := $since::TIMESTAMP)"
    assert values == {"search": attack, "since": attack}
    assert CATALOG.run(empty, "event_records").num_rows == 1
    assert CATALOG.run(empty, "event_records", search=attack).num_rows == 0
    with pytest.raises(QueryError, match=r"(?s)Conversion Error.*see stormwatch queries --show event_rec"):
        CATALOG.run(empty, "event_records", since=attack)
    assert empty.execute("SELECT count(*) FROM events").fetchall() == [(1,)]


def test_text_is_read_as_the_type_of_its_parameter(installed: duckdb.DuckDBPyConnection) -> None:
    typed = {"since": datetime(2026, 11, 20, 10), "row_limit": 5}  # noqa: DTZ001 - naive UTC as stored
    text, _ = CATALOG.call("event_records", typed)
    assert text == "FROM event_records(since := $since, row_limit := $row_limit)"
    text, _ = CATALOG.call("event_records", {"since": "2026-11-20 10:00"})
    assert text == "FROM event_records(since := $since::TIMESTAMP)"
    assert CATALOG.run(installed, "event_records", since="2026-11-20 10:00").num_rows == 0


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("deadlock", {}, "there is no query 'deadlock'; did you mean deadlocks?"),
        ("zzz", {}, "there is no query 'zzz'; `stormwatch queries` lists them"),
        ("deadlocks", {"since; DROP": 1}, "deadlocks has no parameter 'since; DROP'; it takes since, until"),
        ("edges", {"since": 1}, "edges has no parameter 'since'; it takes none"),
        ("causal_chain", {"direction": "up"}, "causal_chain needs event: event_id"),
    ],
)
def test_a_wrong_call_says_what_to_do(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(QueryError, match=f"^{re.escape(message)}$"):
        CATALOG.call(name, arguments)


# --- parsing ---------------------------------------------------------------------------------


def test_a_header_is_read_in_full(tmp_path: Path) -> None:
    query = _written(tmp_path / "good", sample=_GOOD)["sample"]
    assert (query.question, query.description) == ("how many?", "One row, always.")
    since, names = query.parameters
    assert (since.type, since.default) == ("TIMESTAMP", "coalesce(NULL, '-infinity')::TIMESTAMP")
    assert (names.type, names.default) == ("VARCHAR[]", "NULL")
    assert names.text == "which, of those that there are (default: none)"
    assert query.reads == ("events",)


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("-- sample: how", "-- simple: how", r":1: the first line must be '-- sample: <question>\?'"),
        ("how many?", "how many", r"sample\.sql:1: the first line"),
        ("MACRO sample(", "MACRO other(", "needs exactly one CREATE OR REPLACE VIEW or MACRO sample"),
        ("ORDER BY event_count;", "ORDER BY 1;\nCREATE OR REPLACE VIEW sample AS SELECT 1;", "exactly one"),
        ("--   event_count  BIGINT  how many\n", "", "the header has no section '-- Columns'"),
        ("--   event_count  BIGINT  how", "--   event_count  bigint  how", r":11: expected '--   name"),
        ("-- Reads: events\n", "", "the header needs one line '-- Reads:"),
        (", names := NULL", "", r"documents the parameters \['since', 'names'\] but takes \['since'\]"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, good: str, bad: str, message: str) -> None:
    assert good in _GOOD
    path = tmp_path / "sample.sql"
    path.write_text(_GOOD.replace(good, bad))
    with pytest.raises(QueryError, match=message):
        parse(path)


def test_a_circle_is_named(tmp_path: Path) -> None:
    one = _VIEW.replace("observations", "other")
    other = _VIEW.replace("sample", "other").replace("observations", "sample")
    with pytest.raises(QueryError, match=r"in a circle: (sample -> other|other -> sample) -> \w+$"):
        _written(tmp_path / "circle", sample=one, other=other)
