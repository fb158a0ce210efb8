"""The first line of a page answers its question; the panels below are the proof."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from dashboard import findings
from stormwatch.status import IngestStatus
from stormwatch.storage import Store

from .conftest import Statements, open_page, texts

Serve = Callable[..., Statements]
NBSP = "\u00a0"
KEPT = "every byte read of 1 file is stored, in quarantine, blank or pruned"
AT = datetime(2025, 3, 11, 17)  # noqa: DTZ001


def _cell(stream: str, arrivals: int, late: int, at: datetime = AT) -> dict[str, Any]:
    return {
        "consumer": "billing", "stream": stream, "bucket_start": at, "arrival_count": arrivals,
        "reordered_count": late,
    }  # fmt: skip


def _file(**changes: Any) -> dict[str, Any]:
    return {"is_conserved": True, "missed_bytes": 0, "backlog_bytes": 0, "reject_count": 0} | changes


@pytest.mark.parametrize(
    ("page", "beginning"),
    [
        ("ordering", f"**20{NBSP}% of arrivals are out of order**, all at `orders → billing`, the first"),
        (
            "deadlocks",
            "**2 deadlocks**, 1 of them in the hour from 2026-11-20 10:00 UTC; the latest report at 2026",
        ),
        ("versions", "Calm as far as these logs tell: no field changed, and no write is known to be lost."),
        ("health", "**1 line** could not be understood; 50"),
    ],
)
def test_page_begins_with_its_answer(page: str, beginning: str, store: Store, serve: Serve) -> None:
    serve(store)
    said = open_page(page).subheader[0].value
    assert said.partition("] ")[2].startswith(beginning)


def test_place_that_loses_most_order_is_named() -> None:
    cells = pa.Table.from_pylist([_cell("orders", 10, 4, AT.replace(hour=18)), _cell("stock", 90, 1)])
    level, said = findings.of_order(cells, is_cut=False)
    assert level == "trouble"
    assert said == (
        f"**5{NBSP}% of arrivals are out of order**, 80{NBSP}% of them at `orders → billing`, "
        "the first after 2025-03-11 17:00:00 UTC."
    )
    assert "of arrivals at the 150 worst places are" in findings.of_order(cells, is_cut=True)[1]


def test_order_that_holds_is_calm() -> None:
    cells = pa.Table.from_pylist([_cell("orders", 10, 0)])
    assert findings.of_order(cells, is_cut=False) == (
        "calm",
        "Everything that carries a number arrived in order.",
    )


def test_deadlocks_without_a_time_have_no_hour() -> None:
    assert findings.of_deadlocks([], {"occurred_at": None}) == (
        "watch", "Deadlocks are reported, but none of them says when it was.",
    )  # fmt: skip


def test_versions_that_no_record_names_are_not_called_unmixed() -> None:
    level, said = findings.of_versions([], [], [])
    assert level == "calm"
    assert said.startswith("Calm as far as these logs tell: no field changed")
    assert "they do not tell which are in flight together" in said


def test_lost_update_is_the_worst_of_versions() -> None:
    mixed = {"event_type": "order", "mixed_ms": 5.0}
    level, said = findings.of_versions([mixed], [{}], [{"kind": "skip"}])
    assert level == "watch"
    assert said == (
        "**1 skipped version**, **1 type was in flight in several versions at once**, "
        "**1 field** appeared, vanished or changed."
    )
    assert findings.of_versions([], [], [{"kind": "skip"}, {"kind": "lost_update"}]) == (
        "trouble", "**1 lost update**, **1 skipped version**.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("files", "state", "level", "said"),
    [
        ([_file()], "idle", "calm", f"E{KEPT[1:]}."),
        ([_file(is_conserved=False)], "idle", "trouble", "**1 file with bytes not accounted for**."),
        (
            [_file(missed_bytes=2048), _file()], "idle", "trouble",
            f"**2{NBSP}KiB were gone before they could be read**.",
        ),
        (
            [_file()], "paused", "trouble",
            f"**Reading has paused**; {KEPT}.",
        ),
        (
            [_file(backlog_bytes=10)], "stopped", "watch",
            f"10{NBSP}B wait to be read; nobody reads the logs any more; {KEPT}.",
        ),
        (
            [_file(backlog_bytes=10)], "idle", "calm",
            f"10{NBSP}B are last lines without an end yet; {KEPT}.",
        ),
    ],
)  # fmt: skip
def test_health_says_the_worst_first(files: list[Any], state: str, level: str, said: str) -> None:
    assert findings.of_health(files, state=state) == (level, said)


def test_health_of_a_reader_that_failed_is_trouble(store: Store, serve: Serve) -> None:
    serve(store, IngestStatus(state="failed", detail="no more disk"))
    assert "**Reading has failed**" in open_page("health").subheader[0].value


def test_gaps_that_cannot_be_known_are_not_denied(store: Store, serve: Serve) -> None:
    serve(store)
    said = texts(open_page("ordering", window="2026-11-20T12:00/2026-11-20T13:00"))
    assert "Nobody knows: what arrived carries no numbers." in said
    assert "No gap" not in said
