"""SQL: what is asked, and when; a question can be stopped, and asked again."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data
from stormwatch import readonly
from stormwatch.errors import QueryError
from stormwatch.storage import Store

from .conftest import Statements, figures, open_page, table, texts

ROWS = "Rows of the answer"
ENDLESS = "SELECT sum(a.range * b.range) FROM range(1000000000) AS a, range(1000000000) AS b"


@pytest.fixture(autouse=True)
def served(store: Store, serve: Callable[..., Statements]) -> Statements:
    """The story."""
    return serve(store)


def _run(app: AppTest, sql: str | None = None) -> AppTest:
    """Write that into the editor, if anything, and press Run."""
    if sql is not None:
        app.text_area(key="sql").set_value(sql)
    [run] = [button for button in app.button if button.label == "Run"]
    return run.click().run()


def _has_answer(app: AppTest) -> bool:
    return any(frame.proto.alt == ROWS for frame in app.dataframe)


def _ask(sql: str) -> AppTest:
    return open_page("sql", sql=sql)


def test_question_ends_with_the_run_of_the_page_that_asked_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Left(Exception):
        """As Streamlit ends a run of a page."""

    def leave(_: float) -> None:
        raise Left

    ended: list[QueryError] = []
    run = readonly.run_readonly

    def noted(*asked: Any, **options: Any) -> readonly.Answer:
        try:
            return run(*asked, **options)
        except QueryError as error:
            ended.append(error)
            raise

    monkeypatch.setattr(readonly, "run_readonly", noted)
    with pytest.raises(Left):
        data.ask(ENDLESS, row_limit=10, timeout_s=20, while_waiting=leave)
    # It did not run on until its time was up.
    assert [str(error) for error in ended] == [readonly._STOPPED]
    assert not readonly._running
    with store.cursor() as cursor:
        assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_query_that_was_stopped_says_so_and_one_stopped_before_does_not_begin(store: Store) -> None:
    stopper = readonly.Stopper()
    threading.Timer(0.2, stopper.stop).start()
    for _ in range(2):
        with store.cursor() as cursor, pytest.raises(QueryError, match="stopped before it had an answer"):
            readonly.run_readonly(cursor, ENDLESS, timeout_s=60, stopper=stopper)


def test_waiting_is_told_while_there_is_no_answer() -> None:
    told: list[float] = []
    with pytest.raises(QueryError):
        data.ask(ENDLESS, row_limit=10, timeout_s=1, while_waiting=told.append)
    assert told == sorted(told)
    assert len(told) >= 2


def test_stopped_question_is_not_asked_until_somebody_runs_it() -> None:
    app = _ask("SELECT 7 AS seven")
    app.session_state["_stopped_sql"] = "SELECT 7 AS seven"
    app.run()
    assert "Stopped before there was an answer" in texts(app)
    assert not _has_answer(app)
    app.button(key="run").click().run()
    assert table(app, ROWS).values.tolist() == [[7]]


def test_what_was_asked_can_be_asked_again() -> None:
    app = _ask("SELECT 7 AS seven")
    _run(app, "SELECT 8 AS eight")
    app.run()
    assert app.selectbox(key="asked_before").options[:2] == ["SELECT 8 AS eight", "SELECT 7 AS seven"]
    app.selectbox(key="asked_before").select("SELECT 7 AS seven").run()
    assert app.text_area(key="sql").value == "SELECT 7 AS seven"
    assert table(app, ROWS).values.tolist() == [[7]]
    assert app.selectbox(key="asked_before").value is None


def test_another_picture_of_the_answer_asks_nothing_again(served: Statements) -> None:
    sql = "SELECT range AS minute, random() AS load FROM range(5)"
    app = _ask(sql)
    before = table(app, ROWS)
    served.clear()
    app.segmented_control(key="chart_kind").set_value("line").run()
    assert table(app, ROWS).equals(before)
    assert not [text for text in served.texts if "random()" in text]
    _run(app)
    assert not table(app, ROWS).equals(before)


def test_page_that_is_opened_asks_nothing_until_somebody_runs_the_question_of_its_window(
    served: Statements,
) -> None:
    app = open_page("sql", window="1h")
    edge = r"TIMESTAMP '2026-11-20 [\d:.]+'"
    first = rf"FROM overview\(\n    since := {edge},\n    until := {edge}\n\);"
    assert re.fullmatch(first, app.text_area(key="sql").value)
    assert not _has_answer(app)
    assert not [text for text in served.texts if "FROM overview" in text]
    assert "asks what the editor holds" in texts(app)
    _run(app)
    assert len(table(app, ROWS)) == 1
    # Of all of the log, what has no time included.
    assert open_page("sql", window="all").text_area(key="sql").value == "FROM overview();"


def test_what_is_written_is_not_asked_before_somebody_runs_it(served: Statements) -> None:
    app = _ask("SELECT 7 AS seven")
    served.clear()
    app.text_area(key="sql").set_value("SELECT 8 AS eight").run()
    assert table(app, ROWS).values.tolist() == [[7]]
    assert "to what was asked before" in texts(app)
    assert not [text for text in served.texts if "eight" in text]
    _run(app)
    assert table(app, ROWS).values.tolist() == [[8]]
    assert "to what was asked before" not in texts(app)


def test_who_comes_back_to_the_page_by_a_link_sees_its_answer() -> None:
    app = _ask("SELECT 7 AS seven")
    app.switch_page("app_pages/health.py").run()
    app.query_params["sql"] = "SELECT 8 AS eight"
    app.switch_page("app_pages/sql.py").run()
    assert table(app, ROWS).values.tolist() == [[8]]


def test_query_in_the_address_is_answered() -> None:
    app = open_page("sql", sql="SELECT service, count(*) AS n FROM events GROUP BY ALL ORDER BY ALL")
    answer = table(app, "Rows of the answer")
    assert answer.values.tolist() == [["billing", 7], ["ledger", 2], ["shipping", 1], ["shop", 6]]
    assert figures(app)["quick"]["data"][0]["y"] == [7, 2, 1, 6]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("DELETE FROM observations", "DELETE statements are refused"),
        ("SELECT 1; SELECT 2", "expected one statement, got 2"),
        ("SELECT nothing FROM events", "nothing"),
    ],
)
def test_what_cannot_be_answered_says_why(sql: str, why: str) -> None:
    app = open_page("sql", sql=sql)
    assert "This cannot be answered" in texts(app)
    assert why in app.code[-1].value


def test_relation_in_the_address_shows_its_columns() -> None:
    columns = table(open_page("sql", relation="swapped_pairs"), "Columns of the relation")
    assert "overtaken_by" in columns["column"].tolist()


def test_picked_relation_is_written_into_the_editor() -> None:
    app = open_page("sql", window="all")
    app.selectbox(key="relation").select("deadlocks").run()
    assert app.text_area(key="sql").value == "FROM deadlocks();"
    app.text_input(key="p_since").set_value("2026-11-20 12:00:00").run()
    assert app.text_area(key="sql").value == "FROM deadlocks(\n    since := '2026-11-20 12:00:00'\n);"
    [run] = [button for button in app.button if button.label == "Run"]
    run.click().run()
    assert len(table(app, "Rows of the answer")) == 1


def test_picked_relation_is_asked_of_the_window_of_the_page_where_it_has_one() -> None:
    app = open_page("sql", window="1h")
    app.selectbox(key="relation").select("deadlocks").run()
    since = app.text_input(key="p_since").placeholder
    assert re.fullmatch(r"2026-11-20 [\d:.]+", since)
    assert f"since := TIMESTAMP '{since}',\n    until := TIMESTAMP '2026" in app.text_area(key="sql").value
    app.selectbox(key="relation").select("data_version").run()
    assert app.text_area(key="sql").value == "FROM data_version;"
