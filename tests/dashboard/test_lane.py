"""The change lane: its marks stand where something was changed, and lead to the record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa
import pytest

from dashboard import time_chart
from dashboard.charts import base, hotspots, lane, timeline
from dashboard.time_chart import Hand
from stormwatch.storage import Store

from . import story
from .conftest import Statements, figures, open_page
from .story import HOSTILE

Serve = Callable[..., Statements]
UNTIL = story.at(1200)
MINUTE = timedelta(minutes=1)


def _changes(*rows: tuple[float, str, str]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "note_id": 7 if kind == "note" else None,
                "occurred_at": story.at(seconds), "kind": kind, "service": "config", "subject": subject,
                "file_id": 1, "byte_offset": number * 100, "record_no": 0,
            }
            for number, (seconds, kind, subject) in enumerate(rows)
        ]
    )  # fmt: skip


def _alerts(*rows: tuple[str, float, float | None]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "episode_id": number, "rule": "storm_ahead", "severity": severity, "sentence": "it grows",
                "onset_at": story.at(onset), "resolved_at": None if over is None else story.at(over),
            }
            for number, (severity, onset, over) in enumerate(rows, start=1)
        ]
    )  # fmt: skip


NO_ALERTS = _alerts()


def _draw(changes: pa.Table, alerts: pa.Table = NO_ALERTS, **options: Any) -> go.Figure:
    rate = pa.table({"bucket_start": [story.at(0)], "event_count": [60], "error_count": [0]})
    return lane.under(
        rate, changes, alerts, make=timeline.event_rate, height=230, since=story.at(0), until=UNTIL,
        bucket=MINUTE, **{"is_selecting": False, **options},
    )  # fmt: skip


def _marks(figure: go.Figure, name: str = "changes") -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def test_mark_stands_at_the_change_and_knows_its_record() -> None:
    marks = _marks(_draw(_changes((60, "change", "limit 1 -> 5"), (600, "crash", "no memory"))))
    assert list(marks.x) == [story.at(60), story.at(600)]
    assert list(marks.customdata) == ["change:1:0:0", "change:1:100:0"]
    assert list(marks.marker.symbol) == ["diamond", "x"]
    assert "<b>change</b> config: limit 1 -&gt; 5" in marks.hovertext[0]


def test_changes_of_one_moment_share_a_mark_that_looks_like_the_worst() -> None:
    started = [(60 + number / 10, "start", f"n-{number}") for number in range(8)]
    marks = _marks(_draw(_changes(*started, (61, "crash", "n-3"))))
    assert list(marks.marker.symbol) == ["x"]
    assert marks.hovertext[0].startswith("9 changes, the last 6:")
    assert list(marks.customdata) == ["change:1:800:0"]


def test_changes_and_crashes_are_drawn_through_the_chart_starts_are_not() -> None:
    figure = _draw(_changes((60, "start", "a"), (300, "change", "b"), (600, "crash", "c")))
    assert [shape.x0 for shape in figure.layout.shapes] == [story.at(300), story.at(600)]


def test_lane_takes_its_own_room() -> None:
    changes = _changes((60, "change", "a"))
    assert lane.height_of(230, changes, NO_ALERTS) == 230 + lane.LANE_PX
    domain = _draw(changes).layout.yaxis.domain
    assert 0 < domain[0] < 0.2
    assert domain[1] == 1


def test_without_changes_there_is_no_lane() -> None:
    figure = _draw(_changes().select([]))
    assert figure.layout.yaxis.domain is None
    assert lane.height_of(230, _changes(), NO_ALERTS) == 230


def test_note_has_a_mark_of_its_own_and_leads_to_itself() -> None:
    figure = _draw(_changes((60, "change", "limit 1 -> 5"), (600, "note", "rolled back")))
    marks = _marks(figure)
    assert list(marks.marker.symbol) == ["diamond", "square"]
    assert list(marks.customdata) == ["change:1:0:0", "note:7"]
    assert marks.hovertext[1].endswith("<b>note</b> config: rolled back<br><i>click for the note</i>")
    assert len({shape.line.color for shape in figure.layout.shapes}) == 2


def test_alert_begins_and_ends_in_a_lane_of_its_own() -> None:
    alerts = _alerts(("warn", 60, 600), ("storm", 300, None), ("watch", -60, 120))
    figure = _draw(_changes((30, "change", "a")), alerts)
    marks = _marks(figure, "alerts")
    assert list(marks.x) == [story.at(60), story.at(600), story.at(300), story.at(120)]
    assert list(marks.marker.symbol) == ["star", "circle-open", "star", "circle-open"]
    assert list(marks.customdata) == ["alert:1", "alert:1", "alert:2", "alert:3"]
    assert len(set(marks.marker.color)) == 3
    assert "<b>warn</b> storm_ahead began<br>it grows" in marks.hovertext[0]
    assert list(figure.layout.yaxis9.ticktext) == ["alerts", "changes"]
    assert (marks.y[0], _marks(figure).y[0]) == (0.5, 1.5)
    spans = [(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.yref == "y9"]
    assert spans == [
        (story.at(60), story.at(600)), (story.at(300), UNTIL), (story.at(0), story.at(120)),
    ]  # fmt: skip


def test_lanes_are_there_when_they_hold_something_and_said_in_words() -> None:
    changes, alerts = _changes((60, "change", "a"), (70, "note", "b")), _alerts(("page", 60, None))
    assert lane.height_of(230, changes, alerts) == 230 + 2 * lane.LANE_PX
    assert lane.height_of(230, _changes(), alerts) == 230 + lane.LANE_PX
    assert list(_draw(_changes(), alerts).layout.yaxis9.ticktext) == ["alerts"]
    assert lane.in_words(changes, alerts) == "; below it 1 change, 1 note, 1 alert"
    assert lane.in_words(_changes(), NO_ALERTS) == ""


def test_text_of_a_change_is_not_interpreted() -> None:
    [hover] = _marks(_draw(_changes((60, "change", HOSTILE)))).hovertext
    assert "<img" not in hover
    assert "<script" not in hover


@pytest.mark.parametrize(("make", "direction"), [("bars", "h"), ("map", "any")])
def test_selecting_takes_all_of_the_height_but_of_a_heat_map(make: str, direction: str) -> None:
    if make == "bars":
        figure = _draw(_changes(), is_selecting=True)
    else:
        cells = pa.table(
            {
                "consumer": ["billing"], "stream": ["orders"], "bucket_start": [base.ORIGIN],
                "arrival_count": [1], "reordered_count": [0], "reordered_ratio": [0.0],
                "late_time_p99_ms": [None], "extent_max": [None],
            }
        )  # fmt: skip
        figure = lane.under(
            cells, _changes(), NO_ALERTS, make=hotspots.heat_map, height=200, is_selecting=True,
            since=story.at(0), until=UNTIL, bucket=MINUTE, measure="share",
        )  # fmt: skip
    assert (figure.layout.dragmode, figure.layout.selectdirection) == ("select", direction)


@pytest.mark.parametrize(
    ("page", "charts"),
    [("overview", ["rate", "deadlock_hours"]), ("ordering", ["hotspots"]), ("deadlocks", ["bars"]),
     ("why", ["when"])],
)  # fmt: skip
def test_lane_lies_under_every_chart_over_time(
    page: str, charts: list[str], store: Store, serve: Serve
) -> None:
    with store.cursor() as cursor:
        changed = "SELECT * REPLACE ('change' AS operation, 'deploy 4.2' AS message) FROM observations"
        cursor.execute(f"INSERT INTO observations {changed} WHERE event_id = 's-1'")
    serve(store)
    drawn = figures(open_page(page))
    for chart in charts:
        [marks] = [trace for trace in drawn[chart]["data"] if trace.get("name") == "changes"]
        assert marks["x"] == [story.at(30).isoformat()]
        assert "deploy 4.2" in marks["hovertext"][0]


@pytest.mark.parametrize(
    ("mark", "page", "asked"),
    [("change:1:200:0", "events", {"at": "1:200:0"}), ("note:7", "overview", {"note": "7"}),
     ("alert:3", "alerts", {"episode": "3"})],
)  # fmt: skip
def test_click_on_a_mark_leads_to_what_it_tells_of(
    mark: str, page: str, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    went = []
    chart = SimpleNamespace(click={"customdata": mark})
    monkeypatch.setattr(time_chart.st, "session_state", {"rate": chart})
    monkeypatch.setattr(time_chart.pages, "go", lambda page, **asked: went.append((page, asked)))
    time_chart._clicked("rate", Hand())
    assert went == [(page, asked)]


def test_control_above_the_page_says_what_dragging_does(store: Store, serve: Serve) -> None:
    serve(store)
    assert figures(open_page("overview", drag="explain"))["rate"]["layout"]["dragmode"] == "select"
    assert "dragmode" not in figures(open_page("overview"))["rate"]["layout"]
