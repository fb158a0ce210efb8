"""Chains are exactly those that were: all dialects in the same files, with loss, copies and disorder."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ingest.service import Ingester, Settings
from stormwatch.storage import Store
from tests.prepared import prepare

from .cascades import DIALECTS, Event, flows, name_of, survivors, written

_FLOWS = 300
_FILES = 3
_SEEDS = (1, pytest.param(2, marks=pytest.mark.slow))


@dataclass
class Logged:
    """What was logged, and the database that it was read into."""

    events: dict[str, list[Event]]
    """Dialect -> all events; those that survived have a line."""
    kept: dict[str, list[Event]]
    store: Store

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.store.cursor() as cursor:
            return cursor.execute(sql, values).fetchall()


@pytest.fixture(scope="module", params=_SEEDS)
def logged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    rng = random.Random(request.param)
    logs = tmp_path_factory.mktemp("cascades")
    events = {dialect: list(flows(rng, _FLOWS)) for dialect in DIALECTS}
    kept = {dialect: survivors(rng, made) for dialect, made in events.items()}
    lines = [line for dialect in DIALECTS for line in written(dialect, kept[dialect])]
    rng.shuffle(lines)
    for number in range(_FILES):
        path = logs / f"mixed-{number}.log"
        path.write_bytes(b"".join(lines[number::_FILES]))
        os.utime(path, (path.stat().st_mtime - 60,) * 2)
    with Store(prepare(tmp_path_factory.mktemp("read") / "cascades.duckdb")) as store:
        ingester = Ingester(store, Settings(logs))
        ingester.drain()
        yield Logged(events, kept, store)
        ingester.close()


def _cause_of(dialect: str, event: Event) -> str | None:
    return event.cause and name_of(dialect, event.cause)


def test_nothing_was_rejected(logged: Logged) -> None:
    assert logged.rows("SELECT reason, raw FROM rejects") == []
    [[count]] = logged.rows("SELECT count(*) FROM observations")
    assert count == sum(map(len, logged.kept.values()))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_event_has_its_cause_flow_and_time(logged: Logged, dialect: str) -> None:
    flow = {"axon_4": "root", "axon_5": "root"}.get(dialect, "flow")
    expected = [
        (
            name_of(dialect, event),
            _cause_of(dialect, event),
            # Axon writes the flow of an event that has a cause.
            getattr(event, flow) if event.cause or flow == "flow" else None,
            event.at.replace(tzinfo=None),
        )
        for event in logged.kept[dialect]
    ]
    names = [name for name, *_ in expected]
    found = logged.rows(
        "SELECT event_id, causation_id, correlation_id, occurred_at FROM observations"
        " WHERE event_id IN (SELECT unnest($1))",
        names,
    )
    key = repr
    assert sorted(found, key=key) == sorted(expected, key=key)


def _lineage(dialect: str, event: Event, logged: set[str]) -> set[tuple[str, str | None, bool]]:
    """What led to an event, up to the first that nobody logged: (id, cause, whether nobody logged it)."""
    found: set[tuple[str, str | None, bool]] = set()
    at: Event | None = event
    while at is not None:
        name = name_of(dialect, at)
        if name not in logged:
            return found | {(name, None, True)}
        found.add((name, _cause_of(dialect, at), False))
        at = at.cause
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
def test_chains_lead_back_to_where_they_began(logged: Logged, dialect: str) -> None:
    kept = {name_of(dialect, event) for event in logged.kept[dialect]}
    deepest = sorted(set(logged.kept[dialect]), key=lambda event: (event.at, event.id))[-12:]
    for event in deepest:
        found = logged.rows(
            "SELECT event_id, cause_id, is_ghost FROM causal_chain($1, direction := 'causes')",
            name_of(dialect, event),
        )
        assert set(found) == _lineage(dialect, event, kept)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_root_has_exactly_the_effects_that_can_be_known(logged: Logged, dialect: str) -> None:
    kept = {event.id for event in logged.kept[dialect]}
    effects: dict[str, list[Event]] = {}
    for event in logged.events[dialect]:
        if event.cause and event.id in kept:
            effects.setdefault(event.cause.id, []).append(event)
    roots = [event for event in logged.events[dialect] if event.cause is None and event.id in effects][:12]
    for root in roots:
        known, waiting = set(), [root]
        while waiting:
            event = waiting.pop()
            known.add(name_of(dialect, event))
            waiting.extend(effects.get(event.id, ()))
        found = logged.rows(
            "SELECT event_id FROM causal_chain($1, direction := 'effects')", name_of(dialect, root)
        )
        assert {name for (name,) in found} == known
