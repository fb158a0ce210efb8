"""Every deadlock of random servers counts once, whichever of their logs are read, in whatever order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stormwatch.catalog import Catalog
from tests.hostile import within

from .golden import insert

_START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - naive UTC as stored
_FORMATS = {
    "json": "postgresql_jsonlog", "csv": "postgresql_csvlog", "text": "postgresql_text",
    "syslog": "postgresql_syslog",
}  # fmt: skip
_OTHERS_FROM_S = 100
_EMPTY = {"event_id": None, "node": None, "service": None}
Record = dict[str, Any]


class Server(NamedTuple):
    """A server of PostgreSQL and which logs it writes."""

    logs: frozenset[str]
    is_terse: bool
    """Text does not say who waits."""
    is_coarse: bool
    """Text says whole seconds."""
    is_copied: bool
    """Its files are there twice."""


class Deadlock(NamedTuple):
    """What happened on a server, and which applications say so, how much later."""

    at_ms: int
    server: int
    is_of_same_locks: bool
    told_by: frozenset[str]
    lag_ms: int


class Told(NamedTuple):
    """Records of files in the order in which they are read."""

    records: list[Record]
    locks: list[Record]
    meant: dict[str, int]
    """Id of a deadlock -> which one it is."""


servers = st.lists(
    st.builds(
        Server,
        logs=st.frozensets(st.sampled_from(sorted(_FORMATS)), min_size=1),
        is_terse=st.booleans(),
        is_coarse=st.booleans(),
        is_copied=st.booleans(),
    ),
    min_size=3,
    max_size=3,
)
deadlocks = st.lists(
    st.builds(
        Deadlock,
        at_ms=st.integers(0, 20_000),
        server=st.integers(0, 2),
        is_of_same_locks=st.booleans(),
        told_by=st.frozensets(st.sampled_from(["shop", "pooler"])),
        lag_ms=st.integers(0, 900),
    ),
    max_size=25,
    unique_by=lambda one: (one.server, one.at_ms),
)
others = st.lists(st.integers(0, 20_000), max_size=3)
"""Instants at which an application says that a database deadlocked of which nothing is read."""


def _lines(number: int, one: Deadlock, server: Server) -> Iterator[tuple[str, Record, list[Record]]]:
    """File, record and waits of all that tells of one deadlock."""
    pid = 10 * one.server + (1 if one.is_of_same_locks else 2)
    lock = "advisory lock" if one.is_of_same_locks else f"transaction {number}"
    waits = [
        {"owner": str(owner), "blocked_by": str(other), "resource": f"{lock} {owner}"}
        for owner, other in [(pid, pid + 5), (pid + 5, pid)]
    ]
    for log in sorted(server.logs):
        has_ids = log in {"json", "csv"}
        at_ms = one.at_ms if has_ids or not server.is_coarse else one.at_ms // 1000 * 1000
        record = {
            "format": _FORMATS[log], "event_id": f"d-{number}" if has_ids else None, "node": f"pid {pid}",
            "occurred_at": _START + timedelta(milliseconds=at_ms),
        }  # fmt: skip
        yield f"{one.server} {log}", record, [] if server.is_terse and not has_ids else waits
    for service in sorted(one.told_by):
        at = _START + timedelta(milliseconds=one.at_ms + one.lag_ms)
        yield service, {"format": "json", "service": service, "occurred_at": at}, []


def _told(
    happened: Sequence[Deadlock], elsewhere: Sequence[int], found: Sequence[Server], dice: random.Random
) -> Told:
    files: dict[str, list[tuple[int, Record, list[Record]]]] = {}
    for number, one in enumerate(sorted(happened, key=lambda one: one.at_ms)):
        for file, record, waits in _lines(number, one, found[one.server]):
            files.setdefault(file, []).append((number, record, waits))
    for number, at_ms in enumerate(elsewhere, len(happened)):
        at = _START + timedelta(seconds=_OTHERS_FROM_S, milliseconds=at_ms)
        record = {"format": "json", "service": "shop", "occurred_at": at}
        files.setdefault("shop", []).append((number, record, []))
    names = [*files, *(f"{server} {log}" for server in range(3) for log in _copied(found[server]))]
    dice.shuffle(names)
    told = Told([], [], {})
    for file_id, name in enumerate(names, 1):
        for byte_offset, (number, record, waits) in enumerate(files.get(name, [])):
            place = {"file_id": file_id, "byte_offset": byte_offset}
            told.records.append(place | {"operation": "deadlock"} | _EMPTY | record)
            told.locks.extend(place | {"event_id": record.get("event_id")} | wait for wait in waits)
            told.meant[record.get("event_id") or f"{file_id}:{byte_offset}"] = number
    return told


def _copied(server: Server) -> list[str]:
    return sorted(server.logs) if server.is_copied else []


def _ids(
    database: duckdb.DuckDBPyConnection, catalog: Catalog, told: Told, *windows: dict[str, Any]
) -> list[list[str]]:
    try:
        for table, rows in {"observations": told.records, "locks": told.locks}.items():
            if rows:
                insert(database, table, pa.Table.from_pylist(rows))
        return [
            catalog.run(database, "_deadlock_records", **window)["deadlock_id"].to_pylist()
            for window in windows
        ]
    finally:
        database.execute("DELETE FROM observations")
        database.execute("DELETE FROM locks")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    happened=deadlocks,
    elsewhere=others,
    found=servers,
    dice=st.randoms(use_true_random=False),
    cut_ms=st.integers(0, 21_000),
)
def test_every_deadlock_counts_once(
    database: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    happened: list[Deadlock],
    elsewhere: list[int],
    found: list[Server],
    dice: random.Random,
    cut_ms: int,
) -> None:
    told = _told(happened, elsewhere, found, dice)
    cut = _START + timedelta(milliseconds=cut_ms)
    whole, before, after = _ids(database, catalog, told, {}, {"until": cut}, {"since": cut})
    assert sorted(told.meant[one] for one in whole) == list(range(len(happened) + len(elsewhere)))
    assert before + after == whole


def test_what_is_told_again_and_again_costs_no_more_than_that(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    """As thread dumps do of threads that stay deadlocked."""
    records = [
        {
            "file_id": 1, "byte_offset": number, "operation": "deadlock", "format": "java_thread_dump",
            "event_id": "d", "occurred_at": _START + timedelta(milliseconds=number),
        }
        for number in range(80_000)
    ]  # fmt: skip
    insert(database, "observations", pa.Table.from_pylist(records))
    with within(10):
        found = catalog.run(database, "_deadlock_records")
    assert found["occurred_at"].to_pylist() == [_START]
