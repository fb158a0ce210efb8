"""Pages for who signed in: what they may is shown, what they may not is neither shown nor done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dashboard import alert_desk, data, notes
from stormwatch import runtime
from stormwatch.errors import NotPermitted
from stormwatch.people import Person
from stormwatch.storage import Store

from .conftest import Statements, open_page, table, texts

HOSTILE = "ben@[x](http://evil.example)`<b>"
BEN = Person(HOSTILE, may_ask_sql=False, may_operate=False)
ANNA = Person("anna@shop.example", may_operate=False)

Become = Callable[[Person | None], None]


@pytest.fixture
def become(store: Store, serve: Callable[..., Statements]) -> Become:
    """Have somebody look at the story."""
    serve(store)

    def sign_in(person: Person | None) -> None:
        runtime.install(replace(runtime.current(), person=lambda _: person))

    return sign_in


@pytest.mark.parametrize("person", [BEN, None], ids=["without the right", "with a session that is over"])
def test_sql_is_neither_drawn_nor_asked_for_who_may_not(person: Person | None, become: Become) -> None:
    become(person)
    app = open_page("sql", sql="SELECT 42 AS answer")
    assert [one.value.partition(";")[0] for one in app.info] == [
        "You may look at everything here, but not ask SQL of your own"
    ]
    assert not app.text_area
    assert not app.dataframe
    with pytest.raises(NotPermitted):
        data.ask("SELECT 42", row_limit=1, timeout_s=1, while_waiting=lambda _: None)


def test_sql_is_asked_for_who_may(become: Become) -> None:
    become(ANNA)
    app = open_page("sql", sql="SELECT 42 AS answer")
    assert not app.info
    assert table(app, "Rows of the answer").to_dict("list") == {"answer": [42]}


def test_name_of_who_signed_in_is_shown_as_it_is(become: Become) -> None:
    become(BEN)
    assert f"Signed in as ``{HOSTILE}``" in texts(open_page("health"))
    become(Person())
    assert "Signed in" not in texts(open_page("health"))


def test_nobody_acts_under_another_name(
    store: Store, become: Become, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(ANNA)
    typed: dict[str, object] = {"note_text": "deploy", "note_author": "ben"}
    monkeypatch.setattr(notes.st, "session_state", typed)
    notes._add()
    with store.cursor() as cursor:
        assert cursor.execute("SELECT author, text FROM annotations").fetchall() == [(ANNA.name, "deploy")]


def test_alerts_are_acted_on_under_the_name_of_who_signed_in(
    become: Become, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(ANNA)
    done: list[object] = []
    monkeypatch.setattr(alert_desk, "desk", lambda: "the desk")
    monkeypatch.setattr(alert_desk, "change_alerts", lambda *asked: done.append(asked))
    alert_desk.change("acknowledge", "done", episode_id=1, owner="ben")
    assert done == [("the desk", "acknowledge", {"episode_id": 1, "owner": ANNA.name})]
