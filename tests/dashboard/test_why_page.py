"""Why: the planted cause comes first, whatever way the question is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from dashboard import differences
from stormwatch.storage import Store

from .conftest import Statements, asked_of, figures, open_page, read_sample, table, texts

Serve = Callable[..., Statements]
RANKED = "What sets the selected events apart, the best explanation first"
CHANGE = "after ordering ordered -> unordered (config) at 2026-03-02 09:01:00 UTC"
BOX = "2026-03-02T09:03:00/2026-03-02T09:05:00"


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The story that begins when somebody turns the order of a stream off."""
    yield from read_sample("storm", tmp_path_factory.mktemp("storm") / "storm.duckdb")


def test_selected_time_is_explained_by_the_planted_change(storm: Store, serve: Serve) -> None:
    statements = serve(storm)
    app = open_page("why", box=BOX)
    assert table(app, RANKED).iloc[0].tolist()[:3] == [CHANGE, 100, 100]
    assert (
        "1. **after** `ordering ordered -> unordered (config) at 2026-03-02 09:01:00 UTC`: **100\u00a0%** of "
        "the selected records."
    ) in texts(app)
    assert asked_of(statements) == [
        "alert_marks", "changes", "changes_before", "event_facets", "event_rate", "explain_difference",
    ]  # fmt: skip


def test_change_before_the_onset_is_named(storm: Store, serve: Serve) -> None:
    serve(storm)
    app = open_page("why", box=BOX)
    assert "30\u00a0min before 2026-03-02 09:03:00 UTC" in texts(app)
    changes = table(app, "Changes before the onset, latest first")
    assert changes.iloc[0].tolist()[:3] == [
        datetime.fromisoformat("2026-03-02T09:01"), "change", "ordering ordered -> unordered",
    ]  # fmt: skip


def test_changes_of_a_whole_window_are_all_of_it(store: Store, serve: Serve) -> None:
    """Nobody said when it began: a change at the start of a long window is one before it as well."""
    with store.cursor() as cursor:
        cursor.execute(
            "INSERT INTO observations SELECT * REPLACE (occurred_at - INTERVAL 5 HOUR AS occurred_at, "
            "'change' AS operation, 'limit 1 -> 5' AS message) FROM observations "
            "WHERE event_id = 'o-1' LIMIT 1"
        )
    serve(store)
    app = open_page("why", what="errors", window="all")
    assert table(app, "Changes before the onset, latest first")["subject"].tolist()[-1] == "limit 1 -> 5"


def test_marks_stand_at_the_ratios_of_the_rows(storm: Store, serve: Serve) -> None:
    serve(storm)
    app = open_page("why", box=BOX)
    marks = figures(app)["ratios"]["data"][0]
    rows = table(app, RANKED)
    # Without any selected event outside of the group there is no ratio: the mark is its lower bound.
    shown = rows["risk_ratio"].fillna(rows["risk_ratio_low"]).tolist()
    assert marks["x"] == pytest.approx(shown, abs=0.05)
    assert rows["risk_ratio_high"].isna().tolist() == rows["risk_ratio"].isna().tolist()
    assert rows["risk_ratio"].isna().any()
    assert marks["marker"]["symbol"] == ["circle-open", *["circle"] * (len(rows) - 1)]


def test_selection_of_one_stream_and_consumer_asks_of_these(storm: Store, serve: Serve) -> None:
    statements = serve(storm)
    app = open_page("why", what="late arrivals", service="billing", stream="orders", box=BOX)
    [asked] = [text for text in statements.texts if "explain_difference" in text]
    assert "of_consumer" in asked
    assert "of_stream" in asked
    app.button(key="forget_box").click().run()
    assert "box" not in app.query_params


def test_late_arrivals_are_compared_with_the_others_of_the_window(storm: Store, serve: Serve) -> None:
    serve(storm)
    groups = table(open_page("why", what="late arrivals"), RANKED)["group"].tolist()
    assert groups[:2] == ["consumer billing", "stream orders"]


def test_without_a_piece_of_time_all_of_the_window_lies_before(storm: Store, serve: Serve) -> None:
    serve(storm)
    app = open_page("why", what="late arrivals")
    assert "30\u00a0min before 2026-03-02 09:05:45 UTC" in texts(app)
    kinds = set(table(app, "Changes before the onset, latest first")["kind"])
    assert {"change", "crash", "start"} <= kinds


def test_time_before_is_another_baseline(storm: Store, serve: Serve) -> None:
    serve(storm)
    ranked = table(open_page("why", box=BOX, against="time before"), RANKED)
    # Of the 1,159 records of the window 584 are selected; those after the box are left out.
    assert CHANGE in ranked["group"].tolist()
    assert ranked["group_count"].max() <= 1159


def test_without_a_selection_the_page_says_how_to_make_one(storm: Store, serve: Serve) -> None:
    statements = serve(storm)
    app = open_page("why")
    assert "**Select what is to be explained:**" in texts(app)
    assert asked_of(statements) == ["alert_marks", "changes", "event_facets", "event_rate"]


@pytest.mark.parametrize("box", ["", "noon", "2026-03-02T09:03/2026-03-02T09:02", "2020-01-01/2020-01-02"])
def test_box_that_selects_nothing_is_none(box: str, storm: Store, serve: Serve) -> None:
    serve(storm)
    assert "**Select what is to be explained:**" in texts(open_page("why", box=box))


def test_nothing_in_common_is_said(storm: Store, serve: Serve) -> None:
    serve(storm)
    said = texts(open_page("why", what="deadlocks"))
    assert "Nothing that 20 or more of the selected deadlocks share sets them apart" in said


def _row(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "attribute": "node", "value": "n-1", "other_attribute": None, "other_value": None,
        "selected_ratio": 0.5, "rest_ratio": 0.1, "support": 0.8, "risk_ratio": 5.0, "risk_ratio_low": 3.0,
        "risk_ratio_high": 8.2, "attributable_fraction": 0.64,
    }  # fmt: skip
    return row | changes


def test_sentence_has_the_ratio_with_its_interval_and_the_share() -> None:
    assert differences.sentence(_row(), "errors") == (
        "`node` is `n-1`: **80\u00a0%** of the selected errors. There 50\u00a0% of all are selected, "
        "elsewhere 10\u00a0%: 5.0 times as likely (3.0 to 8.2, 99 %). As many as 64\u00a0% may be due to it."
    )


def test_times_as_likely_are_at_least_the_bound_where_none_is_outside() -> None:
    assert differences.times(_row()) == "5.0"
    assert differences.times(_row(risk_ratio=None)) == "at least 3.0, none is outside"


def test_group_leads_to_its_records_by_the_filters_there_are() -> None:
    pair = _row(attribute="consumer", value="billing", other_attribute="zone", other_value="eu")
    assert differences.event_filters(pair) == {"service": "billing", "search": "eu"}


def test_change_leads_to_its_second() -> None:
    row = _row(attribute="after", value="x (config) at 2026-03-02 09:01:00")
    assert differences.changed_at(row) == datetime.fromisoformat("2026-03-02T09:01")
    assert differences.event_filters(row) == {}
