"""Every tile of Overview shows how its number came about, of what is picked, or why it is not known."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from dashboard import near
from stormwatch.minutes.keeper import Minutes
from stormwatch.storage import Store

from . import story
from .conftest import Statements, asked_of, figures, open_page, table, texts

Serve = Callable[..., Statements]
MINUTE = "2026-11-20T10:00/2026-11-20T10:01"
"""Of the story: what is sent, received and caused."""


def _bars(app: Any) -> dict[str, list[int]]:
    """Label -> numbers of the bars that are drawn, of the tiles that have a picture."""
    found = {}
    for one in app.get("html"):
        shown = re.search('alt="(.+) over time"', one.proto.body)
        if shown:
            ends = re.findall(r"M([\d.]+) 24V", unquote(one.proto.body))
            found[shown[1]] = [round(float(end) / 5 - 0.5) for end in ends]
    return found


def _tiles(app: Any) -> list[str]:
    """The numbers: what stands in bold and alone."""
    alone = re.compile(r"\*\*([^*]+)\*\*")
    return [found[1] for element in app.markdown if (found := alone.fullmatch(element.value))]


def test_every_tile_shows_when_what_it_counts_was(store: Store, serve: Serve) -> None:
    serve(store)
    bars = _bars(open_page("overview", window=MINUTE))
    assert list(bars) == [
        "Events", "Storm outlook", "Out of order", "Lost", "Duplicates", "Deadlocks", "Rejected lines",
    ]  # fmt: skip
    # A bar is of 1.25 s: at 12.4 s an order came late, at 15 s one came again.
    assert (bars["Out of order"], bars["Duplicates"]) == ([9], [12])
    assert bars["Storm outlook"] == bars["Lost"] == bars["Deadlocks"] == []


def test_lost_numbers_are_where_they_were_missed(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        cursor.execute(
            "INSERT INTO observations SELECT * REPLACE ('o-9' AS event_id, 'o-9' AS message_id, "
            "7 AS sequence, occurred_at + INTERVAL 2 MINUTE AS occurred_at) "
            "FROM observations WHERE event_id = 'o-6' AND operation = 'receive'"
        )
    serve(store)
    app = open_page("overview", window=MINUTE)
    assert _tiles(app)[3] == "1"
    assert _bars(app)["Lost"] == [11]  # number 5 came 14 s after the beginning, and 4 never did


def test_rejected_lines_are_shown_by_the_time_of_reading(store: Store, serve: Serve) -> None:
    serve(store)
    read = story.at(9000)
    edges = f"{(read - timedelta(minutes=24)).isoformat()}/{(read + timedelta(minutes=24)).isoformat()}"
    app = open_page("overview", window=edges)
    assert len(_bars(app)["Rejected lines"]) == 1
    assert "in quarantine, of any time; bars: when they were read" in texts(app)
    assert "none was read in this window" in texts(open_page("overview", window=MINUTE))


def test_what_cannot_be_measured_says_so_and_has_no_picture(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("overview", window="2026-11-20T12:00/2026-11-20T13:00")
    assert {"Storm outlook", "Out of order", "Lost"} & set(_bars(app)) == set()
    assert texts(app).count("not measurable: no sequence numbers to tell by") == 2
    assert "no record names its cause" in texts(app)


@pytest.mark.parametrize(
    ("picked", "tiles"),
    [
        ({"service": "billing"}, ["7", "no loop", "20\u00a0%", "0", "1", "0", "1"]),
        ({"service": "ledger"}, ["2", "no loop", "–", "–", "0", "2", "1"]),
        ({"stream": "effects"}, ["2", "no loop", "–", "–", "0", "2", "1"]),
        ({"event_type": "order.created"}, ["12", "no loop", "20\u00a0%", "0", "1", "2", "1"]),
        (
            {"service": "billing", "event_type": "payment.captured"},
            ["1", "no loop", "20\u00a0%", "0", "1", "0", "1"],
        ),
    ],
)  # fmt: skip
def test_numbers_are_those_of_what_is_picked(
    store: Store, serve: Serve, picked: dict[str, str], tiles: list[str]
) -> None:
    serve(store)
    app = open_page("overview", **picked)
    assert _tiles(app) == tiles
    assert "Of what is picked above" in texts(app)
    drawn = figures(app)["rate"]["data"]
    assert round(sum(sum(trace["y"]) for trace in drawn) * 60) == int(tiles[0])  # a bar is a minute


def test_what_a_filter_does_not_narrow_is_said(store: Store, serve: Serve) -> None:
    serve(store)
    said = texts(open_page("overview", service="billing", event_type="order.created"))
    assert "1 of 5 arrivals; of every type" in said
    assert "in quarantine, of any time; none was read in this window; of every service and type" in said
    assert "none goes through the picked type; of every service" in said
    assert "filter does not narrow this" not in texts(open_page("overview"))
    assert "Of every service: the filter does not narrow this" in said  # of chains


def test_chains_are_those_that_begin_with_the_type(store: Store, serve: Serve) -> None:
    serve(store)
    chains = table(open_page("overview", event_type="order.created"), "Largest chains")
    assert chains["root_id"].tolist() == ["o-1"]
    assert "**No chain** in this window" in texts(open_page("overview", event_type="deadlock"))


def test_places_that_a_filter_leaves_none_of_say_so(store: Store, serve: Serve) -> None:
    serve(store)
    assert "clear a filter" in texts(open_page("overview", stream="effects"))


def test_find_leads_to_the_records_with_the_text(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("overview", service="billing")
    app.text_input(key="find").set_value("payment").run()
    assert table(app, "Event records, newest first")["event_id"].tolist() == ["p-1"]
    assert (app.text_input(key="search").value, app.selectbox(key="service").value) == ("payment", "billing")


def test_filter_is_kept_from_overview_to_storms_and_back(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("overview")
    app.selectbox(key="service").select("ledger").run()
    for page in ("storms", "deadlocks", "overview"):
        app.switch_page(f"app_pages/{page}.py").run()
        assert app.selectbox(key="service").value == "ledger"
    assert _tiles(app)[0] == "2"


def test_bars_of_a_long_window_are_those_that_were_counted(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "_EVENTS_READ", 12)
    monkeypatch.setattr(near, "EVENTS_AT_ONCE", 5)
    minutes = Minutes(store)
    while minutes.keep(story.at(9000) + timedelta(hours=1)):
        minutes.rest_no_more()
    minutes.close()
    statements = serve(store)
    app = open_page("overview", window="2026-11-20T10:00/2026-11-20T12:30:01")
    assert "reorder_history" in asked_of(statements)
    assert "bars: all of this window" in texts(app)
    assert _tiles(app)[2] == "–"  # of the newest part, in which nothing arrived
    assert _bars(app)["Out of order"] == [0]
    assert _bars(app)["Duplicates"] == [0]
