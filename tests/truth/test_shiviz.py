"""Vector-clock logs of ShiViz: causes and the order of each host give happened-before, exactly."""

from __future__ import annotations

import pytest

from .conftest import Ingest, Ingested

TRUTH = {
    "chord": (1235, 8, 541, 746_099, 15_896),
    "simpledb": (509, 5, 95, 112_349, 16_937),
    "simple-reliable-broadcast": (39, 3, 16, 546, 195),
    "facebook": (47, 4, 23, 1_013, 68),
}
"""Events, hosts, edges between hosts, pairs that are ordered, pairs that are concurrent."""


def _ancestors(found: Ingested) -> dict[str, set[str]]:
    """Event -> all that happened before it: edges, and the events of a host in their order."""
    direct: dict[str, set[str]] = {name: set() for (name,) in found.rows("SELECT event_id FROM events")}
    for cause, effect in found.rows("SELECT cause_id, effect_id FROM edges WHERE kind = 'clock'"):
        direct[effect].add(cause)
    last: dict[str, str] = {}
    for node, name in found.rows("SELECT node, event_id FROM events ORDER BY node, sequence"):
        if node in last:
            direct[name].add(last[node])
        last[node] = name
    closed: dict[str, set[str]] = {}
    waiting = [*direct]
    while waiting:
        name = waiting[-1]
        if missing := [cause for cause in direct[name] if cause not in closed]:
            waiting += missing
            continue
        closed[name] = direct[name].union(*(closed[cause] for cause in direct[name]))
        waiting.pop()
    return closed


@pytest.mark.parametrize("log", TRUTH)
@pytest.mark.parametrize("directory", ["", "jsonl/"])
def test_happened_before_is_exact(ingest: Ingest, log: str, directory: str) -> None:
    events, hosts, edges, ordered, concurrent = TRUTH[log]
    pattern = f"jsonl/{log}.jsonl" if directory else f"{log}.log"
    found = ingest("shiviz", pattern)
    assert found.one("SELECT count(*) FROM events") == found.one(
        "SELECT count(DISTINCT event_id) FROM events"
    )
    assert found.one("SELECT count(*) FROM rejects") == 0
    assert found.one("SELECT count(*) FROM edges WHERE kind = 'clock'") == edges
    ancestors = _ancestors(found)
    assert len(ancestors) == events
    assert sum(map(len, ancestors.values())) == ordered
    assert events * (events - 1) // 2 - ordered == concurrent
    [counts] = found.rows("SELECT * EXCLUDE (concurrent_ratio) FROM causal_order_counts")
    assert counts == (events, hosts, edges, ordered, concurrent)
    found.assert_every_byte_accounted()


def test_two_events_are_ordered_or_concurrent(ingest: Ingest) -> None:
    found = ingest("shiviz", "simple-reliable-broadcast.log")
    ancestors = _ancestors(found)
    told = {
        (first, second): found.one(f"SELECT causal_order FROM causal_order('{first}', '{second}')")
        for first in ancestors
        for second in ancestors
        if first.endswith((":1", ":5")) and second.endswith((":2", ":7"))
    }
    expected = {
        (first, second): "before"
        if first in ancestors[second]
        else "after"
        if second in ancestors[first]
        else "concurrent"
        for first, second in told
    }
    assert told == expected
    steps = {
        (first, second): found.one(f"SELECT count(*) FROM causal_path('{first}', '{second}')")
        for first, second in told
        if first != second
    }
    assert {pair for pair, count in steps.items() if count} == {
        pair for pair, order in told.items() if order == "before"
    }
    assert set(told.values()) == {"before", "after", "concurrent"}


def test_text_and_json_of_a_log_say_the_same(ingest: Ingest) -> None:
    texts, objects = ingest("shiviz", "chord.log"), ingest("shiviz", "jsonl/chord.jsonl")
    said = "SELECT event_id, node, sequence, message FROM events ORDER BY event_id"
    assert texts.rows(said) == objects.rows(said)
