"""A call that is written out means what was asked, as SQL and in an address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from dashboard import calls, data
from stormwatch.catalog import Catalog
from stormwatch.storage import Store

from . import story
from .conftest import Statements

Serve = Callable[..., Statements]


def test_address_of_the_rows_gives_the_same_rows(store: Store, serve: Serve) -> None:
    serve(store)
    answer = data.load("event_rate", since=story.at(0), until=story.at(60.5), bucket=timedelta(seconds=2.5))
    parts = urlsplit(data.api_path(answer))
    given = dict(parse_qsl(parts.query))
    assert parts.path == "/api/queries/event_rate"
    assert given == {
        "since": "2026-11-20 10:00:00", "until": "2026-11-20 10:01:00.500000", "bucket": "2.5 seconds",
    }  # fmt: skip
    with store.cursor() as cursor:
        assert Catalog.load().run(cursor, "event_rate", **given).to_pylist() == answer.rows


def test_what_was_not_given_is_not_in_the_address(store: Store, serve: Serve) -> None:
    serve(store)
    answer = data.load("swapped_pairs", since=story.at(0), of_consumer=None, of_stream="a&b")
    assert data.api_path(answer) == "/api/queries/swapped_pairs?since=2026-11-20+10%3A00%3A00&of_stream=a%26b"


def test_statement_can_be_run_as_it_stands(store: Store, serve: Serve) -> None:
    serve(store)
    answer = data.load("swapped_pairs", since=story.at(0), of_consumer="billing", of_stream=None)
    with store.cursor() as cursor:
        assert cursor.sql(data.statement(answer)).to_arrow_table().to_pylist() == answer.rows


def test_source_of_a_definition_is_what_its_file_says() -> None:
    catalog = Catalog.load()
    assert calls.source(catalog["swapped_pairs"]) == "RFC 4737 sections 3.3, 4.2.3 and 4.3.3"
    assert calls.source(catalog["reorder_runs"]).endswith("q sum of squares, (q/a) / (a/x)")
    assert calls.source(catalog["events"]) == ""
