"""The list of the first run: what is done, what is not, and what to do about each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboard import first_run
from dashboard.first_run import Item, items
from stormwatch.alerts.config import AlertConfig, Route
from stormwatch.alerts.desk import Desk
from stormwatch.status import IngestStatus
from stormwatch.storage import Store

from .conftest import Statements, open_page, texts

Serve = Callable[..., Statements]
COVERAGE = {"event_count": 20, "reject_count": 0}
FIELDS = ("id", "cause", "sequence", "service", "time")


def _known(**counts: int) -> list[dict[str, Any]]:
    return [{"field": name, "known_count": counts.get(name, 0), "event_count": 20} for name in FIELDS]


def _items(directory: Path | str = "", **given: Any) -> dict[str, Item]:
    status = given.get("status") or IngestStatus(state="idle", directory=str(directory), files=2)
    listed = items(
        status, given.get("coverage", COVERAGE), given.get("reasons", []),
        given.get("known", _known(**dict.fromkeys(FIELDS, 20))), given.get("desk"),
    )  # fmt: skip
    return {item.title: item for item in listed}


def test_what_is_done_says_how_much(tmp_path: Path) -> None:
    found = _items(tmp_path, known=_known(id=20, cause=5, service=20, time=20))
    assert found["A directory is watched"] == Item(True, "A directory is watched", f"`{tmp_path}`")
    assert found["There are log files"].said == "2 files found"
    assert found["Lines are read"].said == "20 events so far"
    assert found["Which event caused it"].said == "known of 25\u00a0% of the events"
    missing = [title for title, item in found.items() if not item.is_done]
    assert missing == ["Which number its producer gave it", "Somebody is told of alerts"]


def test_field_that_no_event_has_names_the_pages_and_the_option() -> None:
    [item] = [item for item in _items(known=_known(id=20)).values() if "caused" in item.title]
    assert (
        item.said == "not known of any event; without it there is nothing to say of Chains, Storms and loops"
    )
    assert item.todo == "stormwatch up DIR --map cause=FIELD"


def test_every_field_that_is_counted_has_its_use() -> None:
    assert set(first_run._USES) == set(FIELDS)


def test_directory_that_is_gone_fails_or_is_none_is_said(tmp_path: Path) -> None:
    gone = tmp_path / "no such"
    item = _items(gone)["A directory is watched"]
    assert (item.is_done, item.todo) == (False, f"ls -ld '{gone}'")
    assert "cannot be read" in item.said
    assert _items("")["A directory is watched"].todo == "stormwatch up DIR"
    failed = IngestStatus(state="failed", directory=str(tmp_path), detail="no space")
    assert _items(status=failed)["A directory is watched"].said.endswith(": `no space`")


def test_rejected_lines_come_with_the_likely_remedy() -> None:
    reasons = [{"reason": "not a JSON object", "remedy": "look at the line"}, {"reason": "x", "remedy": "y"}]
    item = _items(coverage={"event_count": 1, "reject_count": 3}, reasons=reasons)["Lines are understood"]
    assert item.said == (
        "3 lines were rejected, most because: `not a JSON object`. What helps: `look at the line`"
    )
    assert item.todo == "stormwatch rejects --reasons"


def test_route_that_is_set_is_enough(tmp_path: Path, store: Store) -> None:
    route = Route("log", "stdout")
    item = _items(tmp_path, desk=Desk(store, AlertConfig({}, {"log": route})))["Somebody is told of alerts"]
    assert (item.is_done, item.said) == (True, "by 1 route")


def test_overview_of_an_empty_database_lists_what_to_do(empty_store: Store, serve: Serve) -> None:
    serve(empty_store, IngestStatus(state="idle", directory="/no/such", files=0))
    app = open_page("overview")
    assert "Is all set up? 1 of 5" in texts(app)
    commands = [code.value for code in app.code]
    assert "ls -ld /no/such" in commands
    assert commands.count("stormwatch check /no/such") == 2
    assert "Is all set up?" not in texts(open_page("storms"))


def test_list_goes_when_it_is_hidden(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("overview")
    assert "Is all set up? 7 of 10" in texts(app)
    assert "**Lines are understood**: 1 line was rejected, most because: `not a JSON object`" in texts(app)
    app.button(key="hide_first_run").click().run()
    assert "Is all set up?" not in texts(app)
    assert app.query_params["setup"] == "hidden"
    assert "Is all set up?" not in texts(open_page("overview", setup="hidden"))


def test_list_goes_when_there_are_events(store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_run, "NEARLY_EMPTY", 16)
    statements = serve(store)
    assert "Is all set up?" not in texts(open_page("overview"))
    assert not [text for text in statements.texts if "known_fields" in text]


def test_list_goes_when_all_is_done(store: Store, serve: Serve, tmp_path: Path) -> None:
    with store.cursor() as cursor:
        cursor.execute("DELETE FROM rejects")
    route = Route("log", "stdout")
    desk = Desk(store, AlertConfig({}, {"log": route}))
    serve(store, IngestStatus(state="idle", directory=str(tmp_path), files=1), desk)
    assert "Is all set up?" not in texts(open_page("overview"))


def test_health_says_what_is_known_of_the_events(store: Store, serve: Serve) -> None:
    serve(store)
    said = texts(open_page("health"))
    assert "**Which event caused it**: known of 12.5\u00a0% of the events" in said
    assert "**When it happened**: known of 100\u00a0% of the events" in said
