"""Filters stand in the address, hold for all that is below them, and stay from page to page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dashboard import data, filters
from stormwatch.storage import Store

from .conftest import Statements, figures, open_page, read_sample, table, texts

Serve = Callable[..., Statements]


@pytest.fixture(scope="module")
def unordered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The story in which two consumers get copies and one loses its order."""
    yield from read_sample("unordered", tmp_path_factory.mktemp("unordered") / "unordered.duckdb")


def test_ordering_shows_what_arrived_at_the_picked_service(unordered: Store, serve: Serve) -> None:
    serve(unordered)
    app = open_page("ordering", service="inventory", list="Duplicates")
    assert figures(app)["hotspots"]["layout"]["yaxis"]["ticktext"] == ["payments → inventory"]
    copies = table(app, "Events received more than once")
    assert copies["consumer"].tolist() == ["inventory"]
    assert "Everything here arrived in order" in texts(app)


def test_stream_and_service_hold_together(unordered: Store, serve: Serve) -> None:
    serve(unordered)
    assert "clear a filter" in texts(open_page("ordering", service="inventory", stream="orders"))


def test_losses_of_order_are_those_of_the_stream(unordered: Store, serve: Serve) -> None:
    serve(unordered)
    app = open_page("ordering", stream="orders")
    losses = table(app, "Places where order was lost, with the first pair")
    assert set(losses["at"]) == {"orders → billing"}


def test_rows_that_are_left_are_another_answer(unordered: Store, serve: Serve) -> None:
    serve(unordered)
    every = data.load("duplicates")
    some = every.only(consumer="inventory", stream=None)
    assert some.table.num_rows == 1 < every.table.num_rows
    assert some.kept == (("consumer", "inventory"),)
    assert some.key != every.key


def test_versions_are_those_of_the_picked_type(unordered: Store, serve: Serve) -> None:
    serve(unordered)
    app = open_page("versions", event_type="order.placed")
    assert "1 of 1 type was in flight" in texts(app)
    rows = table(app, "Event types with several versions")
    assert rows["schema_version"].tolist() == ["1", "2"]
    assert "**No conflicting write** in this window" in texts(app)


def test_search_is_kept_from_page_to_page(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("events")
    app.text_input(key="search").set_value(" PAYMENT ").run()
    assert table(app, "Event records, newest first")["event_id"].tolist() == ["p-1"]
    app.switch_page("app_pages/health.py").run()
    app.switch_page("app_pages/chains.py").run()
    assert app.text_input(key="search").value.strip() == "PAYMENT"
    assert table(app, "Events that match the search")["event_id"].tolist() == ["p-1"]


def test_rows_that_hold_a_text() -> None:
    rows = [{"rule": "Storm", "key": None}, {"rule": "x", "key": "orders"}]
    assert filters.holding(rows, "STORM", "rule", "key") == rows[:1]
    assert filters.holding(rows, "order", "rule", "key") == rows[1:]
    assert filters.holding(rows, None, "rule", "key") == rows


def test_filter_stays_on_another_page_and_comes_back(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("ordering")
    app.selectbox(key="service").select("billing").run()
    app.switch_page("app_pages/health.py").run()
    app.switch_page("app_pages/events.py").run()
    assert app.selectbox(key="service").value == "billing"
    assert set(table(app, "Event records, newest first")["service"]) == {"billing"}
