"""`stormwatch.connect`: Arrow from a file, and the same from a process that owns one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest

import stormwatch
from stormwatch.client import text_of
from stormwatch.errors import DatabaseMissing, QueryError, StorageError
from stormwatch.storage import Store, open_empty
from tests.prepared import prepare


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Three sends, one a minute, and one batch."""
    path = tmp_path / "test.duckdb"
    with Store(prepare(path)) as store, store.cursor() as cursor:
        cursor.execute(
            """INSERT INTO observations BY NAME
            SELECT 1 AS file_id, n AS byte_offset, 1 AS byte_length, 0 AS record_no, 'json' AS format,
                'e-' || n AS event_id, TIMESTAMP '2026-11-20 10:00' + to_minutes(n) AS occurred_at,
                TIMESTAMP '2026-11-21' AS ingested_at, 'send' AS operation
            FROM range(3) AS numbers (n)"""
        )
        cursor.execute(
            """INSERT INTO batches VALUES
            (1, TIMESTAMP '2026-11-21', 3, 0, 3, TIMESTAMP '2026-11-20 10:02', 1.0)"""
        )
    return path


def test_a_relation_and_a_statement_are_arrow(database: Path) -> None:
    with stormwatch.connect(database) as connection:
        rate = connection.query("event_rate", bucket=timedelta(minutes=1))
        one = connection.sql("SELECT event_id FROM events WHERE byte_offset = $place", place=1)
    assert isinstance(rate, pa.Table)
    assert rate.column("event_count").to_pylist() == [1, 1, 1]
    assert one.to_pylist() == [{"event_id": "e-1"}]


def test_every_answer_says_how_fresh_it_is(database: Path) -> None:
    with stormwatch.connect(str(database)) as connection:
        stamp = connection.sql("FROM events", row_limit=2).schema.metadata
    assert stamp[b"stormwatch.data_version"] == b"1"
    assert stamp[b"stormwatch.complete_to"] == b"2026-11-20T10:02:00Z"
    assert stamp[b"stormwatch.is_truncated"] == b"true"


@pytest.mark.parametrize(
    "since",
    [
        "2026-11-20 10:01",
        datetime(2026, 11, 20, 10, 1, tzinfo=UTC),
        datetime(2026, 11, 20, 11, 1, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_instants_are_utc_whatever_they_are_given_as(database: Path, since: object) -> None:
    with stormwatch.connect(database) as connection:
        found = connection.query("event_rate", since=since, bucket="1 minute")
    assert found.num_rows == 2


def test_parameters_may_be_lists(database: Path) -> None:
    ids = ["e-1", "a,b", "it's", 'a"b', "a\\b", "a\nb", " a]", "", "NULL", None]
    with stormwatch.connect(database) as connection:
        costs = connection.query("order_cost", holds=[timedelta(seconds=1), timedelta(0)])
        found = connection.query("explain_difference", selection="listed", selected_ids=ids, min_count=1)
    assert (costs.num_rows, found.num_rows) == (0, 0)
    with open_empty() as empty:
        [(back,)] = empty.execute("SELECT ?::VARCHAR[]", [text_of(ids)]).fetchall()
    assert back == ids


def test_a_text_that_is_no_instant_is_refused_though_there_is_nothing_to_compare(database: Path) -> None:
    with stormwatch.connect(database) as connection, pytest.raises(QueryError, match="yesterday"):
        connection.query("deadlocks", since="yesterday")


def test_explain(database: Path) -> None:
    with stormwatch.connect(database) as connection:
        assert connection.sql("EXPLAIN FROM deadlocks()").num_rows > 0


def test_nothing_can_be_written(database: Path) -> None:
    with stormwatch.connect(database) as connection, pytest.raises(QueryError, match="only reading"):
        connection.sql("DROP VIEW events")


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatabaseMissing):
        stormwatch.connect(tmp_path / "none.duckdb")
    with pytest.raises(StorageError, match="does not answer"):
        stormwatch.connect("http://127.0.0.1:1")
