"""What the simulator planted in its stories is what the relations find: all of it and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from stormwatch.catalog import Catalog
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store
from tests.prepared import prepare, read_into

STORIES = ("ordered", "unordered", "storm")
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Iterator[Callable[[str], Ask]]:
    """Story -> a function that asks its database."""
    stores: list[Store] = []

    @cache
    def story(name: str) -> Ask:
        store = Store(prepare(tmp_path_factory.mktemp(name) / "story.duckdb"))
        stores.append(store)
        read_into(store, SAMPLE_LOGS / name / "logs")

        def ask(relation: str, **arguments: object) -> list[dict[str, Any]]:
            with store.cursor() as cursor:
                rows: list[dict[str, Any]] = catalog.run(cursor, relation, **arguments).to_pylist()
                return rows

        return ask

    yield story
    for store in stores:
        store.close()


def _truth(story: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLE_LOGS / story / "TRUTH.json").read_text())
    return found


def _planted(rows: list[dict[str, Any]], count: str) -> dict[tuple[str, str], int]:
    return {(row["consumer"], row["stream"]): row[count] for row in rows}


@pytest.mark.parametrize("story", STORIES)
def test_late_first_copies(stories: Callable[[str], Ask], story: str) -> None:
    ask, planted = stories(story), _planted(_truth(story)["late_deliveries"], "late_first_copies")
    ranked = ask("reorder_ranking", min_arrivals=1)
    whole = [row for row in ranked if row["facet"] == "all" and row["reordered_count"]]
    assert _planted(whole, "reordered_count") == planted
    unheld = [row for row in ask("order_cost", holds="[0 s]") if row["late_count"]]
    assert _planted(unheld, "late_count") == planted
    late = [row for row in ask("gap_states") if row["late_count"]]
    assert _planted(late, "late_count") == planted
    placed = [(row["consumer"], row["stream"]) for row in ask("order_loss") for _ in range(row["swap_count"])]
    assert {route: placed.count(route) for route in set(placed)} == planted


@pytest.mark.parametrize("story", STORIES)
def test_the_order_was_lost_on_the_way(stories: Callable[[str], Ask], story: str) -> None:
    """Its producers number as they send; what is late was sent in order and taken out of order."""
    rows = stories(story)("order_loss")
    assert {row["place"] for row in rows} <= {"consumer", "transport", "clock", "retry"}
    assert [row["sent_in_order_count"] for row in rows] == [row["swap_count"] for row in rows]


@pytest.mark.parametrize("story", STORIES)
def test_never_arrived(stories: Callable[[str], Ask], story: str) -> None:
    found = [
        {**row, "messages": row["lost_count"] + row["open_count"]}
        for row in stories(story)("undelivered")
        if row["event_id"]
    ]
    assert _planted(found, "messages") == _planted(_truth(story)["never_arrived"], "messages")


@pytest.mark.parametrize("story", STORIES)
def test_gaps(stories: Callable[[str], Ask], story: str) -> None:
    names = ("consumer", "stream", "first_missing", "last_missing")
    planted = [(*(gap[name] for name in names), gap["partition_key"]) for gap in _truth(story)["gaps"]]
    found = [(*(gap[name] for name in names), gap["stream_key"]) for gap in stories(story)("gaps")]
    assert sorted(found) == sorted(planted)


@pytest.mark.parametrize("story", STORIES)
def test_duplicates(stories: Callable[[str], Ask], story: str) -> None:
    found: dict[str, list[int]] = {}
    for row in stories(story)("duplicates"):
        found.setdefault(row["consumer"], []).append(row["copy_count"] - 1)
    planted = {
        one["consumer"]: (one["events"], one["copies"]) for one in _truth(story)["delivered_more_than_once"]
    }
    assert {name: (len(copies), sum(copies)) for name, copies in found.items()} == planted


def test_the_change_explains_the_late_ones(stories: Callable[[str], Ask]) -> None:
    first = stories("unordered")("explain_difference", selection="reordered", min_count=5)[0]
    [change] = [one for one in _truth("unordered")["incidents"] if one["kind"] == "change"]
    told = f"{change['setting']} {change['old']} -> {change['new']} ("
    assert (first["attribute"], first["support"]) == ("after", 1)
    assert first["value"].startswith(told)


def test_the_change_is_listed_before_the_first_late_one(stories: Callable[[str], Ask]) -> None:
    ask = stories("unordered")
    changes = ask("changes_before", onset=ask("order_loss")[0]["first_at"])
    [change] = [one for one in _truth("unordered")["incidents"] if one["kind"] == "change"]
    assert [f"{row['occurred_at'].isoformat()}" for row in changes if row["kind"] == "change"] == [
        change["at"].removesuffix("Z").removesuffix(".000000")
    ]
