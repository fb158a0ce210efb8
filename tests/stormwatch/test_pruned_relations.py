"""Relations over what is kept answer as before, unless by definition they look at what was before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stormwatch.catalog import Catalog, Query
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.retention.pruner import Pruner, whole_minute
from stormwatch.storage import Store
from tests.prepared import read_into

LOOK_BACK = {
    "backlog", "chain_shape_changes", "deadlock_surges", "delivery_budgets", "growing_backlogs", "loop_gain",
    "reorder_history", "repeated_work",
}  # fmt: skip
"""What is usual, what is new, how long a budget was used: these compare with a time before the window."""
CATALOG = Catalog.load()
LOOP = "order.confirmed <-> order.item_added <-> order.resubmitted <-> payment.compensated"
GIVEN: dict[str, dict[str, object]] = {
    "explain_difference": {"selection": "reordered"},
    "loop_chains": {"of_loop": LOOP},
}


@pytest.fixture(params=["unordered", "deadlocks"])
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "story.duckdb") as store:
        with store.cursor() as cursor:
            CATALOG.install(cursor)
        read_into(store, SAMPLE_LOGS / request.param / "logs")
        yield store


def windowed() -> list[Query]:
    return [
        query
        for query in CATALOG.values()
        if not query.is_internal and "since" in {parameter.name for parameter in query.parameters}
    ]


def ask(store: Store, query: Query, since: datetime, until: datetime) -> list[dict[str, Any]]:
    window = {"since": since, "until": until, "lookback": timedelta(0)}
    known = {parameter.name for parameter in query.parameters}
    arguments = {name: value for name, value in window.items() if name in known}
    with store.cursor() as cursor:
        return CATALOG.run(cursor, query.name, **arguments, **GIVEN.get(query.name, {})).to_pylist()


@pytest.mark.slow
def test_over_what_is_kept_they_answer_as_before(story: Store) -> None:
    with story.cursor() as cursor:
        ends = cursor.execute("SELECT min(occurred_at), max(occurred_at) FROM events").fetchall()
    [(first, last)] = ends
    cut, until = whole_minute(first + (last - first) / 2), last + timedelta(seconds=1)
    before = {query.name: ask(story, query, cut, until) for query in windowed()}
    assert sum(bool(rows) for rows in before.values()) > 30
    done = Pruner(story, rows=50).prune(cut, "asked for", rest=0)
    assert done.rows["observations"] > 100
    after = {query.name: ask(story, query, cut, until) for query in windowed()}
    assert {name for name in before if before[name] != after[name]} - LOOK_BACK == set()


@pytest.mark.slow
def test_nothing_fails_where_everything_is_gone(story: Store) -> None:
    with story.cursor() as cursor:
        [(last,)] = cursor.execute("SELECT max(occurred_at) FROM events").fetchall()
        Pruner(story).prune(last + timedelta(minutes=1), "asked for", rest=0)
        assert cursor.execute("SELECT count(*) FROM events").fetchall() == [(0,)]
        coverage = cursor.execute("SELECT * EXCLUDE (reject_count) FROM log_coverage").fetchall()
        assert coverage == [(None, None, 0, 0, 0)]
    for query in windowed():
        ask(story, query, last - timedelta(minutes=9), last)
