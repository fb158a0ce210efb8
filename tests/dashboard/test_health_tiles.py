"""Shares on the page about reading are shares of something."""

from __future__ import annotations

from collections.abc import Callable

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
