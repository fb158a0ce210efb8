"""A real JVM with two deadlocks of two threads each, dumped by jstack, and its threads' own log."""

from __future__ import annotations

import pytest

from .conftest import Ingest, Ingested


@pytest.fixture
def server(ingest: Ingest) -> Ingested:
    return ingest("made_java_dev", "jstack_dev.txt", "lockevents_dev.jsonl")


def test_every_record_is_read(server: Ingested) -> None:
    assert server.one("SELECT count(*) FROM rejects") == 0
    formats = server.counts("SELECT format, count(*) FROM events GROUP BY ALL")
    assert formats == {"java_thread_dump": 3, "json": 9}
    server.assert_every_byte_accounted()


def test_the_dump_has_two_deadlocks_of_two_threads(server: Ingested) -> None:
    found = server.rows(
        "SELECT members, modes, shape LIKE 'cycle of 2: %', victim FROM deadlocks() ORDER BY members"
    )
    assert found == [
        (["worker-d0-t0", "worker-d0-t1"], ["monitor"], True, None),
        (["worker-d1-t0", "worker-d1-t1"], ["ownable synchronizer"], True, None),
    ]
    assert server.rows(
        "SELECT hour_start, deadlock_count FROM deadlocks_per_hour() WHERE deadlock_count > 0"
    ) == [(server.one("SELECT '2026-11-23 09:00'::TIMESTAMP"), 2)]


def test_a_thread_that_only_waits_is_in_none(server: Ingested) -> None:
    waits = server.counts("SELECT owner, count(*) FROM locks WHERE operation = 'lock_wait' GROUP BY ALL")
    assert waits["blocked-not-deadlocked"] == 1
    assert (
        server.one("SELECT count(*) FROM locks WHERE operation = 'deadlock' AND owner LIKE 'blocked%'") == 0
    )


def test_dump_and_log_name_the_same_waiters(server: Ingested) -> None:
    waiting = (
        "SELECT DISTINCT owner FROM locks WHERE operation = '{}' AND owner LIKE 'worker-%' ORDER BY owner"
    )
    assert server.rows(waiting.format("deadlock")) == server.rows(waiting.format("lock_wait"))
    assert len(server.rows(waiting.format("deadlock"))) == 4


def test_the_log_of_the_threads_tells_of_the_deadlocks_that_the_dump_reports(server: Ingested) -> None:
    found = server.rows(
        "SELECT evidence, members, closed_at < reported_at FROM deadlock_evidence() ORDER BY 2"
    )
    assert found == [
        ("both", ["worker-d0-t0", "worker-d0-t1"], True),
        ("both", ["worker-d1-t0", "worker-d1-t1"], True),
    ]
