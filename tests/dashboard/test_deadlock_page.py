"""Deadlocks & loops: what the page says of the sample logs is what the simulation knows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from stormwatch.catalog import Catalog
from stormwatch.errors import QueryError
from stormwatch.storage import Store

from .conftest import Statements, asked_of, figures, open_page, read_sample, table, texts, truth
from .story import at

Serve = Callable[..., Statements]
TRUTH = truth("deadlocks")
DEADLOCK = TRUTH["deadlocks"][-1]
EVIDENCE = "Deadlocks, reported and reconstructed"
CAUSES = "Events that the members of the deadlock were handling"
INVERSIONS = "Locks that are taken in opposite orders"
LOOPS = "Causal loops, those with most turns first"


@pytest.fixture(scope="module")
def deadlocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Four hours in which locks are taken in any order, but for the third."""
    yield from read_sample("deadlocks", tmp_path_factory.mktemp("deadlocks") / "deadlocks.duckdb")


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The story in which orders are submitted again and again."""
    yield from read_sample("storm", tmp_path_factory.mktemp("storm") / "storm.duckdb")


def test_shapes_count_every_deadlock_of_the_truth(deadlocks: Store, serve: Serve) -> None:
    serve(deadlocks)
    shapes = table(open_page("deadlocks"), "Deadlocks by shape")
    sizes = Counter(len(one["members"]) for one in TRUTH["deadlocks"])
    expected = {f"cycle of {size}: exclusive on account-#": count for size, count in sizes.items()}
    assert dict(zip(shapes["shape"], shapes["deadlocks"], strict=True)) == expected


def test_shapes_are_compared_before_and_after_a_change(deadlocks: Store, serve: Serve) -> None:
    serve(deadlocks)
    app = open_page("deadlocks", split="2026-03-02 11:00:00 lock_order as_requested -> by_name")
    assert "Before and after 2026-03-02 11:00:00 UTC" in texts(app)
    shapes = table(app, "Deadlocks by shape")
    # 24 of the first two hours, 13 of the two hours of log (9:00 to 12:56:45) that came after.
    before = sum(one["closed_at"] < "2026-03-02T11" for one in TRUTH["deadlocks"])
    assert shapes["before_per_hour"].sum() == pytest.approx(before / 2, rel=0.02)
    assert before == 24


def test_each_deadlock_is_told_and_reported_once(deadlocks: Store, serve: Serve) -> None:
    serve(deadlocks)
    app = open_page("deadlocks")
    assert "37 told and reported" in texts(app)
    known = table(app, EVIDENCE)
    assert set(known["evidence"]) == {"both"}
    closed = [datetime.fromisoformat(one["closed_at"][:-1]) for one in reversed(TRUTH["deadlocks"])]
    assert known["occurred_at"].tolist() == closed
    assert known["victim"].tolist() == [one["victim"] for one in reversed(TRUTH["deadlocks"])]


def test_deadlock_that_nothing_ended_is_not_said_to_have_lasted(store: Store, serve: Serve) -> None:
    told = [
        ("lock_acquire", "a", "row 1"), ("lock_acquire", "b", "row 2"), ("lock_wait", "a", "row 2"),
        ("lock_wait", "b", "row 1"), ("lock_wait", "c", "row 3"), ("lock_acquire", "d", "row 4"),
    ]  # fmt: skip
    with store.cursor() as cursor:
        cursor.execute("DELETE FROM locks")
        for number, (operation, owner, resource) in enumerate(told):
            cursor.execute(
                "INSERT INTO locks BY NAME SELECT 1 AS file_id, $number AS byte_offset, 0 AS record_no, "
                "$at AS occurred_at, $operation AS operation, $owner AS owner, $resource AS resource",
                {"number": number, "at": at(number), "operation": operation, "owner": owner,
                 "resource": resource},
            )  # fmt: skip
        cursor.execute("DELETE FROM observations WHERE operation = 'deadlock'")
    serve(store)
    app = open_page("deadlocks", window="all")
    said = texts(app)
    assert "**1 deadlock** (only told by lock events)" in said
    assert "1 deadlock, 1 of them only told by lock events, in " in said
    assert "at most 1 in one hour, 1 of them only told by lock events" in texts(
        open_page("overview", window="all")
    )
    assert "**No deadlock**" not in said
    known = table(app, EVIDENCE)
    known = known[known["evidence"] == "reconstructed"]
    assert known[["members", "lasted"]].values.tolist() == [["a, b", "no end logged"]]


def test_coverage_of_the_log_stands_beside_the_count(deadlocks: Store, serve: Serve) -> None:
    serve(deadlocks)
    assert (
        "100\u00a0% of the reports name their members; of 146 logged waits 100\u00a0% have an end"
    ) in texts(open_page("deadlocks"))


def test_events_that_collided_are_named_with_their_roots(deadlocks: Store, serve: Serve) -> None:
    serve(deadlocks)
    app = open_page("deadlocks", deadlock=DEADLOCK["id"])
    causes = table(app, CAUSES)
    assert "4 events with 4 roots" in texts(app)
    assert set(causes["event_type"]) == {"transfer.requested"}
    assert len(causes) == len(DEADLOCK["members"])
    # All are NULL: the record of the deadlock names the events, but not who handled which.
    assert "owner" not in causes.columns


def test_deadlock_without_causes_says_so(store: Store, serve: Serve) -> None:
    serve(store)
    assert "Neither the deadlock nor its waits name an event" in texts(open_page("deadlocks"))


def test_locks_in_opposite_orders_are_listed_from_their_first_inversion(
    deadlocks: Store, serve: Serve
) -> None:
    statements = serve(deadlocks)
    app = open_page("deadlocks", look="Lock order")
    [pair] = table(app, INVERSIONS).to_dict("records")
    assert pair["order"] == "account-# → account-#"
    assert pair["inverted_at"] < datetime.fromisoformat("2026-03-02T09:02")
    assert asked_of(statements) == ["lock_convoys", "lock_log_coverage", "lock_order_inversions"]


def test_deadlocks_ask_each_relation_once(deadlocks: Store, serve: Serve) -> None:
    statements = serve(deadlocks)
    open_page("deadlocks")
    assert asked_of(statements) == [
        "alert_marks", "changes", "deadlock_causes", "deadlock_edges", "deadlock_evidence", "deadlock_rate",
        "deadlock_shapes", "deadlocks", "deadlocks_per_hour", "event_facets", "lock_log_coverage",
        "record_place",
    ]  # fmt: skip


def test_loops_are_those_of_the_truth(storm: Store, serve: Serve) -> None:
    statements = serve(storm)
    app = open_page("deadlocks", look="Loops")
    found = {
        (row["root_id"], row["event_type"], row["entity"]): row["turns"]
        for row in table(app, LOOPS).to_dict("records")
    }
    expected = {(one["root"], one["type"], one["entity"]): one["visits"] for one in truth("storm")["loops"]}
    assert found == expected
    assert asked_of(statements) == ["alert_marks", "causal_cycles", "causal_loops", "changes", "event_facets"]


def test_bars_of_loops_carry_the_turns(storm: Store, serve: Serve) -> None:
    serve(storm)
    app = open_page("deadlocks", look="Loops")
    bars = figures(app)["loops"]["data"][0]
    loops = table(app, LOOPS)
    assert bars["text"] == [f"{turns} ×" for turns in loops["turns"][: len(bars["text"])]]
    assert bars["customdata"] == list(range(len(bars["text"])))


def test_circle_of_causes_is_shown_with_the_edge_that_closes_it(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        changed = "SELECT * REPLACE ('s-1' AS causation_id) FROM observations WHERE event_id = 'o-1'"
        cursor.execute(f"INSERT INTO observations {changed}")
    serve(store)
    [cycle] = table(
        open_page("deadlocks", look="Loops", window="all"), "Events that cause each other in a circle"
    ).to_dict("records")
    assert (cycle["event_count"], cycle["members"]) == (3, "o-1, p-1, s-1")
    assert (cycle["first_id"], cycle["closing_cause_id"]) == ("o-1", "s-1")


def test_window_without_locks_and_loops_says_so(store: Store, serve: Serve) -> None:
    serve(store)
    assert "**No lock-order inversion** in this window" in texts(open_page("deadlocks", look="Lock order"))
    assert "no waits or grants are logged, so only reports count" in texts(open_page("deadlocks"))
    assert "**No causal loop** in this window" in texts(open_page("deadlocks", look="Loops"))


def test_panel_that_cannot_be_asked_leaves_the_others(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(store)
    asked = Catalog.run

    def refuse(catalog: Catalog, cursor: Any, name: str, **arguments: object) -> Any:
        if name == "causal_loops":
            raise QueryError("no memory left")
        return asked(catalog, cursor, name, **arguments)

    monkeypatch.setattr(Catalog, "run", refuse)
    app = open_page("deadlocks", look="Loops")
    said = texts(app)
    assert "**This could not be asked.**" in said
    assert app.code[0].value == "no memory left"
    assert "**No circle of causes** in this window" in said
