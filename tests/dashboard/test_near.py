"""Of a window with very many events, panels that read events show the newest part and say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dashboard import near
from dashboard.window import Window
from stormwatch.minutes.keeper import Minutes
from stormwatch.storage import Store

from .conftest import Statements, asked_of, figures, open_page, read_sample, table, texts

Serve = Callable[..., Statements]
SINCE = datetime(2026, 11, 20, 10)  # noqa: DTZ001
MINUTE = timedelta(minutes=1)
WINDOW = Window("all", SINCE, SINCE + 10 * MINUTE, is_absolute=False)
PAIRS = "Events that arrived after one with a greater number"


@pytest.fixture(autouse=True)
def little_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 1,000 events are too many, 400 are not."""
    monkeypatch.setattr(near, "_EVENTS_READ", 1_000)
    monkeypatch.setattr(near, "EVENTS_AT_ONCE", 400)


@pytest.fixture
def still_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """The story has 850 records: too many by far."""
    monkeypatch.setattr(near, "_EVENTS_READ", 400)
    monkeypatch.setattr(near, "EVENTS_AT_ONCE", 300)


@pytest.fixture(scope="module")
def unordered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A story in which events come late."""
    yield from read_sample("unordered", tmp_path_factory.mktemp("unordered") / "unordered.duckdb")


def rates(*counts: int) -> list[dict[str, object]]:
    """Rows of event_rate, of minutes."""
    return [{"bucket_start": SINCE + n * MINUTE, "event_count": count} for n, count in enumerate(counts)]


@pytest.mark.parametrize(
    ("counts", "minutes"),
    [
        ((500, 500), None),
        ((900, 0, 300), 2.5),
        ((200,) * 10, 8),
        ((900, 100, 100, 100, 100, 0, 0, 0, 0, 0), 1),
        ((0, 0, 0, 0, 0, 0, 0, 0, 0, 1600), 9.75),
    ],
)  # fmt: skip
def test_newest_part_holds_as_many_as_are_read_at_once(
    counts: tuple[int, ...], minutes: float | None
) -> None:
    expected = None if minutes is None else SINCE + minutes * MINUTE
    if counts == (900, 0, 300):
        expected = SINCE + 1 * MINUTE - MINUTE * (100 / 900)
        expected = expected.replace(microsecond=expected.microsecond // 1000 * 1000)
    assert near.newest_since(rates(*counts), WINDOW, MINUTE) == expected


def test_first_and_last_bucket_count_as_far_as_they_lie_in_the_window() -> None:
    half = replace(WINDOW, until=SINCE + 9.5 * MINUTE)
    assert near.newest_since(rates(*[0] * 9, 1600), half, MINUTE) == half.until - MINUTE / 8


def test_part_looks_back_as_far_as_it_is_long() -> None:
    part = replace(WINDOW, near_since=SINCE + 8 * MINUTE).near
    assert (part.since, part.until, part.lookback) == (SINCE + 8 * MINUTE, WINDOW.until, 2 * MINUTE)
    assert part.scope == {"since": part.since, "until": part.until}
    assert part.near is part


@pytest.mark.usefixtures("still_less")
def test_ordering_shows_the_newest_part_until_all_is_asked_for(unordered: Store, serve: Serve) -> None:
    statements = serve(unordered)
    app = open_page("ordering")
    assert "are those of the newest" in texts(app)
    some = table(app, PAIRS)
    statements.clear()
    app.button(key="read_all").click().run()
    everything = table(app, PAIRS)
    assert len(everything) > len(some) > 0
    assert everything["occurred_at"].min() < some["occurred_at"].min()
    assert "which may take long" in texts(app)
    assert app.query_params["read"] == "all"
    assert {"swapped_pairs", "order_loss", "gaps"} <= set(asked_of(statements))
    app.button(key="read_all").click().run()
    assert len(table(app, PAIRS)) == len(some)


@pytest.mark.usefixtures("still_less")
def test_heat_map_shows_all_of_the_window_where_it_is_counted(unordered: Store, serve: Serve) -> None:
    minutes = Minutes(unordered)
    with unordered.cursor() as cursor:
        [(newest,)] = cursor.execute("SELECT max(occurred_at) FROM events").fetchall()
    while minutes.keep(newest + timedelta(hours=1)):
        minutes.rest_no_more()
    minutes.close()
    statements = serve(unordered)
    app = open_page("ordering")
    assert "reorder_history" in asked_of(statements)
    drawn = figures(app)["hotspots"]
    assert "one cell is 5\u00a0min" in texts(app)
    assert drawn["data"][0]["type"] == "heatmap"


@pytest.mark.usefixtures("still_less")
def test_other_pages_read_the_newest_part_too(unordered: Store, serve: Serve) -> None:
    serve(unordered)
    for page, more in (("overview", {}), ("chains", {}), ("versions", {}), ("deadlocks", {"look": "Loops"})):
        assert "are those of the newest" in texts(open_page(page, **more)), page


@pytest.mark.usefixtures("still_less")
def test_what_is_selected_is_compared_with_what_is_around_it(unordered: Store, serve: Serve) -> None:
    statements = serve(unordered)
    with unordered.cursor() as cursor:
        [(first, last)] = cursor.execute("SELECT min(occurred_at), max(occurred_at) FROM events").fetchall()
    middle = first + (last - first) / 2
    box = f"{middle.isoformat()}/{(middle + timedelta(seconds=2)).isoformat()}"
    app = open_page("why", window="all", box=box)
    assert "The selected events and those around them are those of the newest" in texts(app)
    assert "explain_difference" in asked_of(statements)


def test_a_small_log_is_read_as_a_whole(
    unordered: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "_EVENTS_READ", 10_000_000)
    serve(unordered)
    assert "are those of the newest" not in texts(open_page("ordering"))
