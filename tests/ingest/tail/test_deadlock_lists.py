"""A deadlock that an application reports, in the words that applications have: who waits for whom."""

from __future__ import annotations

import json

import pytest

from .rig import Rig

WAITS = "SELECT owner, blocked_by, resource, is_victim FROM locks WHERE operation = 'deadlock' ORDER BY owner"


def waits(rig: Rig, **said: object) -> list[tuple[object, ...]]:
    """Of a record that says this; nothing of it is lost."""
    line = {"ts": "2026-03-01T20:00:00Z", "event": "deadlock_detected", **said}
    rig.add("app.log", json.dumps(line).encode() + b"\n")
    rig.drain()
    assert rig.rejects() == []
    assert rig.query("SELECT count(*) FROM observations WHERE operation = 'deadlock'") == [(1,)]
    return rig.query(WAITS)


@pytest.mark.parametrize(
    "edge",
    [
        {"waiter": "{owner}", "holder": "{by}", "resource": "{what}"},
        {"from": "{owner}", "to": "{by}", "lock": "{what}"},
        {"threadName": "{owner}", "heldBy": "{by}", "lockName": "{what}"},
        {"tx": "{owner}", "waits_for": "{by}", "resource": "{what}"},
    ],
)
def test_edges_may_be_said_in_other_words(rig: Rig, edge: dict[str, str]) -> None:
    graph = [("a", "b", "acct/1"), ("b", "a", "acct/2")]
    cycle = [
        {key: text.format(owner=owner, by=by, what=what) for key, text in edge.items()}
        for owner, by, what in graph
    ]
    assert waits(rig, cycle=cycle, victim="b") == [("a", "b", "acct/1", False), ("b", "a", "acct/2", True)]


@pytest.mark.parametrize("holds", [["acct/2"], "acct/2", ["acct/3", "acct/2"]])
def test_whoever_waits_for_what_another_holds_waits_for_the_other(rig: Rig, holds: object) -> None:
    cycle = [
        {"thread": "a", "holds": "acct/1", "waitsFor": "acct/2"},
        {"thread": "b", "holds": holds, "waitsFor": "acct/1"},
    ]
    assert waits(rig, cycle=cycle) == [("a", "b", "acct/2", False), ("b", "a", "acct/1", False)]


@pytest.mark.parametrize("cycle", [["a", "b", "c"], ["a", "b", "c", "a"]])
def test_in_a_list_of_names_each_waits_for_the_next(rig: Rig, cycle: list[str]) -> None:
    found = waits(rig, cycle=cycle, victimThread="c")
    assert found == [("a", "b", None, False), ("b", "c", None, False), ("c", "a", None, True)]


def test_processes_may_be_numbers(rig: Rig) -> None:
    assert waits(rig, cycle=[7, 8]) == [("7", "8", None, False), ("8", "7", None, False)]


@pytest.mark.parametrize("cycle", [[], ["a"], "a, b", [None, None], [["a", "b"]], [{}]])
def test_what_tells_of_nobody_is_a_deadlock_without_members(rig: Rig, cycle: object) -> None:
    assert waits(rig, cycle=cycle) == []


@pytest.mark.parametrize("field", ["msg", "event", "type", "message"])
def test_a_text_that_mentions_a_deadlock_is_none(rig: Rig, field: str) -> None:
    line = {"ts": "2026-03-01T20:00:00Z", field: "deadlock detected", "sqlstate": "40P01", "thread": "a"}
    rig.add("app.log", json.dumps(line).encode() + b"\n")
    rig.drain()
    assert rig.query("SELECT count(*) FROM observations") == [(1,)]
    assert rig.query("SELECT count(*) FROM observations WHERE operation = 'deadlock'") == [(0,)]


def test_what_is_done_to_a_lock_may_stand_in_its_state(rig: Rig) -> None:
    states = ["acquired", "waiting", "released", "busy"]
    lines = [
        {"ts": f"2026-03-01T20:00:0{second}Z", "event": "lock", "state": state, "resource": "r", "tx": "t"}
        for second, state in enumerate(states)
    ]
    lines.append({"ts": "2026-03-01T20:00:09Z", "event": "order", "state": "released", "resource": "r"})
    rig.add("app.log", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    rig.drain()
    assert rig.query("SELECT operation, attributes->>'state' FROM observations ORDER BY occurred_at") == [
        ("lock_acquire", "acquired"), ("lock_wait", "waiting"), ("lock_release", "released"),
        ("lock_acquire", "busy"), (None, "released"),
    ]  # fmt: skip
