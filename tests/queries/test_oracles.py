"""Relations against the words of their definitions, carried out one by one on random logs.

What stands here is quadratic and plain on purpose, and shares nothing with the SQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stormwatch.catalog import Catalog

_START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - naive UTC as stored
_DEFAULTS = {"file_id": 1, "byte_length": 100, "record_no": 0, "format": "json", "ingested_at": _START}
_quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Rows = list[dict[str, Any]]


class Arrival(NamedTuple):
    """A delivery as it is logged; its place in the file is its place in the list."""

    second: int
    consumer: str
    key: str
    epoch: str
    sequence: int
    copy_id: str


class Window(NamedTuple):
    """Seconds; the lookback lies before since."""

    since: int
    until: int
    lookback: int

    def arguments(self) -> dict[str, Any]:
        return {
            "since": _at(self.since),
            "until": _at(self.until),
            "lookback": timedelta(seconds=self.lookback),
        }

    def seen(self, arrivals: Iterable[tuple[int, Arrival]]) -> list[tuple[int, Arrival]]:
        return [
            (place, arrival)
            for place, arrival in arrivals
            if self.since - self.lookback <= arrival.second < self.until
        ]


arrivals_lists = st.lists(
    st.builds(
        Arrival,
        second=st.integers(0, 30),
        consumer=st.sampled_from(["audit", "billing"]),
        key=st.sampled_from(["k1", "k1", "k2"]),
        epoch=st.sampled_from(["1", "1", "1", "2"]),
        sequence=st.integers(1, 12),
        copy_id=st.sampled_from("abc"),
    ),
    max_size=40,
)
windows = st.builds(
    Window, since=st.integers(0, 20), until=st.integers(10, 31), lookback=st.sampled_from([0, 3, 60])
)


def _at(second: float) -> datetime:
    return _START + timedelta(seconds=second)


@contextmanager
def _stored(database: duckdb.DuckDBPyConnection, **tables: Rows) -> Iterator[None]:
    for name, rows in tables.items():
        if rows:
            database.register("given", pa.Table.from_pylist(rows))
            database.execute(f"INSERT INTO {name} BY NAME FROM given")
            database.unregister("given")
    try:
        yield
    finally:
        for name in tables:
            database.execute(f"DELETE FROM {name}")


def _receptions(arrivals: Sequence[Arrival]) -> Rows:
    return [
        _DEFAULTS
        | {
            "byte_offset": place, "event_id": arrival.copy_id, "occurred_at": _at(arrival.second),
            "service": arrival.consumer, "operation": "receive", "stream": "orders",
            "stream_key": arrival.key, "epoch": arrival.epoch, "sequence": arrival.sequence,
            "sequence_source": "producer",
        }
        for place, arrival in enumerate(arrivals)
    ]  # fmt: skip


def _scopes(seen: Iterable[tuple[int, Arrival]]) -> Iterator[list[tuple[int, Arrival]]]:
    """The arrivals of each scope, in order of arrival."""
    scopes = defaultdict(list)
    for place, arrival in seen:
        scopes[arrival.consumer, arrival.key, arrival.epoch].append((place, arrival))
    for scope in scopes.values():
        yield sorted(scope, key=lambda item: (item[1].second, item[0]))


def _copy_numbers(scope: list[tuple[int, Arrival]]) -> list[int]:
    names = [(arrival.sequence, arrival.copy_id) for _, arrival in scope]
    return [names[: index + 1].count(name) for index, name in enumerate(names)]


def _late(arrivals: Sequence[Arrival], window: Window) -> dict[int, tuple[Any, ...]]:
    """RFC 4737, section 3.3: s[i] is reordered if there is an earlier s[j] > s[i]; section 4.2.3:
    its extent is i - j for the earliest such j, counted in first copies (3.6)."""
    found = {}
    for scope in _scopes(window.seen(enumerate(arrivals))):
        copies = _copy_numbers(scope)
        for i, (place, arrival) in enumerate(scope):
            larger = [j for j in range(i) if scope[j][1].sequence > arrival.sequence]
            if not larger or arrival.second < window.since:
                continue
            j = larger[0]
            extent = copies[:i].count(1) - copies[:j].count(1)
            late_ms = (arrival.second - scope[j][1].second) * 1000.0
            greatest = max(scope[k][1].sequence for k in range(i))
            found[place] = (extent, late_ms, greatest, copies[i], scope[j][1].copy_id)
    return found


@_quick
@given(arrivals=arrivals_lists, window=windows)
def test_reorderings(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, arrivals: list[Arrival], window: Window
) -> None:
    with _stored(database, observations=_receptions(arrivals)):
        rows = catalog.run(database, "reorderings", **window.arguments()).to_pylist()
    names = ("extent", "late_time_ms", "greatest_before", "copy_number", "overtaken_by")
    assert {row["byte_offset"]: tuple(row[name] for name in names) for row in rows} == _late(arrivals, window)


@_quick
@given(arrivals=arrivals_lists, window=windows)
def test_reorder_hotspots(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, arrivals: list[Arrival], window: Window
) -> None:
    with _stored(database, observations=_receptions(arrivals)):
        rows = catalog.run(
            database, "reorder_hotspots", bucket=timedelta(seconds=5), **window.arguments()
        ).to_pylist()
    late = _late(arrivals, window)
    expected: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, None])
    for scope in _scopes(window.seen(enumerate(arrivals))):
        for (place, arrival), copy in zip(scope, _copy_numbers(scope), strict=True):
            if copy > 1 or arrival.second < window.since:
                continue
            bucket = expected[arrival.consumer, _at(arrival.second // 5 * 5)]
            bucket[0] += 1
            if place in late:
                bucket[1] += 1
                bucket[2] = max(bucket[2] or 0, late[place][0])
    counted = {
        (row["consumer"], row["bucket_start"]): [
            row["arrival_count"], row["reordered_count"], row["extent_max"],
        ]
        for row in rows
    }  # fmt: skip
    assert counted == expected


@_quick
@given(arrivals=arrivals_lists, window=windows)
def test_duplicates(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, arrivals: list[Arrival], window: Window
) -> None:
    with _stored(database, observations=_receptions(arrivals)):
        rows = catalog.run(database, "duplicates", **window.arguments()).to_pylist()
    times = defaultdict(list)
    for _, arrival in window.seen(enumerate(arrivals)):
        times[arrival.consumer, arrival.copy_id].append(arrival.second)
    assert {(row["consumer"], row["event_id"]): row["copy_count"] for row in rows} == {
        name: len(seconds)
        for name, seconds in times.items()
        if len(seconds) > 1 and max(seconds) >= window.since
    }


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    run: list[int] = []
    for number in sorted(numbers):
        if run and number > run[-1] + 1:
            yield run[0], run[-1]
            run = []
        run.append(number)
    if run:
        yield run[0], run[-1]


@_quick
@given(arrivals=arrivals_lists, window=windows)
def test_gaps(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, arrivals: list[Arrival], window: Window
) -> None:
    with _stored(database, observations=_receptions(arrivals)):
        rows = catalog.run(
            database, "gaps", allowed_lateness=timedelta(seconds=4), **window.arguments()
        ).to_pylist()
    expected = set()
    for scope in _scopes(window.seen(enumerate(arrivals))):
        one = scope[0][1]
        same = [a for a in arrivals if (a.consumer, a.key, a.epoch) == (one.consumer, one.key, one.epoch)]
        came_later = {a.sequence for a in same if a.second >= window.until}
        numbers = sorted({arrival.sequence for _, arrival in scope})
        last = max(a.second for a in arrivals if a.consumer == one.consumer)
        for before, after in pairwise(numbers):
            noticed = min(arrival.second for _, arrival in scope if arrival.sequence > before)
            if noticed < window.since:
                continue
            for first, final in _runs(set(range(before + 1, after)) - came_later):
                state = "lost" if last > noticed + 4 else "open"
                expected.add((one.consumer, one.key, first, final, _at(noticed), state))
    names = ("consumer", "stream_key", "first_missing", "last_missing", "noticed_at", "state")
    # Two epochs of one key may lack the same numbers: no column tells them apart.
    assert {tuple(row[name] for name in names) for row in rows} == expected


edge_lists = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=14)


def _caused(edges: list[tuple[str, str]]) -> tuple[Rows, Rows]:
    """An observation for each effect, with its first cause; further causes are in causes."""
    observations: Rows = []
    causes: Rows = []
    first: dict[str, int] = {}
    for place, (cause, effect) in enumerate(edges):
        if effect in first:
            where = {"file_id": 1, "byte_offset": first[effect], "record_no": 0}
            causes.append(where | {"effect_id": effect, "cause_id": cause, "kind": "link"})
            continue
        first[effect] = place
        flow = None if cause in "ab" else "flow-" + str(ord(cause) % 2)
        observations.append(
            _DEFAULTS
            | {
                "byte_offset": place, "event_id": effect, "causation_id": cause,
                "occurred_at": _at(place), "correlation_id": flow,
            }
        )  # fmt: skip
    return observations, causes


def _distances(start: str, steps: dict[str, set[str]]) -> dict[str, int]:
    found, frontier = {start: 0}, [start]
    while frontier:
        node = frontier.pop(0)
        for other in sorted(steps.get(node, ())):
            if other not in found:
                found[other] = found[node] + 1
                frontier.append(other)
    return found


def _steps(edges: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    steps = defaultdict(set)
    for start, end in edges:
        if start != end:
            steps[start].add(end)
    return steps


@_quick
@given(edges=edge_lists, event=st.sampled_from("abcdefgh"))
def test_causal_chain(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, edges: list[tuple[str, str]], event: str
) -> None:
    observations, causes = _caused(edges)
    with _stored(database, observations=observations, causes=causes):
        rows = catalog.run(database, "causal_chain", event=event).to_pylist()
    down = _distances(event, _steps(edges))
    up = _distances(event, _steps((effect, cause) for cause, effect in edges))
    expected = {
        name: -up[name] if name in up and up[name] <= down.get(name, 99) else down[name]
        for name in {*up, *down}
    }
    known = {effect for _, effect in edges} | {cause for cause, effect in edges if cause != effect}
    assert {row["event_id"]: row["depth"] for row in rows} == (expected if event in known else {})
    real = {(cause, effect) for cause, effect in edges if cause != effect}
    for row in rows:
        assert row["cause_id"] is None or (row["cause_id"], row["event_id"]) in real


@_quick
@given(edges=edge_lists)
def test_largest_chains(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, edges: list[tuple[str, str]]
) -> None:
    observations, causes = _caused(edges)
    with _stored(database, observations=observations, causes=causes):
        rows = catalog.run(database, "largest_chains", row_limit=99).to_pylist()
    down = _steps(edges)
    effects = {effect for others in down.values() for effect in others}
    logged = {effect for _, effect in edges}
    expected = {}
    for root in down.keys() - effects:
        chain = _distances(root, down)
        expected[root] = (len(chain), max(chain.values()), root not in logged)
    assert {
        row["root_id"]: (row["event_count"], row["depth_max"], row["is_ghost"]) for row in rows
    } == expected


@_quick
@given(edges=edge_lists)
def test_causal_cycles(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, edges: list[tuple[str, str]]
) -> None:
    observations, causes = _caused(edges)
    with _stored(database, observations=observations, causes=causes):
        rows = catalog.run(database, "causal_cycles").to_pylist()
    down = _steps(edges)
    reached = {start: {end for step in down[start] for end in _distances(step, down)} for start in [*down]}
    groups = {
        tuple(sorted(other for other in reached[one] if one in reached.get(other, ())))
        for one in reached
        if one in reached[one]
    }
    assert sorted(tuple(row["members"]) for row in rows) == sorted(groups)


@_quick
@given(
    hours=st.lists(st.tuples(st.integers(0, 2000), st.booleans()), max_size=8),
    since=st.integers(0, 2000),
    length=st.integers(1, 1500),
)
def test_deadlocks_per_hour(
    database: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    hours: list[tuple[int, bool]],
    since: int,
    length: int,
) -> None:
    observations = [
        _DEFAULTS
        | {
            "byte_offset": place, "event_id": f"d-{place}", "occurred_at": _at(hour * 3600),
            "operation": "deadlock" if is_deadlock else "send",
        }
        for place, (hour, is_deadlock) in enumerate(hours)
    ]  # fmt: skip
    with _stored(database, observations=observations):
        rows = catalog.run(
            database, "deadlocks_per_hour", since=_at(since * 3600), until=_at((since + length) * 3600)
        ).to_pylist()
    logged = sorted({hour for hour, _ in hours})
    covered = set(logged)
    for before, after in pairwise(logged):
        if after - before <= 31 * 24:
            covered |= set(range(before, after))
    deadlocks = [hour for hour, is_deadlock in hours if is_deadlock]
    assert {row["hour_start"]: row["deadlock_count"] for row in rows} == {
        _at(hour * 3600): deadlocks.count(hour) for hour in covered if since <= hour < since + length
    }
