"""Attacks on the ad hoc SQL of a database that is being written: it reads, and nothing else."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from stormwatch.errors import QueryError, QueryTimeout
from stormwatch.readonly import interrupt_all, run_readonly
from stormwatch.storage import Store
from tests.prepared import prepare

_SECRET = "do not show this"  # noqa: S105 - of a file

READ_A_FILE = """
SELECT * FROM read_text('{secret}')
SELECT * FROM read_blob('{secret}')
SELECT * FROM read_csv('{secret}')
SELECT * FROM read_json('{secret}')
SELECT * FROM read_json_objects('{secret}')
SELECT * FROM read_parquet('{secret}')
SELECT * FROM read_duckdb('{other}')
SELECT * FROM parquet_metadata('{secret}')
SELECT * FROM sniff_csv('{secret}')
SELECT * FROM '{secret}'
SELECT * FROM "{secret}"
SELECT * FROM glob('{directory}/*')
SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')
SELECT * FROM query_table('{secret}')
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''{secret}'')'))
EXPLAIN ANALYZE SELECT * FROM read_text('{secret}')
SELECT * FROM read_parquet('https://example.com/x.parquet')
SELECT * FROM secret_of_python
SELECT getenv('HOME')
"""
WRITE_A_FILE = """
COPY events TO '{out}/a.csv'
COPY (SELECT 1) TO '{out}/b.parquet' (FORMAT parquet)
COPY (SELECT 1) TO '/dev/stdout'
EXPORT DATABASE '{out}/all'
ATTACH '{out}/new.duckdb' AS other
EXPLAIN ANALYZE COPY events TO '{out}/c.csv'
PRAGMA enable_profiling='json'
SET profiling_output='{out}/profile.json'
SET log_query_path='{out}/queries.log'
CALL enable_logging(storage='file', storage_config={{'path': '{out}/log'}})
SELECT * FROM enable_logging(storage='file', storage_config={{'path': '{out}/log'}})
"""
WRITE_THE_DATABASE = """
CREATE TABLE stolen (i INTEGER)
CREATE TEMP TABLE stolen AS SELECT 1
CREATE VIEW stolen AS SELECT 1
CREATE TEMP VIEW stolen AS SELECT 1
CREATE OR REPLACE TEMP MACRO stolen(a) AS a + 1
CREATE SCHEMA stolen
CREATE TYPE stolen AS ENUM ('a')
CREATE SEQUENCE stolen
CREATE SECRET stolen (TYPE http, BEARER_TOKEN 'x')
INSERT INTO batches VALUES (2, now()::TIMESTAMP, 0, 0, 0, NULL, 0)
DELETE FROM batches
UPDATE batches SET batch_id = 99
TRUNCATE batches
DROP TABLE batches
DROP VIEW events
ALTER TABLE batches RENAME TO gone
COMMENT ON TABLE batches IS 'x'
MERGE INTO batches USING (SELECT 1 AS i) AS s ON batches.batch_id = s.i WHEN MATCHED THEN DELETE
WITH x AS (DELETE FROM batches RETURNING batch_id) SELECT count(*) FROM x
WITH x AS (UPDATE batches SET batch_id = 99 RETURNING batch_id) SELECT * FROM x
WITH x AS (INSERT INTO batches VALUES (2, now()::TIMESTAMP, 0, 0, 0, NULL, 0) RETURNING *) SELECT * FROM x
FROM (INSERT INTO batches VALUES (2, now()::TIMESTAMP, 0, 0, 0, NULL, 0) RETURNING batch_id)
EXPLAIN ANALYZE DELETE FROM batches
EXPLAIN ANALYZE DROP TABLE batches
EXPLAIN ANALYZE CREATE TABLE stolen AS SELECT 1
SELECT * FROM query('DELETE FROM batches RETURNING *')
SELECT * FROM force_checkpoint('store')
FROM checkpoint()
FROM "CheckPoint" /* /* */ */ ('store')
FROM system.main.checkpoint\u00a0/* x */\u2003()
EXPLAIN ANALYZE FROM checkpoint()
FROM query('FROM ' || 'checkpoint()')
FROM destroy_external_resource('checkpoint', 'store')
IMPORT DATABASE '{directory}'
COPY batches FROM '{secret}'
"""
CHANGE_THE_SESSION = """
ATTACH ':memory:' AS other
ATTACH '{store}' AS again
DETACH store
USE memory
INSTALL httpfs
LOAD json
LOAD '{out}/evil.duckdb_extension'
SET enable_external_access=true
SET lock_configuration=false
SET memory_limit='100GB'
SET threads=64
SET VARIABLE x=1
RESET memory_limit
SET search_path='temp'
PRAGMA memory_limit='100GB'
BEGIN TRANSACTION
COMMIT
ROLLBACK
CHECKPOINT
FORCE CHECKPOINT
VACUUM
ANALYZE
PREPARE p AS DELETE FROM batches
EXECUTE p
CALL checkpoint()
FROM register_external_resource_type('x', kind = 'k', create_function = 'query')
FROM truncate_duckdb_logs()
FROM enable_logging()
SELECT 1; DELETE FROM batches
SELECT 1; SELECT 2
"""


def _attacks(*lists: str) -> list[str]:
    return [line for text in lists for line in text.strip().splitlines()]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readonly")


@pytest.fixture(scope="module")
def store(directory: Path) -> Iterator[Store]:
    """A store with one batch, beside files that nobody may read or write."""
    (directory / "secret.json").write_text(f'{{"text": "{_SECRET}"}}\n')
    (directory / "out").mkdir()
    Store(directory / "other.duckdb").close()
    with Store(prepare(directory / "store.duckdb")) as opened:
        with opened.cursor() as cursor:
            cursor.execute(
                "INSERT INTO batches VALUES (1, '2026-11-20 10:01', 0, 0, 0, '2026-11-20 10:00', 5)"
            )
            cursor.execute(
                "INSERT INTO observations BY NAME SELECT 1 AS file_id, i AS byte_offset, 1 AS byte_length, "
                "0 AS record_no, 'json' AS format, 'e-' || i AS event_id, now()::TIMESTAMP AS ingested_at "
                "FROM range(1000) AS t(i)"
            )
        yield opened


@pytest.fixture
def untouched(store: Store, directory: Path) -> Iterator[None]:
    """After the test everything is as before: rows, relations, settings and files."""

    def state() -> list[object]:
        with store.cursor() as cursor:
            facts = [
                cursor.execute(sql).fetchall()
                for sql in (
                    "FROM batches",
                    "SELECT count(*), min(event_id) FROM events",
                    "SELECT table_name, comment FROM duckdb_tables() ORDER BY ALL",
                    "SELECT view_name FROM duckdb_views() ORDER BY ALL",
                    "SELECT count(*) FROM duckdb_functions()",
                    "SELECT database_name FROM duckdb_databases() ORDER BY ALL",
                    "SELECT name, value FROM duckdb_settings() ORDER BY ALL",
                )
            ]
        return [facts, sorted((directory / "out").iterdir())]

    before = state()
    yield
    assert state() == before


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "attack", _attacks(READ_A_FILE, WRITE_A_FILE, WRITE_THE_DATABASE, CHANGE_THE_SESSION)
)
def test_refused(store: Store, directory: Path, attack: str) -> None:
    secret_of_python = pa.table({"text": [_SECRET]})
    sql = attack.format(
        secret=directory / "secret.json",
        other=directory / "other.duckdb",
        out=directory / "out",
        store=store.path,
        directory=directory,
    )
    with store.cursor() as cursor, pytest.raises(QueryError) as refused:
        run_readonly(cursor, sql)
    assert not isinstance(refused.value, QueryTimeout)
    assert _SECRET not in str(refused.value)
    assert secret_of_python.num_rows == 1


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM batches", "DELETE statements are refused, only reading is allowed; send a SELECT"),
        ("UPDATE EXTENSIONS", "Such statements are refused, only reading is allowed; send a SELECT"),
        ("FROM Read_Text('x')", "read_text() is refused, it does more than read the database; `stormwatch"),
        ("SELECT 1; SELECT 2", "expected one statement, got 2; send one SELECT at a time"),
        ("", "expected one statement, got 0; send one SELECT at a time"),
        ("SELEC 1", "Parser Error: syntax error"),
        ("SELECT * FROM event", "see `stormwatch queries` for the relations and tables there are"),
    ],
)
def test_a_refusal_says_what_to_do(store: Store, sql: str, message: str) -> None:
    with store.cursor() as cursor, pytest.raises(QueryError, match=re.escape(message)):
        run_readonly(cursor, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT checkpoint, (1) FROM (SELECT 1 AS checkpoint)",
        "SELECT query FROM (SELECT 1 AS query) WHERE query IN (1)",
        "SELECT 'FROM checkpoint()' -- checkpoint()",
        "SELECT count(*) FROM duckdb_tables()",
        "SELECT unnest(range(3))",
        "SELECT * FROM json_each('{\"checkpoint\": 1}')",
        "SELECT \u00e9 FROM (SELECT 1 AS \u00e9)",
        "SUMMARIZE batches",
    ],
)
def test_what_only_looks_like_it_is_answered(store: Store, sql: str) -> None:
    with store.cursor() as cursor:
        assert run_readonly(cursor, sql).table.num_rows > 0


_PAIRS = "range(10_000_000) AS a, range(10_000_000) AS b"
ENDLESS = {
    "join": f"SELECT count(*) FROM {_PAIRS} WHERE a.range > b.range",
    "sum": f"SELECT sum(a.range * b.range) FROM {_PAIRS}",
    "recursion": "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r",
    "unnest": "SELECT count(*) FROM (SELECT unnest(range(100_000)) FROM range(100_000_000))",
    "pattern": "SELECT count(*) FROM range(2_000_000_000) AS t(i) WHERE regexp_matches(i || 'a', '(a*)*b')",
    "explain": f"EXPLAIN ANALYZE SELECT count(*) FROM {_PAIRS} WHERE a.range > b.range",
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("sql", ENDLESS.values(), ids=ENDLESS)
def test_what_never_ends_is_stopped(store: Store, sql: str) -> None:
    with store.cursor() as cursor:
        with pytest.raises(QueryTimeout, match=r"^the query was stopped after 0\.2 s; ask for a shorter"):
            run_readonly(cursor, sql, timeout_s=0.2)
        assert run_readonly(cursor, "SELECT 42 AS x").table.to_pylist() == [{"x": 42}]


def test_all_that_runs_is_stopped_when_the_process_ends(store: Store) -> None:
    stopped: list[QueryError] = []

    def ask() -> None:
        with store.cursor() as cursor:
            try:
                run_readonly(cursor, ENDLESS["sum"])
            except QueryError as error:
                stopped.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while thread.is_alive():
        interrupt_all()  # before the statement runs there is nothing to interrupt yet
        thread.join(0.05)
    [error] = stopped
    assert not isinstance(error, QueryTimeout)


def test_rows_beyond_the_limit_are_not_computed(store: Store) -> None:
    with store.cursor() as cursor:
        answer = run_readonly(cursor, "SELECT i FROM range(1_000_000_000_000) AS t(i)", row_limit=5_000)
        assert (answer.table.num_rows, answer.is_truncated) == (5_000, True)
        exactly = run_readonly(cursor, "FROM events", row_limit=1_000)
        assert (exactly.table.num_rows, exactly.is_truncated) == (1_000, False)


def test_an_answer_says_which_data_it_is_of(store: Store) -> None:
    with store.cursor() as cursor:
        answer = run_readonly(cursor, "SELECT $a AS id, 1 AS id, 2 AS id_2", {"a": "x'; --"})
    assert answer.table.to_pylist() == [{"id": "x'; --", "id_3": 1, "id_2": 2}]
    assert answer.data_version == 1
    assert answer.complete_to == datetime(2026, 11, 20, 10)  # noqa: DTZ001 - naive UTC as stored


def test_an_open_transaction_of_the_writer_is_not_seen(store: Store) -> None:
    with store.cursor() as writer, store.cursor() as reader:
        writer.execute("BEGIN")
        writer.execute("DELETE FROM batches")
        assert run_readonly(reader, "SELECT count(*) AS n FROM batches").table.to_pylist() == [{"n": 1}]
        writer.execute("ROLLBACK")


def test_the_relations_can_be_asked(store: Store) -> None:
    with store.cursor() as cursor:
        answer = run_readonly(cursor, "FROM event_search($1, row_limit := 1)", ["e-7"])
        assert answer.table.column("event_id").to_pylist() == ["e-7"]
        assert run_readonly(cursor, "EXPLAIN FROM deadlocks_per_hour()").table.num_rows > 0
