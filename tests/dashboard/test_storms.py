"""The storm of sample_logs on the pages: what they say is what the relations answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data, formatting
from stormwatch import runtime
from stormwatch.catalog import Catalog
from stormwatch.storage import Store

from .conftest import Statements, figures, install, open_page, read_sample, table, texts

Serve = Callable[..., Statements]
Opened = dict[str, AppTest]
LOOP = "order.confirmed <-> order.item_added <-> order.resubmitted <-> payment.compensated"
SCALE = {"bucket": timedelta(seconds=2), "span": timedelta(seconds=30), "baseline": timedelta(minutes=48)}
EDGES = "Causes and effects that make up the gain of the loop"
SIGNS = "Signs of storms that need no causes"
PAIRS = "Events that arrived after one with a greater number"
LOOPS = "Loops of the window and the last known of each"


def at(text: str) -> datetime:
    """A time of day of the story."""
    return datetime.fromisoformat(f"2026-03-02T{text}")


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The story in which a loop feeds on itself until everything dies."""
    yield from read_sample("storm", tmp_path_factory.mktemp("storm") / "storm.duckdb")


def _open(store: Store, *names: str) -> Opened:
    install(store)
    opened = {name: open_page(name) for name in names}
    runtime.install(None)
    return opened


@pytest.fixture(scope="module")
def stormy(storm: Store) -> Opened:
    """Pages of that story, as they open."""
    return _open(storm, "overview", "storms", "ordering")


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Pages of the story in which nothing goes wrong, as they open."""
    reading = read_sample("ordered", tmp_path_factory.mktemp("ordered") / "ordered.duckdb")
    opened = _open(next(reading), "storms", "ordering", "overview")
    next(reading, None)
    return opened


def _ask(store: Store, relation: str, **arguments: Any) -> list[dict[str, Any]]:
    with store.cursor() as cursor:
        rows: list[dict[str, Any]] = Catalog.load().run(cursor, relation, **arguments).to_pylist()
        return rows


def test_verdict_says_the_loop_and_how_near_it_was(stormy: Opened) -> None:
    assert (
        "**Storm.** At the end of this window no loop turns. The nearest to a storm was at "
        f"2026-03-02 09:04:04 UTC: 100 events of `{LOOP}` cause 121 more (at least 104); before 101; "
        "from 100 on it does not stop by itself."
    ) in texts(stormy["storms"])


def test_chart_has_gain_bounds_and_levels_of_every_step(storm: Store, stormy: Opened) -> None:
    gain = figures(stormy["storms"])["gain"]
    rows = _ask(storm, "loop_gain", **SCALE)
    band, line, _ = gain["data"]  # the last is the change lane
    assert [value for value in line["y"] if value is not None] == [row["gain"] for row in rows]
    bounds = {row[name] for row in rows for name in ("gain_lower", "gain_upper")}
    assert {value for value in band["y"] if value is not None} == bounds
    assert [text["text"] for text in gain["layout"]["annotations"]] == [
        "0.7 watch", "0.8 warn", "0.9 page", "1 storm",
    ]  # fmt: skip


def test_loops_are_listed_with_their_last_and_their_worst(storm: Store, stormy: Opened) -> None:
    [last] = table(stormy["storms"], LOOPS).to_dict("records")
    expected = _ask(storm, "loop_gain", **SCALE)[-1]
    assert (last["loop"], last["level"], last["worst"]) == (expected["loop"], None, "storm")
    assert (last["gain"], last["gain_lower"]) == (expected["gain"], expected["gain_lower"])
    assert (last["mark"], last["coverage"]) == ("●", 100)
    assert last["at"] == at("09:04:28")


def test_edges_are_those_of_the_worst_moment(storm: Store, stormy: Opened) -> None:
    edges = table(stormy["storms"], EDGES)
    expected = _ask(storm, "loop_edges", instant=at("09:04:04"), bucket=SCALE["bucket"], span=SCALE["span"])
    assert edges["cause_type"].tolist() == [row["cause_type"] for row in expected]
    assert edges["share"].sum() == pytest.approx(100)
    assert edges.iloc[0].tolist()[:5] == ["order.resubmitted", "order.item_added", 51, 51, 1.0]


def test_loop_is_drawn_beside_its_edges(stormy: Opened) -> None:
    drawn = figures(stormy["storms"])["loop"]["data"]
    edges = table(stormy["storms"], EDGES)
    assert len(drawn) == len(edges) + 1
    assert {text[len("<b>") : -len("</b>")] for text in drawn[-1]["text"]} == set(edges["cause_type"])


def test_moment_in_the_address_picks_its_edges(storm: Store, serve: Serve) -> None:
    serve(storm)
    app = open_page("storms", loop=LOOP, moment="2026-03-02T09:01:54")
    assert f"`{LOOP}` at 2026-03-02 09:01:56 UTC" in texts(app)
    shapes = figures(app)["gain"]["layout"]["shapes"]
    assert [shape["x0"] for shape in shapes if "layer" not in shape and shape.get("yref") == "paper"] == [
        "2026-03-02T09:01:56"
    ]


@pytest.mark.parametrize("moment", ["", "noon", "2020-01-01T00:00:00"])
def test_unknown_moment_is_the_worst(moment: str, storm: Store, serve: Serve) -> None:
    serve(storm)
    assert "at 2026-03-02 09:04:04 UTC" in texts(open_page("storms", loop="no such loop", moment=moment))


def test_change_that_began_it_is_named(stormy: Opened) -> None:
    app = stormy["storms"]
    assert "1\u00a0min before 2026-03-02 09:01:12 UTC" in texts(app)
    [change] = table(app, "Changes before the onset, latest first").to_dict("records")
    assert (change["kind"], change["subject"]) == ("change", "ordering ordered -> unordered")
    assert change["occurred_at"] == at("09:01:00")


def test_signs_without_causes_have_the_growing_queue_first(storm: Store, stormy: Opened) -> None:
    signs = table(stormy["storms"], SIGNS)
    queue = [
        row for row in _ask(storm, "backlog", bucket=SCALE["bucket"], span=SCALE["span"])
        if (row["stream"], row["consumer"]) == ("orders", "billing")
    ]  # fmt: skip
    first = signs.iloc[0]
    assert (first["sign"], first["state"], first["meaning"]) == (
        "orders → billing", "yes", queue[-1]["meaning"],
    )  # fmt: skip
    known = [row["growth_lower"] for row in queue if row["growth_lower"] is not None]
    assert first["share"] == pytest.approx(100 * sum(growth > 0 for growth in known) / len(known))
    assert signs[signs["state"] == "not known"]["share"].isna().all()
    assert {"retry", "deep chain"} < set(signs["sign"])


def test_capacity_tells_no_minutes_below_a_gain_of_one(storm: Store, serve: Serve) -> None:
    statements = serve(storm)
    app = open_page("storms")
    statements.clear()
    app.number_input(key="capacity").set_value(500.0).run()
    assert [text for text in statements.texts if "capacity_per_s" in text]
    assert table(app, LOOPS)["minutes_left"].isna().all()


def test_without_a_capacity_no_minutes_are_left(storm: Store, serve: Serve) -> None:
    serve(storm)
    with storm.cursor() as cursor:
        [(storms, minutes)] = cursor.execute(
            "SELECT count(*), count(minutes_left) FROM loop_gain(bucket := INTERVAL 2 SECOND, "
            "span := INTERVAL 30 SECOND, baseline := INTERVAL 1 HOUR) WHERE gain_lower > 1"
        ).fetchall()
    assert storms
    assert not minutes


OF_EVERY_PAGE = {"log_coverage", "log_stretches", "log_pace"}
ASKED = {
    "overview": {
        "event_rate", "deadlocks_per_hour", "reorder_hotspots", "delivery_history", "largest_chains",
        "loop_gain", "changes", "event_facets", "alert_marks", "notes",
    },
    "storms": {
        "event_facets", "loop_gain", "loop_edges", "changes_before", "loop_chains", "repeated_work",
        "growing_backlogs", "changes", "alert_marks",
    },
    "ordering": {
        "reorder_hotspots", "swapped_pairs", "gaps", "order_loss", "order_cost", "reorder_ranking", "changes",
        "event_facets", "alert_marks",
    },
}  # fmt: skip


ASKED_AGAIN = {"overview": ["reorder_hotspots"]}
"""Of the window as one, for its worst places, and in pieces as wide as the bars of a tile."""


@pytest.mark.parametrize("page", ASKED)
def test_page_asks_each_of_its_relations_once(page: str, storm: Store, serve: Serve) -> None:
    statements = serve(storm)
    open_page(page)
    # How many events a window has is counted by whoever asks about it first in this process.
    relations = [text for text in statements.texts if not text.startswith("SELECT count(*) FROM events ")]
    asked = [re.search(r"FROM (\w+)", text) for text in relations]
    names = [found[1] for found in asked if found and found[1] != "data_version"]
    expected = [*ASKED[page], *OF_EVERY_PAGE, *ASKED_AGAIN.get(page, [])]
    # Files that were written within the hour may go on with their torn last lines, which then are no rejects.
    if page == "overview" and data.load("log_coverage").rows[0]["reject_count"]:
        expected.append("ingest_rate")
    assert sorted(names) == sorted(expected)


def test_calm_log_has_no_chart_and_says_why(calm: Opened) -> None:
    app = calm["storms"]
    assert "**Calm.** No type of event leads back to itself in this window" in texts(app)
    assert "**No loop** in this window" in texts(app)
    assert "gain" not in figures(app)
    assert set(table(app, SIGNS)["state"]) == {"no", "not known"}


def test_log_without_causes_says_which_field_is_missing(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        cursor.execute("UPDATE observations SET causation_id = NULL")
    serve(store)
    said = texts(open_page("storms"))
    assert "**The gain of loops cannot be measured here:** no record of this window names its cause." in said
    assert "`stormwatch up DIR --map causation_id=FIELD`" in said


def test_overview_has_the_outlook_and_its_verdict(stormy: Opened) -> None:
    said = texts(stormy["overview"])
    brief = "at 2026-03-02 09:04:04 UTC: 100 events of a loop cause 121 more, at least 104"
    assert "**storm**\n" in said
    assert f"\n{brief}" in said
    assert f"**A loop fed on itself**: {brief}." in said


def test_overview_names_what_was_changed_before_the_loop_rose(tmp_path: Path, serve: Serve) -> None:
    reading = read_sample("storm", tmp_path / "storm.duckdb")
    store = next(reading)
    with store.cursor() as cursor:  # what is taken back later is later than the cause
        cursor.execute(
            "INSERT INTO observations SELECT observations.* REPLACE ('step ' || step AS message, "
            "occurred_at + to_minutes(2 + step) AS occurred_at) "
            "FROM observations, range(3) AS steps(step) WHERE operation = 'change'"
        )
    serve(store)
    app = open_page("overview")
    assert f"Changed last before the rise of `{LOOP}`:" in texts(app)
    assert "Changed in this window, the last 3 of 5:" in texts(app)
    links = [link.proto for link in app.get("page_link") if "`config: " in link.proto.label]
    assert links[0].label == "09:01:00 `config: ordering ordered -> unordered`"
    assert links[0].query_string.startswith("at=")
    assert [link.label for link in links[1:]] == [
        f"09:0{3 + n}:00 `config: step {n} ordering ordered -> unordered`" for n in (1, 2)
    ]
    next(reading, None)


def test_overview_of_a_calm_log_names_no_rise(calm: Opened) -> None:
    assert "before the rise" not in texts(calm["overview"])


def test_order_was_lost_between_consumers(stormy: Opened) -> None:
    loss = table(stormy["ordering"], "Places where order was lost, with the first pair")
    assert loss[["at", "place", "swap_count"]].values.tolist() == [
        ["orders → billing", "consumer", 38], ["orders → billing", "transport", 6],
    ]  # fmt: skip
    assert loss.iloc[0][["event_id", "overtaken_by", "node", "overtaken_by_node"]].tolist() == [
        "orders-api-2.s1.12", "orders-api-2.s1.13", "billing-1", "billing-3",
    ]  # fmt: skip


def test_first_pairs_are_a_click_away_and_in_the_address(storm: Store, serve: Serve) -> None:
    serve(storm)
    app = open_page("ordering")
    latest = table(app, PAIRS)["occurred_at"].tolist()
    assert latest == sorted(latest, reverse=True)
    app.button(key="other_end").click().run()
    first = table(app, PAIRS)["occurred_at"].tolist()
    assert first == sorted(latest)
    assert "The first of the window; click a cell" in texts(app)
    assert app.query_params["pairs"] == "first"
    assert table(open_page("ordering", pairs="first"), PAIRS)["occurred_at"].tolist() == first


def test_order_has_a_price(storm: Store, stormy: Opened) -> None:
    [curve] = figures(stormy["ordering"])["cost"]["data"]
    assert curve["x"] == ["none", "50\u00a0ms", "250\u00a0ms", "1\u00a0s", "5\u00a0s", "30\u00a0s"]
    assert curve["y"] == [pytest.approx(100 * late / 224) for late in (44, 38, 33, 11, 0, 0)]
    assert curve["hovertext"][3].endswith(
        "4.9\u00a0% late, 47 events wait<br>adds 1\u00a0s (99th percentile)"
    )
    enough = _ask(storm, "order_cost")[4]
    assert (enough["stream"], enough["hold_ms"], enough["late_count"]) == ("orders", 5000, 0)
    assert (
        "`orders → billing`: 19.6\u00a0% of its arrivals come late. If early ones were held back for at "
        f"most **5\u00a0s**, none would; {enough['held_count']} events would wait, and 1 of 100 arrivals "
        f"would come **{formatting.milliseconds(enough['added_latency_p99_ms'])}** later or more."
    ) in texts(stormy["ordering"])


def test_ranking_is_by_what_is_sure(stormy: Opened) -> None:
    ranking = table(stormy["ordering"], "Groups that lose most order, the surest first")
    assert ranking["low"].is_monotonic_decreasing
    assert (ranking["reordered_count"] > 0).all()
    first = ranking.iloc[0]
    assert (first["facet"], first["value"], first["reordered_count"], first["arrival_count"]) == (
        "event_type", "order.resubmitted", 16, 43,
    )  # fmt: skip
    assert first["between"] == "37.2\u00a0% (24.4 to 52.1)"


def test_order_that_was_kept_costs_nothing(calm: Opened) -> None:
    app = calm["ordering"]
    assert "Nothing: all that arrived is in order" in texts(app)
    assert "**No loss of order** in this window" in texts(app)
    assert "cost" not in figures(app)
