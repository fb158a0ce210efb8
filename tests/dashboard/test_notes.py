"""Notes: added in the frame of any page, seen at once under the charts, read as they were written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from dashboard import notes, zone
from stormwatch.errors import ConfigError
from stormwatch.notes import Notebook
from stormwatch.storage import Store

from . import story
from .conftest import Statements, figures, open_page, table, texts
from .story import HOSTILE

Serve = Callable[..., Statements]
LISTED = "Notes, the oldest first"


def _note(store: Store, **changes: Any) -> dict[str, object]:
    note = {"text": "deploy 4.2", "author": "kim", "at": story.at(30).isoformat(), "service": "billing"}
    return Notebook(store).add(note | changes)


def _lane(app: Any, chart: str = "rate") -> Any:
    return next(trace for trace in figures(app)[chart]["data"] if trace.get("name") == "changes")


def test_note_is_under_the_charts_with_the_next_refresh_without_a_batch(store: Store, serve: Serve) -> None:
    statements = serve(store)
    app = open_page("overview")
    assert LISTED not in [frame.proto.alt for frame in app.dataframe]
    _note(store)
    statements.clear()
    app.run()
    marks = _lane(app)
    assert (marks["x"], marks["customdata"]) == ([story.at(30).isoformat()], ["note:1"])
    assert table(app, LISTED)["text"].tolist() == ["deploy 4.2"]
    asked = [text for text in statements.texts if "data_version" not in text]
    assert len(asked) == 6, "what tells of notes or counted minutes is asked again, and nothing else"


def test_picked_note_is_read_in_full_and_taken_back(store: Store, serve: Serve) -> None:
    serve(store)
    _note(store)
    _note(store, text="rolled back", at=story.at(60).isoformat())
    app = open_page("overview", note="2")
    assert table(app, LISTED)["mark"].tolist() == ["", "●"]
    assert "rolled back" in [code.value for code in app.code]
    app.button(key="remove_note").click().run()
    assert table(app, LISTED)["text"].tolist() == ["deploy 4.2"]
    assert "note" not in app.query_params


def test_text_of_a_note_is_not_interpreted(store: Store, serve: Serve) -> None:
    serve(store)
    _note(store, text=HOSTILE, author=HOSTILE[:100], service=HOSTILE[:200])
    app = open_page("overview", note="1")
    assert HOSTILE in [code.value for code in app.code]
    outside = re.sub("`[^`]*`", "", texts(app))
    assert not [piece for piece in ("![pixel]", "<img", "<script", "[go](") if piece in outside]
    [hover] = _lane(app)["hovertext"]
    assert not [piece for piece in ("<img", "<script", "<a ") if piece in hover]


def test_form_adds_a_note_by_the_clocks_of_the_zone(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(store)
    typed = {
        "note_text": "restart", "note_at": "2026-11-20 11:00:30", "note_author": "kim",
        "zone": "Europe/Berlin",
    }  # fmt: skip
    said: dict[str, Any] = dict(typed)
    monkeypatch.setattr(notes.st, "session_state", said)
    notes._add()
    assert said["_note_said"] == (True, "Note 1 is added")
    assert said["note_text"] == ""
    with store.cursor() as cursor:
        rows = cursor.execute("SELECT noted_at, author, service, text FROM annotations").fetchall()
    assert rows == [(story.at(30), "kim", None, "restart")]
    said |= typed | {"note_author": ""}
    notes._add()
    assert said["_note_said"][0] is False
    assert "author is missing" in said["_note_said"][1]
    assert said["note_text"] == "restart", "what was typed is not lost"
    zone.use(zone.DEFAULT)


@pytest.mark.parametrize("text", ["noon", "10:00", "2026-13-01"])
def test_time_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a time"):
        notes._utc(text)


def test_alert_is_marked_under_every_chart(store: Store, serve: Serve) -> None:
    serve(store)
    with store.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alert_episodes BY NAME SELECT 7 AS episode_id, 'storm_ahead' AS rule, "
            "'a <-> b' AS episode_key, []::VARCHAR[] AS members, 'log' AS clock, 'firing' AS state, "
            "'warn' AS severity, 'it grows' AS sentence, $at AS onset_at, $at AS fired_at, "
            "$at AS evaluated_at, 1 AS fired_count, 0.8 AS value, 0.8 AS peak_value, "
            "[]::DOUBLE[] AS recent, '{}' AS details, '{}' AS evidence",
            {"at": story.at(120)},
        )
    app = open_page("overview")
    [alert] = [trace for trace in figures(app)["rate"]["data"] if trace.get("name") == "alerts"]
    assert (alert["x"], alert["customdata"]) == ([story.at(120).isoformat()], ["alert:7"])
