"""Versions: what is in flight together, what changed in records, and which writes got lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dashboard.charts import conflicts
from stormwatch.model import EVENT_SCHEMA
from stormwatch.storage import Store
from tests.prepared import prepare

from . import story
from .conftest import Statements, asked_of, figures, open_page, read_sample, table, texts, truth

Serve = Callable[..., Statements]
MIXED = "Event types with several versions"
FIELDS = "Fields that appeared, vanished or changed their type"
CONFLICTS = "Writes in conflict with another one"


@pytest.fixture(scope="module")
def unordered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The story in which one of two nodes goes on with a new version."""
    yield from read_sample("unordered", tmp_path_factory.mktemp("unordered") / "unordered.duckdb")


def _write(number: int, **fields: Any) -> dict[str, Any]:
    base: dict[str, Any] = dict.fromkeys(EVENT_SCHEMA.names)
    base |= {
        "file_id": 1, "byte_offset": number * 100, "byte_length": 100, "record_no": 0, "format": "json",
        "occurred_at": story.at(number), "service": "shop", "node": "shop-1", "operation": "process",
        "event_type": "stock.changed", "event_id": f"w-{number}",
    }  # fmt: skip
    return base | fields


@pytest.fixture
def writes(tmp_path: Path) -> Iterator[Store]:
    """25 writes without a coupon, 25 with one; two writers begin from version 3 of a shelf."""
    rows = [
        _write(number, attributes=json.dumps({"coupon": "x"} if number >= 25 else {"plain": 1}))
        for number in range(50)
    ]
    rows += [
        _write(50, entity="shelf-1", expected_version=2, entity_version=3),
        _write(51, entity="shelf-1", expected_version=3, entity_version=4),
        _write(52, entity="shelf-1", expected_version=3, entity_version=4, node="shop-2"),
    ]
    with Store(prepare(tmp_path / "writes.duckdb")) as opened:
        story.fill(opened, rows, [])
        yield opened


def test_versions_in_flight_together_are_those_of_the_deploy(unordered: Store, serve: Serve) -> None:
    serve(unordered)
    app = open_page("versions")
    assert "4 of 9 types were in flight in several versions at once" in texts(app)
    rows = table(app, MIXED).to_dict("records")
    newer = [row for row in rows if row["schema_version"] == "2"]
    [deploy] = [one for one in truth("unordered")["incidents"] if one["kind"] == "deploy"]
    assert all(row["first_at"] >= datetime.fromisoformat(deploy["at"][:-1]) for row in newer)
    assert {row["older_version"] for row in newer} == {"1"}
    assert {row["event_type"] for row in newer} == {
        "node.started", "order.confirmed", "order.item_added", "order.placed", "order.resubmitted",
    }  # fmt: skip


def test_mixed_pieces_are_hatched(unordered: Store, serve: Serve) -> None:
    serve(unordered)
    bars = figures(open_page("versions"))["versions"]["data"][0]
    assert bars["marker"]["pattern"]["shape"].count("/") == 4


def test_one_version_at_a_time_is_no_mixture(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        cursor.execute("UPDATE observations SET schema_version = '1' WHERE event_type = 'order.created'")
    serve(store)
    app = open_page("versions", window="all")
    assert "1 type, none of them in two versions at the same time" in texts(app)
    assert len(app.dataframe) == 0


def test_log_without_versions_cannot_tell(store: Store, serve: Serve) -> None:
    serve(store)
    said = texts(open_page("versions"))
    assert "**Mixed versions cannot be measured here:**" in said
    assert "**No conflicting write** in this window" in said


def test_field_that_appears_is_told_with_its_moment(writes: Store, serve: Serve) -> None:
    serve(writes)
    app = open_page("versions")
    rows = {row["field"]: row for row in table(app, FIELDS).to_dict("records")}
    assert (rows["coupon"]["change"], rows["coupon"]["changed_at"]) == ("appeared", story.at(25))
    assert rows["coupon"]["types"] == "text"
    assert rows["plain"]["change"] == "vanished"
    assert {trace["name"] for trace in figures(app)["fields"]["data"]} == {"appeared", "vanished"}


def test_lost_update_names_both_writers(writes: Store, serve: Serve) -> None:
    statements = serve(writes)
    app = open_page("versions")
    assert "1 lost update" in texts(app)
    [lost] = table(app, CONFLICTS).to_dict("records")
    assert (lost["kind"], lost["entity"], lost["node"], lost["other_event_id"], lost["other_node"]) == (
        "lost_update", "shelf-1", "shop-2", "w-51", "shop-1",
    )  # fmt: skip
    assert (lost["expected_version"], lost["entity_version"], lost["newest_before"]) == (3, 4, 4)
    assert asked_of(statements) == [
        "alert_marks", "changes", "entity_conflicts", "event_facets", "field_changes", "schema_versions",
    ]  # fmt: skip


def test_rarer_conflicts_lie_above_the_many_skips() -> None:
    shared = {"service": "shop", "entity": "shelf-1", "event_type": "sold", "newest_before": 4}
    rows = [
        {**shared, "occurred_at": story.at(second), "kind": kind, "expected_version": 3, "entity_version": 4}
        for second, kind in enumerate(("skip", "stale_write", "lost_update"))
    ]
    drawn = conflicts.conflicts(pa.Table.from_pylist(rows), since=story.at(0), until=story.at(9)).data
    above = sorted(drawn, key=lambda trace: trace.zorder, reverse=True)
    assert [trace.name for trace in above] == ["lost update", "stale write", "skip"]
