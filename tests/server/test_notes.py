"""Notes over HTTP: added, read back as they were written, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .conftest import Served

Serve = Callable[..., Served]
HOSTILE = "**x** <img src=http://evil.example/i.png onerror=alert(1)>\n=1+1 \x1b[31m"


def _note(**changes: Any) -> dict[str, Any]:
    return {"text": "deploy 4.2", "author": "kim", "at": "2026-11-20T10:00", **changes}


def test_a_note_is_added_listed_and_taken_back(serve: Serve) -> None:
    served = serve()
    made = served.ask("POST", "/api/notes", _note(until="2026-11-20T11:30+01:00", service="billing"))
    assert made.status == 200
    assert (made.json["note_id"], made.json["noted_at"][:19]) == (1, "2026-11-20T10:00:00")
    [row] = served.get("/api/notes").json["rows"]
    assert (row["until_at"][:19], row["service"], row["author"]) == ("2026-11-20T10:30:00", "billing", "kim")
    [change] = served.get("/api/queries/changes?since=2026-11-20T10:00&until=2026-11-20T10:01").json["rows"]
    assert (change["kind"], change["subject"], change["note_id"]) == ("note", "deploy 4.2", 1)
    assert served.get("/api/notes?until=2026-11-20T10:00").json["rows"] == []
    assert served.ask("DELETE", "/api/notes/1", None).json == {"note_id": 1}
    assert served.get("/api/notes").json["rows"] == []


def test_a_number_is_never_given_again(serve: Serve) -> None:
    served = serve()
    served.ask("POST", "/api/notes", _note())
    served.ask("DELETE", "/api/notes/1", None)
    assert served.ask("POST", "/api/notes", _note()).json["note_id"] == 2


def test_text_comes_back_as_it_was_written(serve: Serve) -> None:
    served = serve()
    served.ask("POST", "/api/notes", _note(text=HOSTILE))
    [row] = served.get("/api/notes").json["rows"]
    assert row["text"] == HOSTILE


REFUSED = (
    (_note(text="  "), "the text is missing"),
    (_note(author=None), "the author is missing"),
    (_note(text="x" * 2001), "2,001 characters; at most 2,000"),
    (_note(text=7), "text must be a text"),
    (_note(at="noon"), "expected an instant"),
    (_note(at="1492-10-12"), "years 1900 to 2200"),
    (_note(until="2026-11-20T10:00"), "before it begins"),
    (_note(color="red"), "not understood: color"),
)


def test_what_is_no_note_is_refused_with_the_reason(serve: Serve) -> None:
    served = serve()
    for body, why in REFUSED:
        refused = served.ask("POST", "/api/notes", body)
        assert (refused.status, why in refused.json["error"]) == (400, True), refused.json
    assert served.get("/api/notes").json["rows"] == []


def test_a_note_that_is_not_there_cannot_be_taken_back(serve: Serve) -> None:
    refused = serve().ask("DELETE", "/api/notes/7", None)
    assert (refused.status, "there is no note 7" in refused.json["error"]) == (400, True)


def test_pages_are_told_that_something_beside_the_log_changed(serve: Serve) -> None:
    served = serve()
    before = served.store.beside_version
    served.ask("POST", "/api/notes", _note())
    assert served.store.beside_version == before + 1
