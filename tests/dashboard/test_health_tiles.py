"""Shares on the page about reading are shares of something, and what is kept is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import duckdb
import pytest

from ingest.inserts import COVER_FILE
from stormwatch.cost import Cost, Meter
from stormwatch.retention.pruner import Pruner
from stormwatch.retention.service import Retention
from stormwatch.storage import Store

from . import story
from .conftest import Statements, components, figures, open_page, table, texts

Serve = Callable[..., Statements]


def test_database_larger_than_its_logs_is_no_share_of_them(store: Store, serve: Serve) -> None:
    serve(store)
    said = texts(open_page("health"))
    assert "more than was read" in said
    assert "% of what was read" not in said


def test_database_of_a_large_log_is_a_share_of_it(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        cursor.execute("UPDATE files SET committed_offset = 1 << 30, inherited_bytes = (1 << 30) - 1609")
    serve(store)
    assert "% of what was read" in texts(open_page("health"))


def test_without_retention_it_says_that_everything_is_kept(store: Store, serve: Serve) -> None:
    serve(store)
    assert "everything is kept" in texts(open_page("health"))


def test_what_is_kept_and_since_when_is_said(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        [(newest, count)] = cursor.execute("SELECT max(occurred_at), count(*) FROM events").fetchall()
        cursor.execute(
            "INSERT INTO observations BY NAME SELECT * REPLACE (occurred_at - INTERVAL 9 DAY AS occurred_at)"
            " FROM observations"
        )
        cursor.execute(COVER_FILE[1], [1])
    retention = Retention(store, timedelta(days=3))
    serve(store, retention=retention)
    assert "not applied yet" in texts(open_page("health"))
    retention.apply(rest=0)
    said = texts(open_page("health"))
    assert "**3d**" in said
    assert "of log; applied" in said
    assert "of it free for new rows" in said
    with store.cursor() as cursor:
        found = cursor.execute("SELECT max(occurred_at), count(*) FROM events").fetchall()
        [(oldest,)] = cursor.execute("SELECT first_at FROM log_coverage").fetchall()
    assert found == [(newest, count)]
    assert f"**{oldest:%Y-%m-%d %H:%M:%S}**" in said


def test_retention_that_fails_is_a_warning(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise duckdb.IOException("IO Error: No space left on device")

    monkeypatch.setattr(Pruner, "cut_of", fail)
    retention = Retention(store, timedelta(days=3))
    retention.apply()
    serve(store, retention=retention)
    [warning] = open_page("health").warning
    assert warning.value == "Retention could not be applied: `IO Error: No space left on device`"


def test_what_watching_costs_is_what_its_meter_says(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(store)
    known = Cost(
        running_s=7200, cpu_s=360, recent_s=240, recent_cpu_s=60, memory_bytes=300 << 20,
        peak_bytes=512 << 20, threads=31, open_files=44, open_files_limit=1024,
        second_cpu_s=12, second_memory_bytes=80 << 20,
    )  # fmt: skip
    monkeypatch.setattr(Meter, "cost", lambda _: known)
    said = texts(open_page("health")).replace("\u00a0", " ")
    for part in (
        "**25 % of a core**", "over the last 4 min; since the start 6 min in 2 h: 5 %", "**12 s**",
        "in addition; 80 MiB of memory", "**300 MiB**", "at most 512 MiB so far", "**31**",
        "44 of 1,024 files are open",
    ):  # fmt: skip
        assert part in said


def test_what_the_system_does_not_tell_is_said_not_to_be_told(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(store)
    monkeypatch.setattr(
        Meter, "cost", lambda _: Cost(10, 1, 10, 1, None, 512 << 20, 9, None, None, None, None)
    )
    said = texts(open_page("health"))
    assert "**512\u00a0MiB**" in said
    assert "resident at most; this system does not tell how much now" in said
    assert "this system does not tell how many files are open" in said
    assert "none was needed so far" in said


def test_every_number_leads_to_what_is_behind_it(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("health")
    links = dict(re.findall(r"^\[(.+) :material/\w+:\]\((.+)\)$", texts(app), re.MULTILINE))
    assert links == {
        "Ingester": "#met", "Files": "#files", "Read": "#rate", "Database": "#tables", "Retention": "#bytes",
        "Bytes accounted for": "#bytes", "Rejected lines": "#quarantine", "Processor": "/metrics",
        "Second process": "/metrics", "Memory": "/metrics", "Threads": "/metrics",
    }  # fmt: skip
    anchors = {f"#{heading.proto.anchor}" for heading in app.subheader if heading.proto.anchor}
    assert {target for target in links.values() if target.startswith("#")} == anchors
    assert "**1**" in texts(app)  # rejected line


def test_oldest_event_leads_to_its_record(store: Store, serve: Serve) -> None:
    serve(store)
    app = open_page("health")
    app.button(key="go_health_oldest_event").click().run()
    listed = table(app, "Event records, newest first")
    assert listed["event_id"].tolist() == ["o-1"]
    assert app.selectbox(key="window").value.startswith("2026-11-20T10:00:01.000/")


def test_log_without_a_time_has_no_oldest_event(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        cursor.execute("UPDATE observations SET occurred_at = NULL")
    serve(store)
    assert "no event has a time" in texts(open_page("health"))


def test_what_fills_the_database_is_counted(store: Store, serve: Serve) -> None:
    serve(store)
    rows = table(open_page("health"), "Tables of the database, those with most rows first")
    counts = dict(rows[["table_name", "stored_count"]].itertuples(index=False))
    assert (counts["observations"], counts["locks"], counts["rejects"], counts["files"]) == (16, 4, 1, 1)


def test_changes_of_the_hour_lie_below_the_rate_of_reading(store: Store, serve: Serve) -> None:
    with store.cursor() as cursor:
        cursor.execute(
            "INSERT INTO observations SELECT * REPLACE ('change' AS operation, $at AS occurred_at) "
            "FROM observations WHERE event_id = 's-1'",
            {"at": story.at(8000)},
        )
        [(committed,)] = cursor.execute("SELECT max(committed_at) FROM batches").fetchall()
    assert story.at(8000) < committed < story.at(8000) + timedelta(hours=1)
    serve(store)
    app = open_page("health")
    drawn = figures(app)["ingest_rate"]
    [lane] = [trace for trace in drawn["data"] if trace.get("name") == "changes"]
    assert len(lane["x"]) == 1
    assert components(app)["ingest_rate"]["alt"] == "Events stored per second; below it 1 change"
    assert drawn["layout"].get("dragmode") != "select"
