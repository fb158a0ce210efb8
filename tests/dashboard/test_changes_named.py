"""What changed is said in words beside the verdict, and leads to its record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stormwatch.notes import Notebook
from stormwatch.storage import Store

from . import story
from .conftest import Statements, open_page, table, texts
from .story import HOSTILE

Serve = Callable[..., Statements]


def _change(store: Store, kind: str, message: str, event_id: str) -> None:
    with store.cursor() as cursor:
        cursor.execute(
            "INSERT INTO observations SELECT * REPLACE ($kind AS operation, $message AS message) "
            "FROM observations WHERE event_id = $event_id AND operation <> 'receive'",
            {"kind": kind, "message": message, "event_id": event_id},
        )


def _links(app: Any) -> list[tuple[str, str]]:
    """Label and query of the links to records and notes."""
    found = [(link.proto.label, link.proto.query_string) for link in app.get("page_link")]
    return [(label, query) for label, query in found if "at=" in query or "note=" in query]


def test_latest_changes_are_named_with_links(store: Store, serve: Serve) -> None:
    serve(store)
    _change(store, "start", "started", "o-1")
    _change(store, "change", "limit 1 -> 5", "p-1")
    _change(store, "crash", "no memory", "s-1")
    Notebook(store).add({"text": "rolled back", "author": "kim", "at": story.at(40).isoformat()})
    app = open_page("overview")
    assert "Changed in this window:" in texts(app)
    assert [label for label, _ in _links(app)] == [
        "10:00:20 `billing: limit 1 -> 5`", "10:00:30 `shipping: no memory`", "10:00:40 `rolled back`",
    ]  # fmt: skip
    assert [query.partition("=")[0] for _, query in _links(app)] == ["at", "at", "note"]


def test_of_many_the_latest_are_named(store: Store, serve: Serve) -> None:
    serve(store)
    for number in range(5):
        _change(store, "change", f"step {number}", f"o-{number + 1}")
    app = open_page("overview")
    assert "Changed in this window, the last 3 of 5:" in texts(app)
    assert [label.rpartition("step ")[2] for label, _ in _links(app)] == ["2`", "3`", "4`"]


def test_all_of_many_are_listed_behind_a_button(store: Store, serve: Serve) -> None:
    serve(store)
    for number in range(5):
        _change(store, "change", f"step {number}", f"o-{number + 1}")
    app = open_page("overview")
    [box] = [block for block in app.get("popover") if block.proto.popover.label == "All 5"]
    assert box.proto.id.endswith("all_changes")
    app.session_state["all_changes"] = True
    app.run()
    listed = table(app, "Changes of the window, latest first")
    assert listed["subject"].tolist() == [f"step {number}" for number in (4, 3, 2, 1, 0)]


def test_few_are_all_named(store: Store, serve: Serve) -> None:
    serve(store)
    for number in range(3):
        _change(store, "change", f"step {number}", f"o-{number + 1}")
    assert not [
        block for block in open_page("overview").get("popover") if block.proto.popover.label.startswith("All")
    ]


def test_where_nothing_changed_nothing_is_said(store: Store, serve: Serve) -> None:
    serve(store)
    _change(store, "start", "started", "o-1")
    assert "Changed in this window" not in texts(open_page("overview"))


def test_text_of_a_change_is_code_in_its_link(store: Store, serve: Serve) -> None:
    serve(store)
    _change(store, "change", HOSTILE, "p-1")
    [(label, _)] = _links(open_page("overview"))
    assert label.startswith("10:00:20 ``")
    assert label.endswith("``")


def test_of_very_many_changes_the_latest_are_listed(store: Store, serve: Serve) -> None:
    serve(store)
    with store.cursor() as cursor:
        cursor.execute(
            "INSERT INTO observations SELECT observations.* REPLACE ("
            "'change' AS operation, 'step ' || step AS message, "
            "occurred_at + to_milliseconds(step) AS occurred_at) "
            "FROM observations, range(250) AS steps(step) "
            "WHERE event_id = 'o-1' AND operation <> 'receive'"
        )
    app = open_page("why", box=f"{story.at(20).isoformat()}/{story.at(40).isoformat()}")
    listed = table(app, "Changes before the onset, latest first")
    assert listed["subject"].tolist()[:1] == ["step 249"]
    assert len(listed) == 200
    assert "The latest 200 of" in texts(app)
