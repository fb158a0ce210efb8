"""Queues before locks that were no deadlock, from the lock events of a log to the picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.charts import base
from stormwatch.storage import Store

from . import story
from .conftest import Statements, figures, open_page, read_logs, table, texts

Serve = Callable[..., Statements]
LISTED = "Queues before locks, the longest wait first"


def _line(seconds: float, operation: str, owner: str, resource: str, **more: Any) -> str:
    return json.dumps(
        {
            "id": f"{owner}.{operation}.{resource}", "time": f"{story.at(seconds).isoformat()}Z",
            "type": f"lock.{operation}", "service": "ledger-db", "node": "ledger-db-1",
            "operation": f"lock_{operation}", "owner": owner, "resource": resource, **more,
        }
    )  # fmt: skip


def write_convoy(directory: Path) -> None:
    """`nightly` holds a lock for 20 s; five workers queue for it and get it one after the other.

    Two queue for another lock for a moment, and two for 3 s: only the latter is a convoy as well.
    """
    lines = [_line(0, "acquire", "nightly", "accounts"), _line(20, "release", "nightly", "accounts")]
    for number in range(5):
        owner = f"worker-{number}"
        lines += [
            _line(2 + number, "wait", owner, "accounts", blocked_by="nightly"),
            _line(20 + number, "acquire", owner, "accounts"),
            _line(21 + number, "release", owner, "accounts"),
        ]
    for start, lock, seconds in ((30, "rates", 0.2), (40, "orders", 3.0)):
        holder, end = f"{lock}-a", start + seconds
        lines += [_line(start, "acquire", holder, lock), _line(end, "release", holder, lock)]
        for place, owner in enumerate((f"{lock}-b", f"{lock}-c")):
            lines += [
                _line(start + 0.05, "wait", owner, lock, blocked_by=holder),
                _line(end + place * 0.1, "acquire", owner, lock),
                _line(end + place * 0.1 + 0.1, "release", owner, lock),
            ]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "ledger.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def queued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The log of the convoys, read."""
    directory = tmp_path_factory.mktemp("convoys")
    write_convoy(directory / "logs")
    yield from read_logs(directory / "logs", directory / "convoys.duckdb")


def test_queues_are_listed_with_who_waited_how_long_and_for_whom(queued: Store, serve: Serve) -> None:
    serve(queued)
    app = open_page("deadlocks", look="Lock order", window="all")
    assert "Where do owners queue?" in texts(app)
    rows = table(app, LISTED).to_dict("records")
    assert [(row["resource"], row["owner_count"], row["wait_count"], row["holder"]) for row in rows] == [
        ("accounts", 5, 5, "nightly"), ("orders", 2, 2, "orders-a"),
    ]  # fmt: skip
    assert [row["longest"] for row in rows] == ["18\u00a0s", "3\u00a0s"]
    assert rows[0]["together"] == "1\u00a0min 30\u00a0s"


def test_queues_are_drawn_from_the_first_wait_to_the_last(queued: Store, serve: Serve) -> None:
    serve(queued)
    figure = figures(open_page("deadlocks", look="Lock order", window="all"))["convoys"]
    [bars] = figure["data"]
    assert bars["base"] == [story.at(2).isoformat(), story.at(40.05).isoformat()]
    assert bars["x"] == [22_000, 3_050]
    assert bars["text"] == ["5 owners", "2 owners"]
    assert set(bars["marker"]["color"]) == {base.ORANGE}
    assert figure["layout"]["yaxis"]["ticktext"] == ["accounts", "orders"]
