"""The shipped stories, read by the real ingester, against the truth the simulator kept beside them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.service import Ingester, Settings
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store
from tests.prepared import prepare

STORIES = ("ordered", "unordered", "deadlocks", "inverted", "loop", "overwritten", "storm")


@dataclass(frozen=True)
class Told:
    """A story in a database, and what really happened."""

    cursor: duckdb.DuckDBPyConnection
    truth: dict[str, Any]

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self.cursor.execute(sql, parameters).fetchall()


def ingested(logs: Path, database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with Store(prepare(database)) as store:
        ingester = Ingester(store, Settings(logs))
        try:
            ingester.drain()
            with store.cursor() as cursor:
                yield cursor
        finally:
            ingester.close()


@pytest.fixture(scope="module", params=STORIES)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    directory = SAMPLE_LOGS / request.param
    truth = json.loads((directory / "TRUTH.json").read_text())
    scratch = tmp_path_factory.mktemp(request.param)
    # Of files that nobody wrote to for long, the unfinished last line would be given up.
    logs = shutil.copytree(directory / "logs", scratch / "logs", copy_function=shutil.copyfile)
    for cursor in ingested(logs, scratch / "story.duckdb"):
        yield Told(cursor, truth)


@pytest.mark.slow
def test_every_record_is_stored_and_only_torn_ones_are_rejected(told: Told) -> None:
    read = {path: counts for path, *counts in told.rows("SELECT path, event_count, reject_count FROM files")}
    assert read == {path: [file["events"], file["torn_lines"]] for path, file in told.truth["files"].items()}


def test_what_waits_at_the_end_of_a_file_is_the_unfinished_line(told: Told) -> None:
    left = {path for (path,) in told.rows("SELECT path FROM files WHERE committed_offset < size_bytes")}
    assert left == {path for path, file in told.truth["files"].items() if file["unfinished_lines"]}


def test_sends_and_receives(told: Told) -> None:
    sent = told.rows("SELECT stream, count(*) FROM events WHERE operation = 'send' GROUP BY 1")
    received = told.rows("SELECT service, count(*) FROM events WHERE operation = 'receive' GROUP BY 1")
    flagged = told.rows("SELECT service, count(*) FROM events WHERE is_redelivered GROUP BY 1")
    assert dict(sent) == told.truth["publishes_by_stream"]
    assert dict(received) == told.truth["deliveries"]
    assert dict(flagged) == told.truth["redelivered"]


def test_no_two_events_share_an_id(told: Told) -> None:
    assert (
        told.rows("SELECT event_id FROM events WHERE operation = 'send' GROUP BY 1 HAVING count(*) > 1") == []
    )


def test_late_deliveries(told: Told) -> None:
    found = told.rows(
        "SELECT consumer, stream, count(*), count(*) FILTER (copy_number = 1) FROM reorderings() GROUP BY ALL"
    )
    assert sorted(found) == [
        (late["consumer"], late["stream"], late["late"], late["late_first_copies"])
        for late in told.truth["late_deliveries"]
    ]


def test_deliveries_more_than_once(told: Told) -> None:
    found = told.rows("SELECT consumer, count(*), sum(copy_count - 1) FROM duplicates() GROUP BY 1")
    assert sorted(found) == [
        (one["consumer"], one["events"], one["copies"]) for one in told.truth["delivered_more_than_once"]
    ]


def test_gaps(told: Told) -> None:
    found = told.rows("SELECT consumer, stream, stream_key, first_missing, last_missing FROM gaps()")
    names = ("consumer", "stream", "partition_key", "first_missing", "last_missing")
    assert Counter(found) == Counter(tuple(gap[name] for name in names) for gap in told.truth["gaps"])


def test_causes(told: Told) -> None:
    [(edges, roots)] = told.rows(
        """SELECT count(*),
            (SELECT count(*) FROM (SELECT cause_id FROM edges EXCEPT SELECT effect_id FROM edges))
        FROM (SELECT DISTINCT cause_id, effect_id FROM edges)"""
    )
    assert (edges, roots) == (told.truth["edges"], told.truth["roots"])


def test_overwritten_versions(told: Told) -> None:
    found = told.rows(
        "SELECT count(*) FROM entity_conflicts() WHERE event_type = 'profile.changed' AND kind <> 'skip'"
    )
    assert found == [(told.truth["overwritten"],)]


def test_loops(told: Told) -> None:
    found = told.rows("SELECT root_id, event_type, entity, turns FROM causal_loops()")
    names = ("root", "type", "entity", "visits")
    assert sorted(found) == sorted(tuple(loop[name] for name in names) for loop in told.truth["loops"])
    assert told.rows("FROM causal_cycles()") == []


def test_deadlocks(told: Told) -> None:
    found = told.rows(
        """SELECT deadlock_id, strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%fZ'), members, victim, resources
        FROM deadlocks()"""
    )
    names = ("id", "reported_at", "members", "victim", "resources")
    assert found == [tuple(deadlock[name] for name in names) for deadlock in told.truth["deadlocks"]]


@pytest.mark.parametrize("told", ["deadlocks", "inverted"], indirect=True)  # stories that log every lock
def test_lock_events_alone_tell_of_every_deadlock(told: Told) -> None:
    names = ("id", "reported_at", "closed_at", "members", "victim", "resources")
    truth = [tuple(deadlock[name] for name in names) for deadlock in told.truth["deadlocks"]]
    shown = "strftime({}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    found = told.rows(
        f"""SELECT deadlock_id, {shown.format("reported_at")}, {shown.format("closed_at")}, members, victim,
            resources FROM deadlock_evidence() WHERE evidence = 'both'"""
    )
    assert found == truth
    told.cursor.execute("BEGIN")
    told.cursor.execute("DELETE FROM locks WHERE operation = 'deadlock'")
    told.cursor.execute("DELETE FROM observations WHERE operation = 'deadlock'")
    alone = told.rows(
        f"SELECT {shown.format('closed_at')}, members, resources FROM deadlock_evidence() "
        "WHERE evidence = 'reconstructed'"
    )
    told.cursor.execute("ROLLBACK")
    assert alone == [(closed, members, resources) for _, _, closed, members, _, resources in truth]


@pytest.mark.parametrize("told", ["ordered", "unordered", "loop", "storm"], indirect=True)
def test_lock_events_tell_of_no_deadlock_where_none_was_planted(told: Told) -> None:
    assert told.rows("FROM deadlock_evidence()") == []


@pytest.mark.parametrize("told", ["deadlocks"], indirect=True)
def test_locks_are_inverted_only_while_they_are_taken_as_requested(told: Told) -> None:
    changes = [one["at"] for one in told.truth["incidents"]]
    hours = zip(changes, [*changes[1:], "2026-03-02T14:00:00Z"], strict=True)
    found = [
        told.rows("SELECT first_class FROM lock_order_inversions(since := $since, until := $until)",
                  since=since, until=until)
        for since, until in hours
    ]  # fmt: skip
    assert found == [[("account-#",)], [], [("account-#",)]]


def test_inversions(told: Told) -> None:
    found = told.rows(
        "SELECT first_class, second_class, inverted_at FROM lock_order_inversions() ORDER BY ALL"
    )
    truth = told.truth["inversions"]
    assert [one[:2] for one in found] == [(one["first_class"], one["second_class"]) for one in truth]
    for (*_, at), one in zip(found, truth, strict=True):
        # No two records of the database share an instant: a request may be logged a little later.
        late = at - datetime.fromisoformat(one["inverted_at"]).replace(tzinfo=None)
        assert timedelta(0) <= late < timedelta(milliseconds=1)


def test_deadlocks_per_hour(told: Told) -> None:
    found = told.rows(
        "SELECT strftime(hour_start, '%Y-%m-%dT%H:00:00Z'), deadlock_count FROM deadlocks_per_hour()"
    )
    hours = range(9, 9 + ceil(told.truth["minutes"] / 60))
    none = {f"2026-03-02T{hour:02}:00:00Z": 0 for hour in hours}
    assert dict(found) == none | told.truth["deadlocks_per_hour"]


def test_changes_are_where_the_truth_says(told: Told) -> None:
    found = told.rows(
        """SELECT strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%fZ'), attributes->>'setting', attributes->>'new'
        FROM events WHERE operation = 'change' ORDER BY occurred_at"""
    )
    assert found == [
        (one["at"], one["setting"], one["new"]) for one in told.truth["incidents"] if one["kind"] == "change"
    ]


@pytest.mark.parametrize("told", ["deadlocks", "inverted"], indirect=True)  # stories that log every lock
def test_every_reported_deadlock_is_one_in_the_lock_events(told: Told) -> None:
    """Replays waits, grants and releases: at each report the edges stand, and no wait is left over."""
    edges = told.rows("SELECT event_id, owner, blocked_by, resource FROM locks WHERE operation = 'deadlock'")
    holder: dict[str, str] = {}
    queues: dict[str, list[str]] = {}
    for operation, event_id, owner, resource in told.rows(
        """SELECT DISTINCT ON (occurred_at) operation, event_id, owner, resource FROM locks
        ORDER BY occurred_at, is_victim DESC"""
    ):
        queue = queues.setdefault(resource, [])
        if operation == "lock_wait":
            queue.append(owner)
        elif operation == "lock_acquire":
            assert resource not in holder
            holder[resource] = owner
            if owner in queue:
                queue.remove(owner)
        elif operation == "lock_release":
            assert holder.pop(resource) == owner
        else:
            cycle = [edge[1:] for edge in edges if edge[0] == event_id]
            for waiting, blocker, wanted in cycle:
                place = queues[wanted].index(waiting)
                assert blocker == holder[wanted] or blocker in queues[wanted][:place]
            assert Counter(edge[0] for edge in cycle) == Counter(edge[1] for edge in cycle)
            queue.remove(owner)
    assert not holder
    assert not any(queues.values())


def test_what_never_arrived(told: Told) -> None:
    found = told.rows(
        """WITH sent AS (SELECT stream, event_id FROM events WHERE operation = 'send'),
        received AS (SELECT DISTINCT stream, service, event_id FROM events WHERE operation = 'receive'),
        readers AS (SELECT DISTINCT stream, service FROM received)
        SELECT stream, service, count(*)
        FROM sent INNER JOIN readers USING (stream) ANTI JOIN received USING (stream, service, event_id)
        GROUP BY ALL ORDER BY ALL"""
    )
    missing = [(one["stream"], one["consumer"], one["messages"]) for one in told.truth["never_arrived"]]
    assert found == missing
    dropped = sum(one["messages"] for one in told.truth["dropped_by_the_network"])
    assert dropped <= sum(count for *_, count in found)


SUBMISSIONS = ("order.placed", "order.resubmitted")


def test_turns_and_the_gain_of_the_loop(told: Told) -> None:
    """A submission is caused by the nearest one above it, through a compensation or a timeout."""
    sent = {
        event: (kind, cause, at)
        for event, kind, cause, at in told.rows(
            "SELECT event_id, event_type, causation_id, occurred_at FROM events "
            "WHERE operation IN ('send', 'create')"
        )
    }

    def above(event: str) -> str:
        cause = sent[event][1]
        return cause if sent[cause][0] in SUBMISSIONS else above(cause)

    def window(event: str) -> str:
        at = sent[event][2]
        return f"{at.replace(second=at.second // 30 * 30, microsecond=0):%Y-%m-%dT%H:%M:%S.%fZ}"

    again = [event for event, (kind, *_) in sent.items() if kind == "order.resubmitted"]
    begun = Counter(window(event) for event in again)
    caused = Counter(window(above(event)) for event in again if above(event) in again)
    assert [(one["since"], one["turns"], one["caused"]) for one in told.truth["loop_gain"]] == [
        (since, begun[since], caused[since]) for since in sorted(begun)
    ]
    kinds = Counter(kind for kind, *_ in sent.values())
    assert told.truth["turns"] == sum(kinds[kind] for kind in SUBMISSIONS)
    assert told.truth["given_up"] == kinds["order.abandoned"]
    assert told.truth["publishes"] == kinds.total() - kinds["order.abandoned"]


def test_clocks_explain_how_the_logged_order_differs_from_the_true_one(told: Told) -> None:
    start = datetime.fromisoformat(told.truth["start"]).replace(tzinfo=None)
    arrivals: dict[tuple[str, ...], list[tuple[float, int, str]]] = {}
    for *scope, node, at, sequence, event in told.rows(
        """SELECT service, stream, stream_key, epoch, node, occurred_at, sequence, event_id
        FROM events WHERE operation = 'receive' AND sequence IS NOT NULL"""
    ):
        clock = told.truth["clocks"][node]
        logged = (at - start) / timedelta(microseconds=1) - clock["offset_us"]
        arrivals.setdefault(tuple(scope), []).append(
            (logged / (1 + clock["drift_us_per_s"] / 1e6), sequence, event)
        )
    late = 0
    for numbers in arrivals.values():
        greatest, seen = 0, set()
        for _, sequence, event in sorted(numbers):
            late += sequence < greatest and event not in seen
            greatest = max(greatest, sequence)
            seen.add(event)
    assert late == told.truth["late_first_copies_in_true_order"]
