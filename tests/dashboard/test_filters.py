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


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The story in which compensations cause confirmations."""
    yield from read_sample("storm", tmp_path_factory.mktemp("storm") / "storm.duckdb")


def test_storms_are_those_through_the_picked_type(storm: Store, serve: Serve) -> None:
    serve(storm)
    every = table(open_page("storms"), "Loops of the window and the last known of each")
    event_type = every.iloc[0]["loop"].split(" <-> ")[0]
    app = open_page("storms", event_type=event_type)
    some = table(app, "Loops of the window and the last known of each")
    assert set(some["loop"]) == {loop for loop in every["loop"] if event_type in loop.split(" <-> ")}
    none = texts(open_page("storms", event_type="order.unheard"))
    assert "**Calm.** No loop of this window goes through the picked type" in none
    assert "clear the filter" in none


def test_queues_are_those_of_the_picked_service_and_the_rest_says_so(storm: Store, serve: Serve) -> None:
    serve(storm)
    signs = "Signs of storms that need no causes"
    every = table(open_page("storms"), signs)
    app = open_page("storms", service="billing")
    some = table(app, signs)
    queues = {sign for sign in every["sign"] if sign.endswith("→ billing")}
    assert queues
    assert set(some["sign"]) - {"retry", "deep chain"} == queues
    assert "what is done again is that of all" in texts(app)
    assert "Of every service: the filter does not narrow this" in texts(app)  # of gain


def test_deadlocks_are_those_that_the_picked_service_reported(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        cursor.execute("UPDATE observations SET service = 'bank' WHERE event_id = 'd-1'")
    serve(store)
    app = open_page("deadlocks", service="bank", window="2026-11-20T08:00/2026-11-20T16:00")
    assert table(app, "Deadlocks, newest first")["service"].tolist() == ["bank"]
    assert figures(app)["bars"]["data"][0]["y"] == [1, 0, 0]
    assert table(app, "Deadlocks by shape")["deadlocks"].tolist() == [1]
    assert len(table(app, "Deadlocks, reported and reconstructed")) == 2
    assert "Of every service: the filter does not narrow this" in texts(app)
    linked = texts(open_page("deadlocks", service="bank", deadlock="d-2"))
    assert "2026-11-20 12:30:00.000 UTC, reported by `ledger`" in linked


def test_service_that_reported_no_deadlock_is_named(store: Store, serve: Serve) -> None:
    serve(store)
    assert "`shop` reported **no deadlock** in this window" in texts(open_page("deadlocks", service="shop"))


def test_causal_loops_are_those_that_come_back_to_the_picked_type(storm: Store, serve: Serve) -> None:
    serve(storm)
    alt = "Causal loops, those with most turns first"
    every = table(open_page("deadlocks", look="Loops"), alt)
    event_type = every.iloc[0]["event_type"]
    some = table(open_page("deadlocks", look="Loops", event_type=event_type), alt)
    assert len(some) == (every["event_type"] == event_type).sum() > 0
    none = open_page("deadlocks", look="Loops", event_type="order.unheard")
    assert "None comes back to the picked type" in texts(none)


def test_what_is_beyond_a_filter_is_named() -> None:
    picked = {"service": "a", "stream": None, "event_type": "b"}
    assert filters.beyond(picked, "event_type") == "of every service"
    assert filters.beyond(picked) == "of every service and type"
    assert filters.beyond(picked, "service", "event_type") == ""
    assert filters.arguments(picked, "service", "stream", "event_type") == {"of_service": "a", "of_type": "b"}
