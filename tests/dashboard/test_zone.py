"""The zone in the address changes what clocks say and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from dashboard import data, formatting, window, zone
from dashboard.charts import ticks, timeline
from stormwatch import export
from stormwatch.storage import Store

from . import story
from .conftest import Statements, figures, open_page, table, texts

Serve = Callable[..., Statements]
HOUR = timedelta(hours=1)
SET_BACK = datetime(2026, 10, 25, 1)  # noqa: DTZ001 - when clocks of Berlin go from 3 to 2 o'clock, UTC
SET_FORWARD = datetime(2026, 3, 29, 1)  # noqa: DTZ001 - from 2 to 3 o'clock


@pytest.fixture(autouse=True)
def zone_of_the_next_test() -> Iterator[None]:
    """Every test begins with UTC."""
    yield
    zone.use(zone.DEFAULT)


def _column(app: Any, alt: str, name: str) -> dict[str, Any]:
    """How a column of a table is configured."""
    frame = next(frame for frame in app.dataframe if frame.proto.alt == alt)
    found: dict[str, Any] = json.loads(frame.proto.columns)[name]
    return found


def test_words_are_those_of_the_clocks_of_the_zone() -> None:
    zone.use("Asia/Kathmandu")
    assert formatting.instant(story.at(0)) == "2026-11-20 15:45:00"
    assert formatting.interval(story.at(0), story.at(9 * 3600)) == "2026-11-20 15:45 – 2026-11-21 00:45"
    assert (zone.name(), zone.place()) == ("Asia/Kathmandu", "Kathmandu")


@pytest.mark.parametrize("unknown", ["Nowhere/Atlantis", "../../etc/passwd", "", None])
def test_zone_that_is_not_known_is_utc(unknown: str | None) -> None:
    zone.use(unknown)
    assert zone.name() == "UTC"


def test_every_choice_is_a_zone() -> None:
    assert zone.choices()[:2] == ("UTC", "browser")
    for name in ("Europe/Berlin", "America/Argentina/Buenos_Aires", "Pacific/Chatham"):
        assert name in zone.choices()
    for name in zone.choices()[2:]:
        zone.use(name)
        assert zone.name() == name


def test_typed_window_is_of_the_zone_and_the_address_says_its_offset() -> None:
    zone.use("Europe/Berlin")
    typed = window.in_zone("2026-11-20T11:00/2026-11-20T12:00", is_local=True)
    assert typed == "2026-11-20T11:00:00.000+01:00/2026-11-20T12:00:00.000+01:00"
    assert window.edges_of(typed) == (story.at(0), story.at(3600))


def test_window_of_the_address_without_offset_is_utc_in_any_zone() -> None:
    zone.use("Europe/Berlin")
    text = window.in_zone("2026-11-20T10:00/2026-11-20T11:00")
    assert text == "2026-11-20T11:00:00.000+01:00/2026-11-20T12:00:00.000+01:00"
    zone.use("UTC")
    assert window.in_zone(text) == "2026-11-20T10:00:00.000/2026-11-20T11:00:00.000"


@pytest.mark.parametrize(
    "text", ["auto", "90m", "a/b", "2026-11-20T10:00", "2026-11-20T11:00/2026-11-20T10:00"]
)
def test_what_is_no_absolute_window_stays_as_it_is(text: str) -> None:
    zone.use("Europe/Berlin")
    assert window.in_zone(text) == text


def test_ticks_are_round_times_of_the_zone() -> None:
    zone.use("Asia/Kathmandu")
    found = ticks.of(story.at(0), story.at(8 * 3600))
    assert found["tickvals"][:2] == ["2026-11-20T10:15:00", "2026-11-20T11:15:00"]
    assert found["ticktext"][:2] == ["16:00<br>2026-11-20", "17:00"]


def test_ticks_are_as_far_apart_as_their_instants_where_clocks_are_set() -> None:
    zone.use("Europe/Berlin")
    back = ticks.of(SET_BACK - 2 * HOUR, SET_BACK + 3 * HOUR)
    assert [text[:5] for text in back["ticktext"]] == ["01:00", "02:00", "03:00", "04:00", "05:00"]
    assert back["tickvals"] == [f"2026-10-{at}:00:00" for at in ("24T23", "25T00", "25T02", "25T03", "25T04")]
    forward = ticks.of(SET_FORWARD - 2 * HOUR, SET_FORWARD + 2 * HOUR)
    assert [text[:5] for text in forward["ticktext"] if text[3:5] == "00"] == [
        "00:00",
        "01:00",
        "03:00",
        "04:00",
        "05:00",
    ]


@pytest.mark.parametrize(
    "span", [timedelta(milliseconds=5), timedelta(seconds=7), HOUR, timedelta(days=3000)]
)
def test_no_window_has_more_than_nine_ticks_or_none(span: timedelta) -> None:
    zone.use("America/St_Johns")
    found = ticks.of(story.START, story.START + span)
    assert 1 <= len(found["tickvals"]) == len(found["ticktext"]) <= 9


def _hours(start: datetime, count: int) -> pa.Table:
    return pa.table(
        {"hour_start": [start + number * HOUR for number in range(count)], "deadlock_count": [1] * count}
    )


def test_day_on_which_clocks_are_set_back_is_a_bar_of_25_hours() -> None:
    zone.use("Europe/Berlin")
    first = datetime(2026, 10, 1)  # noqa: DTZ001 - some weeks, so that bars are of days
    figure = timeline.deadlocks_per_hour(
        _hours(first, 24 * 365), since=first, until=first + timedelta(days=365)
    )
    bars = dict(zip(figure.data[0].customdata, figure.data[0].y, strict=True))
    assert bars["2026-10-24T22:00:00|90000"] == 25
    assert bars["2026-10-25T23:00:00|86400"] == 24
    assert bars["2027-03-27T23:00:00|82800"] == 23


def test_hour_that_comes_twice_is_two_bars() -> None:
    zone.use("Europe/Berlin")
    figure = timeline.deadlocks_per_hour(
        _hours(SET_BACK - HOUR, 2), since=SET_BACK - HOUR, until=SET_BACK + HOUR
    )
    assert list(figure.data[0].y) == [1, 1]
    assert [text[:24] for text in figure.data[0].hovertext] == [
        "2026-10-25 02:00 – 02:00",
        "2026-10-25 02:00 – 03:00",
    ]


def test_pages_show_the_zone_of_the_address(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("deadlocks", zone="Asia/Kathmandu", window="2026-11-20T09:00/2026-11-20T16:00")
    said = texts(app)
    assert "2026-11-20 14:45:00 – 21:45:00 Asia/Kathmandu" in said
    assert "data to 2026-11-20 18:15:00 Kathmandu" in said
    assert "2026-11-20 18:15:00.000 Asia/Kathmandu, reported by `ledger`" in said
    bars = figures(app)["bars"]
    assert bars["layout"]["xaxis"]["title"]["text"] == "time, Asia/Kathmandu"
    full = [
        place
        for place, count in zip(bars["data"][0]["customdata"], bars["data"][0]["y"], strict=True)
        if count
    ]
    assert full == ["2026-11-20T09:15:00|3600", "2026-11-20T12:15:00|3600"]
    column = _column(app, "Deadlocks, newest first", "occurred_at")
    assert (column["label"], column["type_config"]["timezone"]) == ("at, Kathmandu", "Asia/Kathmandu")
    # The rows themselves stay UTC, and so does what is exported.
    assert table(app, "Deadlocks, newest first")["occurred_at"].dt.hour.tolist() == [12, 10]
    assert "2026-11-20 10:05:00" in export.csv_of(data.load("deadlocks").table)


def test_zone_of_the_browser_is_that_of_whoever_looks(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("overview", zone="browser")
    app.context["timezone"] = "America/Los_Angeles"
    app.run()
    said = texts(app)
    assert "2 deadlocks**, 1 of them in the hour from 2026-11-20 02:00 America/Los_Angeles" in said
    assert app.query_params["zone"] == "browser"


def test_choosing_a_zone_changes_what_is_shown(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("overview")
    app.selectbox(key="zone").select("Europe/Berlin").run()
    assert not app.exception
    assert "2026-11-20 11:00:01 – 13:30:00 Europe/Berlin" in texts(app)


def test_every_page_names_the_zone(store: Store, serve: Serve) -> None:
    serve(store)
    for page in ("overview", "storms", "ordering", "chains", "versions", "why", "events", "health"):
        app = open_page(page, zone="Europe/Berlin")
        drawn = json.dumps([figure["layout"] for figure in figures(app).values()])
        assert "UTC" not in texts(app).replace("UTC, ", ""), page
        assert "time, UTC" not in drawn
