"""What stands above every page is true of what the page shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from dashboard import data
from stormwatch.status import IngestStatus
from stormwatch.storage import Store

from . import story
from .conftest import Statements, open_page, table, texts

Serve = Callable[..., Statements]


def test_rejected_lines_of_earlier_processes_are_counted(empty_store: Store, serve: Serve) -> None:
    with empty_store.cursor() as cursor:
        rejects = "SELECT 1, range, 1, 'torn', 'x'::BLOB, TIMESTAMP '2026-11-20' FROM range(50)"
        cursor.execute(f"INSERT INTO rejects {rejects}")
    serve(empty_store, IngestStatus(state="idle", directory="/var/log/shop", files=1, rejects=0))
    app = open_page("overview")
    assert "0 events and 50 rejected lines read" in texts(app)
    assert any("50 rejected" in element.value for element in app.markdown)


def _log_on(store: Store, seconds: int) -> None:
    """Commit one more event, so many seconds after the start of the story."""
    now = story.at(seconds)
    with store.cursor() as cursor:
        one = "SELECT * REPLACE (?::TIMESTAMP AS occurred_at, ?::TIMESTAMP AS ingested_at) FROM observations"
        cursor.execute(f"INSERT INTO observations {one} WHERE event_id = 's-1'", [now, now])
        cursor.execute(
            "INSERT INTO batches SELECT max(batch_id) + 1, ?, 1, 0, 0, ?, 1.0 FROM batches", [now, now]
        )


@pytest.mark.parametrize(
    ("button", "window"),
    [
        ("earlier", "2026-11-20T12:37:30.000/2026-11-20T12:52:30.000"),
        ("later", "2026-11-20T12:52:30.000/2026-11-20T13:07:30.000"),
        ("zoom_out", "2026-11-20T12:37:30.000/2026-11-20T13:07:30.000"),
    ],
)
def test_buttons_go_on_from_the_window_as_it_is_when_they_are_clicked(
    store: Store, serve: Serve, button: str, window: str
) -> None:
    serve(store)
    app = open_page("overview", window="15m")
    _log_on(store, 3 * 3600)  # 13:00, half an hour after the last event
    app.button(key=button).click().run()
    assert app.selectbox(key="window").value == window


def test_header_says_the_window_that_is_drawn(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("overview", window="15m")
    assert "2026-11-20 12:15:00 – 12:30:00 UTC" in texts(app)
    _log_on(store, 3 * 3600)
    app.run()
    assert "2026-11-20 12:45:00 – 13:00:00 UTC" in texts(app)


@pytest.mark.parametrize(("events", "span_s"), [(400_000, 3600), (400_001, 300)])
def test_auto_of_a_live_log_holds_what_can_be_drawn_quickly(
    store: Store, serve: Serve, events: int, span_s: int
) -> None:
    serve(store)
    now = data.utc_now().replace(microsecond=0)
    _log_on(store, int((now - story.at(0)).total_seconds()))
    with store.cursor() as cursor:
        ago = "?::TIMESTAMP - INTERVAL 10 MINUTE"
        many = f"SELECT * REPLACE ({ago} AS occurred_at, {ago} AS ingested_at) FROM observations"
        cursor.execute(f"INSERT INTO observations {many} WHERE event_id = 's-1' LIMIT 1", [now, now])
        copies = f"SELECT newest.* FROM ({many} LIMIT 1) AS newest, range(?)"
        cursor.execute(f"INSERT INTO observations {copies}", [now, now, events - 2])
    called = data.coverage(data.version())
    assert called.live_span == timedelta(seconds=span_s)
    open_page("events")


@pytest.mark.parametrize("window", ["auto", "15m", "all"])
def test_empty_database_has_no_window_to_show(empty_store: Store, serve: Serve, window: str) -> None:
    serve(empty_store)
    said = texts(open_page("overview", window=window))
    assert "no events yet" in said
    assert "1970" not in said


def _lose_times(store: Store, which: str) -> None:
    with store.cursor() as cursor:
        cursor.execute(f"UPDATE observations SET occurred_at = NULL WHERE {which}")


def test_deadlocks_without_a_time_are_said_to_be_there(store: Store, serve: Serve) -> None:
    _lose_times(store, "event_id = 'd-1'")
    serve(store)
    app = open_page("deadlocks")
    assert "1 deadlock without a time in no window; *all* as the window lists it" in texts(app)
    assert table(app, "Deadlocks, newest first")["occurred_at"].dt.minute.tolist() == [30]
    said = texts(open_page("overview"))
    assert "at most 1 in one hour, 1 without a time" in said
    assert "1 error, 1 without a time" in said


def test_events_that_no_window_reaches_are_said_to_be_there(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        cursor.execute("UPDATE observations SET occurred_at = '2031-01-01' WHERE event_id = 'd-1'")
    serve(store)
    assert "1 error, 1 dated in the future" in texts(open_page("overview"))
    assert "dated in the future" not in texts(open_page("overview", service="billing"))


def test_all_holds_what_has_no_time(store: Store, serve: Serve) -> None:
    _lose_times(store, "event_id = 'd-1'")
    serve(store)
    listed = table(open_page("deadlocks", window="all"), "Deadlocks, newest first")["occurred_at"]
    assert listed.isna().tolist() == [False, True]
    app = open_page("deadlocks", window="all", bar="2026-11-20T12:00:00|3600")
    assert len(table(app, "Deadlocks, newest first")) == 1
    assert (
        table(open_page("events", window="all"), "Event records, newest first")["event_id"].tolist()[-1]
        == "d-1"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", ["overview", "storms", "ordering", "chains", "deadlocks", "events", "health"]
)
@pytest.mark.parametrize("window", ["auto", "all"])
def test_log_without_any_time_is_shown_without_a_window(
    store: Store, serve: Serve, page: str, window: str
) -> None:
    _lose_times(store, "TRUE")
    serve(store)
    said = texts(open_page(page, window=window))
    assert "no event has a time" in said
    assert "1970" not in said
    if page == "deadlocks":
        assert "2 deadlocks without a time in no window" in said
