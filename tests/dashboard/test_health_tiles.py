"""Shares on the page about reading are shares of something, and what is kept is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import duckdb
import pytest

from ingest.inserts import COVER_FILE
from stormwatch.retention.pruner import Pruner
from stormwatch.retention.service import Retention
from stormwatch.storage import Store

from .conftest import Statements, open_page, texts

Serve = Callable[..., Statements]


def test_database_larger_than_its_logs_is_no_share_of_them(store: Store, serve: Serve) -> None:
    serve(store)
    said = texts(open_page("health"))
    assert "more than was read" in said
    assert "% of what was read" not in said


def test_database_of_a_large_log_is_a_share_of_it(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        cursor.execute("UPDATE files SET committed_offset = 1 << 30, inherited_bytes = (1 << 30) - 1609")
    serve(store)
    assert "% of what was read" in texts(open_page("health"))


def test_without_retention_it_says_that_everything_is_kept(store: Store, serve: Serve) -> None:
    serve(store)
    assert "everything is kept" in texts(open_page("health"))


def test_what_is_kept_and_since_when_is_said(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        [(newest, count)] = cursor.execute("SELECT max(occurred_at), count(*) FROM events").fetchall()
        cursor.execute(
            "INSERT INTO observations BY NAME SELECT * REPLACE (occurred_at - INTERVAL 9 DAY AS occurred_at)"
            " FROM observations"
        )
        cursor.execute(COVER_FILE[1], [1])
    retention = Retention(store, timedelta(days=3))
    serve(store, retention=retention)
    assert "not applied yet" in texts(open_page("health"))
    retention.apply(rest=0)
    said = texts(open_page("health"))
    assert "**3d**" in said
    assert "of log; applied" in said
    assert "of it free for new rows" in said
    with store.cursor() as cursor:
        found = cursor.execute("SELECT max(occurred_at), count(*) FROM events").fetchall()
        [(oldest,)] = cursor.execute("SELECT first_at FROM log_coverage").fetchall()
    assert found == [(newest, count)]
    assert f"**{oldest:%Y-%m-%d %H:%M:%S}**" in said


def test_retention_that_fails_is_a_warning(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise duckdb.IOException("IO Error: No space left on device")

    monkeypatch.setattr(Pruner, "cut_of", fail)
    retention = Retention(store, timedelta(days=3))
    retention.apply()
    serve(store, retention=retention)
    [warning] = open_page("health").warning
    assert warning.value == "Retention could not be applied: `IO Error: No space left on device`"
