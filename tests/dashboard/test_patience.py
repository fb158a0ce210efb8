"""Pages that ask what takes long: they are drawn without it, and with it when it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from streamlit.runtime.caching import clear_session_resource_cache
from streamlit.testing.v1 import AppTest

from dashboard import patience
from dashboard.patience import Asked
from dashboard.questions import Found, Question, Questions
from stormwatch.catalog import Catalog
from stormwatch.errors import QueryError
from stormwatch.readonly import Stopper
from stormwatch.storage import Store

from . import story
from .conftest import Statements, asked_of, open_page, read_logs, table, texts
from .test_convoys import LISTED, write_convoy

SLOW = "lock_convoys"
STILL = "**Still being answered:** where did owners queue for a lock"
Serve = Callable[..., Statements]
ROWS: Found = (pa.table({"number": [1]}), 1.0)
NEVER = "SELECT count(*) AS number FROM range(1000000000) AS a, range(1000000000) AS b"
NEXT_BATCH = (
    "INSERT INTO batches SELECT max(batch_id) + 1, max(committed_at), 1, 0, 0, NULL, 1.0 FROM batches"
)
PARAMETERS = "since := NULL, until := NULL, wait_min := NULL, row_limit := 100"


class Gate:
    """A question that is answered when the gate opens, or when it is stopped."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.count = 0

    def put(self, stopper: Stopper) -> Found:
        self.count += 1
        while not self.opened.wait(0.01):
            if stopper.is_used:
                raise QueryError("stopped")
        return ROWS


def over(question: Question) -> bool:
    """Whether it comes to an end."""
    return question.wait(30)


def test_what_two_ask_is_asked_once_and_goes_on_for_the_one_who_stays() -> None:
    questions, gate = Questions(), Gate()
    first = questions.ask("key", "gaps", gate.put, "a")
    assert questions.ask("key", "gaps", gate.put, "b") is first
    questions.give_up(first, "a")
    gate.opened.set()
    assert over(first)
    assert questions.take(first) is ROWS
    assert gate.count == 1


def test_what_nobody_wants_any_more_is_stopped() -> None:
    questions, gate = Questions(), Gate()
    question = questions.ask("key", "gaps", gate.put, "a")
    questions.give_up(question, "a")
    assert over(question)
    with pytest.raises(QueryError, match="stopped"):
        questions.take(question)
    assert questions.ask("key", "gaps", gate.put, "a") is not question
    gate.opened.set()


def test_nobody_waits_for_what_somebody_else_asked_nor_for_what_every_page_needs() -> None:
    questions, slow, quick = Questions(), Gate(), Gate()
    quick.opened.set()
    asked = [questions.ask(number, "gaps", slow.put, "a") for number in range(9)]
    assert over(questions.ask("other", "gaps", quick.put, "b"))
    own = questions.ask("own", "gaps", quick.put, "a")
    assert over(questions.ask("coverage", "log_coverage", quick.put, "a", is_first=True))
    assert not own.is_over
    assert slow.count == 2
    slow.opened.set()
    assert all(over(question) for question in (*asked, own))


def test_what_somebody_asked_who_closed_the_page_is_stopped() -> None:
    there = {"a", "b"}
    questions, gate = Questions(is_there=there.__contains__), Gate()
    mine = questions.ask("mine", "gaps", gate.put, "a")
    ours = questions.ask("ours", "gaps", gate.put, "a")
    questions.ask("ours", "gaps", gate.put, "b")
    waits = questions.ask("waits", "gaps", gate.put, "a")
    there.remove("a")
    questions.ask("theirs", "gaps", gate.put, "b")
    assert over(mine)
    assert over(waits)
    assert not ours.is_over
    gate.opened.set()
    assert over(ours)


def test_what_somebody_asked_who_leaves_is_stopped_at_once_and_asked_again_when_they_are_back() -> None:
    questions, gate = Questions(), Gate()
    mine = questions.ask("mine", "gaps", gate.put, "a")
    ours = questions.ask("ours", "gaps", gate.put, "a")
    questions.ask("ours", "gaps", gate.put, "b")
    waits = questions.ask("waits", "gaps", gate.put, "a")
    questions.leave("a")
    assert over(mine)
    assert over(waits)
    assert not ours.is_over
    assert not questions.keeps(mine)
    assert questions.ask("mine", "gaps", gate.put, "a") is not mine
    gate.opened.set()
    assert over(ours)


def test_a_failure_is_kept_for_half_a_minute_or_until_somebody_asks_again() -> None:
    now_s = 0.0
    questions, gate = Questions(lambda: now_s), Gate()
    gate.opened.set()

    def fail(_: Stopper) -> Found:
        raise QueryError("no memory")

    failed = questions.ask("key", "gaps", fail)
    assert over(failed)
    for _ in range(2):
        with pytest.raises(QueryError, match="no memory"):
            questions.take(failed)
    now_s = 30
    assert questions.ask("key", "gaps", gate.put) is failed
    now_s = 31
    again = questions.ask("key", "gaps", fail)
    assert again is not failed
    assert over(again)
    questions.forget_failures()
    assert questions.ask("key", "gaps", gate.put) is not again


def test_only_a_window_that_moved_on_shows_what_was_answered_before() -> None:
    def asked(seconds: float, **more: object) -> Asked:
        arguments = {"since": story.at(seconds), "until": story.at(seconds + 60), "stream": "a"}
        return Asked("shop", "gaps", {**arguments, **more}, 1, 0)

    assert asked(10).follows(asked(0))
    assert asked(0).follows(asked(0))
    assert not asked(0).follows(asked(10))
    assert not asked(10).follows(asked(0, stream="b"))
    assert not asked(10).follows(asked(0, row_limit=1))


@pytest.fixture
def queued(tmp_path: Path) -> Iterator[Store]:
    """A log with convoys, read."""
    write_convoy(tmp_path / "logs")
    yield from read_logs(tmp_path / "logs", tmp_path / "queued.duckdb")


def slow_down(cursor: duckdb.DuckDBPyConnection) -> None:
    """Have the relation of convoys never answer."""
    cursor.execute(f"CREATE OR REPLACE MACRO lock_convoys({PARAMETERS}) AS TABLE {NEVER}")


class Noted(Questions):
    """Keeps what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Question] = []

    def ask(
        self,
        key: Hashable,
        name: str,
        put: Callable[[Stopper], Found],
        asker: str = "",
        *,
        is_first: bool = False,
    ) -> Question:
        question = super().ask(key, name, put, asker, is_first=is_first)
        self.all.append(question)
        return question


def press(app: AppTest, label: str) -> AppTest:
    """Press the button with that label."""
    [button] = [one for one in app.button if one.label == label]
    return button.click().run()


def until_not(app: AppTest, text: str) -> str:
    """Draw the page until it does not say that any more; what it says then."""
    for _ in range(300):
        said = texts(app)
        if text not in said:
            return said
        time.sleep(0.1)
        app.run()
    raise AssertionError(f"it goes on saying {text!r}")


def test_a_slow_question_is_named_in_its_place_and_can_be_stopped_and_asked_again(
    queued: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(queued)
    monkeypatch.setattr(patience, "WAIT_S", 2.0)
    with queued.cursor() as cursor:
        slow_down(cursor)
        app = open_page("deadlocks", look="Lock order", window="all")
        said = texts(app)
        assert STILL in said
        assert "**No lock-order inversion** in this window" in said
        said = until_not(press(app, "Stop"), STILL)
        assert "**This could not be asked.**" in said
        assert any("the query was stopped before it had an answer" in one.value for one in app.code)
        cursor.execute(NEXT_BATCH)
        assert "**This could not be asked.**" in texts(app.run()), "the log went on, and it is asked again"
        cursor.execute(Catalog.load()[SLOW].sql)
    monkeypatch.setattr(patience, "WAIT_S", 60.0)
    assert list(table(press(app, "Ask again"), LISTED)["resource"]) == ["accounts", "orders"]


def test_a_page_that_follows_the_log_shows_what_it_showed_until_the_answer_comes(
    queued: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(queued)
    monkeypatch.setattr(patience, "questions", noted := Noted())
    app = open_page("deadlocks", look="Lock order", window="all")
    before = table(app, LISTED)
    monkeypatch.setattr(patience, "WAIT_S", 0.5)
    with queued.cursor() as cursor:
        slow_down(cursor)
        cursor.execute(NEXT_BATCH)
    app.run()
    assert table(app, LISTED).equals(before)
    assert STILL not in texts(app)
    # Another view has shown nothing yet.
    app.query_params["stream"] = "orders"
    app.run()
    assert STILL in texts(app)
    asked = {question for question in noted.all if question.name == SLOW and not question.is_over}
    assert len(asked) == 1, "what was being asked is not asked a second time"
    # What one page asks nobody wants on another.
    app.switch_page("app_pages/health.py").run()
    assert all(over(question) for question in asked)


def test_what_a_page_asks_ends_when_streamlit_lets_go_of_its_session(
    queued: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(queued)
    monkeypatch.setattr(patience, "questions", noted := Noted())
    monkeypatch.setattr(patience, "WAIT_S", 2.0)
    with queued.cursor() as cursor:
        slow_down(cursor)
    app = open_page("deadlocks", look="Lock order", window="all")
    assert STILL in texts(app)
    [asked] = {question for question in noted.all if question.name == SLOW}
    assert not asked.is_over
    [session] = asked.askers
    clear_session_resource_cache("of somebody else")
    assert not asked.stopper.is_used
    clear_session_resource_cache(session)
    assert over(asked)
    # A browser that lost its connection comes back to the session, and to what it was about to see.
    assert STILL in texts(app.run())
    [again] = {question for question in noted.all if question.name == SLOW and not question.is_over}
    again.stop()
    assert over(again)


@pytest.mark.parametrize(
    ("page", "name", "below"),
    [
        ("ordering", "swapped_pairs", "What would order cost?"),
        ("ordering", "order_loss", "What would order cost?"),
        ("ordering", "gaps", "Who loses most order?"),
        ("ordering", "reorder_hotspots", "What would order cost?"),
        ("storms", "loop_gain", "What else announces a storm?"),
        ("events", "event_records", "Who logs what?"),
        ("events", "event_facets", "Events"),
        ("health", "ingest_rate", "How far is each file read?"),
    ],
)
def test_a_panel_that_cannot_be_asked_keeps_no_other_from_being_drawn(
    store: Store, serve: Serve, page: str, name: str, below: str
) -> None:
    serve(store)
    with store.cursor() as cursor:
        parameters = ", ".join(f"{one.name} := NULL" for one in Catalog.load()[name].parameters)
        cursor.execute(f"CREATE OR REPLACE MACRO {name}({parameters}) AS TABLE SELECT error('no memory')")
    app = open_page(page, window="all")
    assert "**This could not be asked.**" in texts(app)
    assert below in [one.value for one in app.subheader]


@pytest.mark.slow
def test_what_is_there_is_not_asked_again_while_something_is_missing(
    queued: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = serve(queued)
    monkeypatch.setattr(patience, "WAIT_S", 2.0)
    with queued.cursor() as cursor:
        slow_down(cursor)
        app = open_page("deadlocks", look="Lock order", window="all")
        assert STILL in texts(app)
        statements.clear()
        cursor.execute(NEXT_BATCH)
        app.run()
        assert STILL in texts(app)
        assert asked_of(statements) == []
        until_not(press(app, "Stop"), STILL)
        # Now that nothing is missing the page is of the newest data.
        statements.clear()
        app.run()
        assert "lock_order_inversions" in asked_of(statements)


@pytest.mark.parametrize(
    ("page", "name", "there", "comes"),
    [
        ("ordering", "reorder_hotspots", "Which events swapped?", "Hotspots"),
        *(
            pytest.param(*page, marks=pytest.mark.slow)
            for page in (
                ("ordering", "event_facets", "Hotspots", ""),
                ("storms", "loop_gain", "What else announces a storm?", ""),
                ("events", "event_records", "Who logs what?", "Events"),
            )
        ),
    ],
)
def test_page_is_there_before_what_is_asked_first(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch, page: str, name: str, there: str, comes: str
) -> None:
    serve(store)
    monkeypatch.setattr(patience, "questions", noted := Noted())
    monkeypatch.setattr(patience, "WAIT_S", 1.0)
    with store.cursor() as cursor:
        parameters = ", ".join(f"{one.name} := NULL" for one in Catalog.load()[name].parameters)
        cursor.execute(f"CREATE OR REPLACE MACRO {name}({parameters}) AS TABLE {NEVER}")
        app = open_page(page, window="all")
        # What waits for nothing comes within a drawing or two, the slow one after what nobody waits for.
        until(app, lambda: there in panels(app))
        assert comes not in panels(app)
        slow = [question for question in noted.all if question.name == name]
        assert len(set(slow)) == 1
        assert not slow[0].is_over
        cursor.execute(Catalog.load()[name].sql)
    slow[0].stop()
    assert over(slow[0])
    noted.forget_failures()
    monkeypatch.setattr(patience, "WAIT_S", 60.0)
    app.run()
    assert "**Still being answered:**" not in texts(app)
    assert {there, comes} - {""} <= panels(app)


def panels(app: AppTest) -> set[str]:
    """The titles of the panels that are drawn."""
    return {one.value for one in app.subheader}


def until(app: AppTest, is_so: Callable[[], bool]) -> None:
    """Draw the page until that is so."""
    for _ in range(100):
        if is_so():
            return
        time.sleep(0.1)
        app.run()
    raise AssertionError("it does not come")
