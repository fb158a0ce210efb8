"""Executions that one vector-clock log holds are told apart, in whatever pieces it is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingest.reader import Share

from .rig import Rig

LOG = b"""=== first ===
p {"p":1}
sends
q {"q":1, "p":1}
receives

=== first ===
p {"p":1}
sends
q {"q":1}
waits
======
p {"p":1}
sends
p {"p":2}
ends
"""
EVENTS = [
    ("first/p:1", "first/p", "first", None),
    ("first/q:1", "first/q", "first", "first/p:1"),
    ("first 3/p:1", "first 3/p", "first 3", None),
    ("first 3/q:1", "first 3/q", "first 3", None),
    ("4/p:1", "4/p", "4", None),
    ("4/p:2", "4/p", "4", "4/p:1"),
]


@pytest.mark.parametrize("size", [len(LOG), 70, 11])
def test_hosts_and_events_are_those_of_their_execution(rig: Rig, size: int) -> None:
    for start in range(0, len(LOG), size):
        rig.add("clocks.log", LOG[start : start + size])
        rig.drain()
    rig.restart()
    rig.clock.pass_time(7200)
    rig.drain()
    found = rig.query(
        "SELECT event_id, node, correlation_id, coalesce(causation_id, cause_id) FROM observations"
        " LEFT JOIN (SELECT effect_id, cause_id FROM causes) ON effect_id = event_id ORDER BY byte_offset"
    )
    assert found == EVENTS
    assert [raw for raw, _ in rig.rejects()] == [b"=== first ===\n", b"=== first ===\n", b"======\n"]
    rig.check_conservation()


def test_rules_in_other_logs_part_nothing(rig: Rig) -> None:
    rig.add("app.log", b'=== 7 ===\n{"id":"a","time":"2026-11-28T10:00:00Z","node":"p"}\n')
    rig.add("clocks.log", b'p {"p":1}\nsends\n')
    rig.clock.pass_time(7200)
    rig.drain()
    assert rig.query("SELECT event_id, node FROM observations ORDER BY ALL") == [("a", "p"), ("p:1", "p")]


def test_what_is_a_rule_does_not_depend_on_batches(make_rig: Callable[..., Rig]) -> None:
    torn = b'===== {"torn": 1}\n=====\xff\n%b\n' % (b"=" * 300)
    log = torn + b'p {"p":1}\nsends\n======\n{"id":"a"}\n=== 7 ===\np {"p":1}\nends\n'
    tables = []
    for records in (1000, 1):
        rig = make_rig(batch=Share(bytes=64 << 10, records=records))
        rig.add("clocks.log", log)
        rig.drain()
        events = rig.query("SELECT event_id, node FROM observations ORDER BY byte_offset")
        tables.append((events, rig.rejects()))
    at_once, one_by_one = tables
    assert at_once == one_by_one
    events, rejects = at_once
    assert events == [(None, None), ("p:1", "p"), ("a", None), ("7/p:1", "7/p")]
    assert [raw for raw, reason in rejects if "parts" in reason] == [b"======\n", b"=== 7 ===\n"]
