"""What every relation costs in logs of a million events and of many: of the whole log, and of the window
that a page asks for.

The events are made in the database, so that a hundred million of them take minutes: messages that are
sent, received and processed, in up to 50,000 streams of which few carry most, some late, lost or twice;
chains of up to 200 events and one of 50,000; locks, deadlocks, changes and versions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from ingest.inserts import COVER_FILE
from stormwatch.alerts.asking import Pace, Watch, evaluate, last_instant
from stormwatch.alerts.rules import load_rules
from stormwatch.catalog import Catalog, Query
from stormwatch.errors import QueryError
from stormwatch.groundwork import Groundwork
from stormwatch.minutes.keeper import Minutes
from stormwatch.storage import Store

START: Final = datetime(2026, 1, 5)  # noqa: DTZ001 - naive UTC as stored
PER_SECOND: Final = 20_000
"""Events."""
PER_MESSAGE: Final = 3
"""Events: sent, received, processed."""
_PER_DEADLOCK: Final = 600_000
"""Messages."""
_AT_ONCE: Final = 1_000_000
"""Messages that one statement makes."""
_BIG_CHAIN: Final = 50_000
_MESSAGES: Final = """
CREATE OR REPLACE TEMP TABLE messages AS
SELECT
    m,
    'm-' || m AS event_id,
    CASE
        WHEN m BETWEEN 1 AND $big - 1 THEN 'm-' || (m // 10)
        WHEN m >= $big AND m % [1, 3, 5, 10, 20, 200][1 + (hash(m // 200) % 6)::INTEGER] > 0
            THEN 'm-' || (m - 1)
    END AS causation_id,
    (pow(50000, (hash(m, 1) % 1000000) / 1000000))::INTEGER AS stream_no,
    $start::TIMESTAMP + to_microseconds((m * 1000000 * $per_message // $per_second)::BIGINT) AS sent_at,
    (CASE WHEN hash(m, 2) % 50 = 0 THEN 200000 ELSE 5000 END + hash(m, 3) % 6000)::BIGINT AS travel_us
FROM range($since, $until) AS made(m)
"""
_OBSERVATIONS: Final = """
INSERT INTO observations BY NAME
WITH numbered AS (
    SELECT
        messages.*,
        coalesce(counts.n, 0) + row_number() OVER (PARTITION BY stream_no ORDER BY m) AS sequence
    FROM messages LEFT JOIN counts USING (stream_no)
), parts AS (
    SELECT *, unnest(CASE
        WHEN hash(m, 4) % 1000 = 0 THEN [0]
        WHEN hash(m, 5) % 200 = 0 THEN [0, 1, 2, 3]
        ELSE [0, 1, 2]
    END) AS part
    FROM numbered
)
SELECT
    1 + part AS file_id, m * 400 AS byte_offset, 400 AS byte_length, 0 AS record_no,
    'canonical' AS format, event_id, now()::TIMESTAMP AS ingested_at,
    sent_at + to_microseconds(
        CASE part WHEN 0 THEN 0 WHEN 1 THEN travel_us WHEN 2 THEN travel_us + 2000 ELSE travel_us + 90000 END
    ) AS occurred_at,
    CASE part WHEN 0 THEN 'shop' ELSE 'billing' END AS service,
    CASE part WHEN 0 THEN 'shop-' || m % 3 ELSE 'billing-' || hash(stream_no) % 5 END AS node,
    CASE part WHEN 0 THEN 'send' WHEN 2 THEN 'process' ELSE 'receive' END AS operation,
    'type-' || m % 40 AS event_type,
    'stream-' || stream_no AS stream,
    sequence, 'producer' AS sequence_source,
    causation_id, CASE WHEN causation_id IS NOT NULL THEN 'causation' END AS cause_kind,
    'flow-' || m // 200 AS correlation_id,
    CASE WHEN m % 7 = 0 THEN '2' ELSE '1' END AS schema_version,
    CASE part WHEN 0 THEN 'order-' || m // 3 END AS entity,
    CASE part WHEN 0 THEN 1 + m % 3 END AS entity_version,
    CASE part WHEN 0 THEN m % 3 END AS expected_version,
    CASE WHEN hash(m, 6) % 300 = 0 THEN 2 END AS attempt,
    CASE WHEN hash(m, 7) % 100 = 0 THEN 'ERROR' ELSE 'INFO' END AS severity,
    json_object('amount', m % 1000) AS attributes
FROM parts
ORDER BY occurred_at
"""
_COUNTS: Final = """
CREATE OR REPLACE TEMP TABLE counts AS
SELECT stream_no, sum(n)::BIGINT AS n FROM (
    FROM counts UNION ALL SELECT stream_no, count(*) AS n FROM messages GROUP BY stream_no
) GROUP BY stream_no
"""
_LOCKS: Final = """
INSERT INTO locks BY NAME
SELECT
    4 AS file_id, m * 800 + 100 * step AS byte_offset, 0 AS record_no, 'l-' || m || '-' || step AS event_id,
    sent_at + to_milliseconds(step * 3) AS occurred_at,
    CASE WHEN m % $per_deadlock = 0 AND step = 3 THEN 'deadlock'
        ELSE ['lock_acquire', 'lock_wait', 'lock_acquire', 'lock_release'][step + 1] END AS operation,
    'tx-' || (m + step % 2) AS owner, 'row-' || hash(m) % 1000 AS resource, 'X' AS mode,
    CASE WHEN step IN (1, 3) THEN 'tx-' || (m + (step + 1) % 2) END AS blocked_by,
    step = 3 AS is_victim
FROM messages, range(4) AS steps(step) WHERE m % 200 = 0
"""
_LOCK_RECORDS: Final = """
INSERT INTO observations BY NAME
SELECT
    file_id, byte_offset, 100 AS byte_length, record_no, 'canonical' AS format, event_id,
    now()::TIMESTAMP AS ingested_at, occurred_at, 'ledger' AS service, 'ledger-1' AS node, operation,
    'lock.' || operation AS event_type, 'm-' || byte_offset // 800 AS causation_id, 'causation' AS cause_kind
FROM locks
WHERE operation IN ('lock_wait', 'deadlock') AND byte_offset // 800 BETWEEN $since AND $until - 1
"""
_FILES: Final = """
INSERT INTO files BY NAME
SELECT
    file_id, 'made-' || file_id || '.jsonl' AS path, 0 AS device, file_id AS inode, 0 AS birth_ns,
    'none' AS compression, encode('made in the database: ' || file_id) AS head, ''::BLOB AS mark,
    0 AS checksum, ''::BLOB AS waypoints,
    sum(byte_length) AS committed_offset, sum(byte_length) AS stored_bytes, 0 AS quarantined_bytes,
    0 AS blank_bytes, 0 AS inherited_bytes, 0 AS missed_bytes, count(*) AS event_count, 0 AS reject_count,
    sum(byte_length) AS size_bytes, 0 AS finished_bytes, FALSE AS skipping, 'gone' AS state,
    min(ingested_at) AS first_seen_at, max(ingested_at) AS last_read_at
FROM observations GROUP BY file_id
"""
"""An ingester that goes on with the database gives other numbers to the files it reads."""
_CHANGES: Final = """
INSERT INTO observations BY NAME
SELECT
    5 AS file_id, m * 100 AS byte_offset, 100 AS byte_length, 0 AS record_no, 'canonical' AS format,
    'c-' || m AS event_id, now()::TIMESTAMP AS ingested_at, sent_at AS occurred_at, 'config' AS service,
    'config-1' AS node, 'change' AS operation, 'config.changed' AS event_type,
    json_object('setting', 'ordering', 'old', 'on', 'new', 'off') AS attributes
FROM messages WHERE m % 500000 = 250000
"""


_LONG_CHAIN: Final = """
SELECT 'm-' || max(m) FROM range($events // 2, $events) AS made(m)
WHERE m % 200 = 100 AND hash(m // 200) % 6 = 5
"""
_PROBLEMS: Final[Mapping[object, str]] = {
    duckdb.InterruptException: "stopped",
    duckdb.OutOfMemoryException: "memory",
}
_PANEL_S: Final = 0.3
"""The goal for what a panel asks: the 95th percentile, in a log of 100 million events."""


@dataclass(frozen=True)
class Cost:
    """Of a relation."""

    seconds: float
    problem: str = ""
    """Why there was no answer."""

    def __str__(self) -> str:
        return self.problem or f"{self.seconds:7.2f}"


def make(database: Path, events: int, per_second: int = PER_SECOND, start: datetime = START) -> None:
    """A database with so many events, at this rate from `start` (UTC) on, and with the relations."""
    with Store(database) as store, store.cursor() as cursor:
        Catalog.load().install(cursor)
        cursor.execute("CREATE TEMP TABLE counts (stream_no INTEGER, n BIGINT)")
        for since in range(0, events // PER_MESSAGE, _AT_ONCE):
            until = min(since + _AT_ONCE, events // PER_MESSAGE)
            given = {
                "since": since, "until": until, "big": _BIG_CHAIN, "start": start,
                "per_second": per_second, "per_message": PER_MESSAGE,
            }  # fmt: skip
            cursor.execute(_MESSAGES, given)
            for statement in (_OBSERVATIONS, _CHANGES, _COUNTS):
                cursor.execute(statement)
            cursor.execute(_LOCKS, {"per_deadlock": _PER_DEADLOCK})
            cursor.execute(_LOCK_RECORDS, {"since": since, "until": until})
        cursor.execute(
            "INSERT INTO batches BY NAME SELECT 1 AS batch_id, now()::TIMESTAMP AS committed_at,"
            " $events AS event_count, 0 AS reject_count, 0 AS byte_count, 0 AS duration_ms",
            {"events": events},
        )
        cursor.execute(_FILES)
        for (file_id,) in cursor.execute("SELECT file_id FROM files").fetchall():
            for statement in COVER_FILE:
                cursor.execute(statement, [file_id])
        cursor.execute("CHECKPOINT")


def arguments_of(query: Query, end: datetime, span: timedelta | None) -> dict[str, Any]:
    """Arguments: what must be given, and a window where one is asked for."""
    instant = end - timedelta(seconds=1)
    needed: Mapping[str, Any] = {
        "event": "m-400", "first": "m-1", "second": "m-12345", "search": "m-12345", "newest": end,
        "onset": instant, "instant": instant, "in_file": 1, "at_offset": 4_000_000,
        "deadlock": _newest_deadlock(end),
        "selection": "reordered", "since": end - timedelta(seconds=20), "until": end,
        "overtaker": "m-401", "came_at": instant, "of_consumer": "billing",
        "of_loop": "type-1 <-> type-2",
    }  # fmt: skip
    given = {one.name: needed[one.name] for one in query.parameters if one.default is None}
    if span is not None and _has_window(query):
        given |= {"since": end - span, "until": end}
        # As pages do in a log that is busy.
        if any(one.name == "lookback" for one in query.parameters):
            given["lookback"] = span
    return given


def _newest_deadlock(end: datetime) -> str:
    messages = int((end - START).total_seconds() * PER_SECOND) // PER_MESSAGE
    return f"l-{(messages - 1) // _PER_DEADLOCK * _PER_DEADLOCK}-3"


def _has_window(query: Query) -> bool:
    return {"since", "until"} <= {one.name for one in query.parameters}


def _asked(
    cursor: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    name: str,
    given: dict[str, Any],
    limit_s: float,
    groundwork: Groundwork | None = None,
) -> Cost:
    timer = threading.Timer(limit_s, cursor.interrupt)
    timer.start()
    started = time.perf_counter()
    problem = ""
    try:
        if groundwork:
            groundwork.ask(catalog, cursor, name, given, ("made", 1))
        else:
            catalog.run(cursor, name, **given)
    except QueryError as error:
        problem = _PROBLEMS.get(type(error.__cause__), "")
        if not problem:
            raise
    finally:
        timer.cancel()
    return Cost(time.perf_counter() - started, problem)


def keep(store: Store, end: datetime, events: int) -> None:
    """Keep minutes and blocks as an owner does, and print what it costs."""
    minutes = Minutes(store)
    started = time.process_time()
    while minutes.keep(end):
        minutes.rest_no_more()
    cost_us = (time.process_time() - started) / events * 1e6
    print(f"    kept per minute: {cost_us:.1f} us of processor time an event")
    minutes.close()


def _judge(cursor: duckdb.DuckDBPyConnection, end: datetime, limit_s: float) -> None:
    """Print how long each alert rule takes for its last instant."""
    for name, rule in load_rules()[0].items():
        last = last_instant(rule, Pace(), end)
        watch = Watch(Pace(), last, timeout_s=limit_s)
        started = time.perf_counter()
        try:
            evaluate(cursor, rule, watch, (last - rule.every, last), (), lambda _, after: after.episodes, str)
            told = f"{time.perf_counter() - started:7.2f}"
        except QueryError:
            told = "stopped"
        print(f"    rule {name:24} {told:>8}", flush=True)


def _compare(
    cursor: duckdb.DuckDBPyConnection, catalog: Catalog, events: int, parts: Mapping[str, Cost]
) -> None:
    """Print the goals for chains and for what panels ask, and what is above them."""
    [(chained,)] = cursor.execute(_LONG_CHAIN, {"events": events // PER_MESSAGE}).fetchall()
    for title, name, event, goal_s in (
        ("a chain of 200", "causal_chain", chained, 0.2),
        ("a chain of 50,000, folded", "chain_fold", "m-0", 2.0),
    ):
        cost = _asked(cursor, catalog, name, {"event": event}, 60)
        print(f"    {title:26} {cost!s:>8}  (goal {goal_s:g})")
    above = {name: cost for name, cost in parts.items() if cost.problem or cost.seconds > _PANEL_S}
    within = len(parts) - len(above)
    print(f"    of the window, {within} of {len(parts)} relations within {_PANEL_S:g} s; above:")
    for name, cost in sorted(above.items(), key=lambda one: one[1].seconds):
        print(f"      {name:24} {cost!s:>8}")


def report(work: Path, sizes: list[int], window_s: float, limit_s: float) -> None:
    """Print seconds per relation, of the whole log and, as pages ask, of its last `window_s` seconds."""
    catalog = Catalog.load()
    names = [name for name, query in sorted(catalog.items()) if not query.is_internal]
    print(
        f"relations         seconds: whole log | its last {window_s:g} s, {PER_SECOND * window_s:,.0f} events"
    )
    columns: list[dict[str, tuple[Cost, Cost | None]]] = []
    for size in sizes:
        database = work / f"{size}.duckdb"
        started = time.perf_counter()
        make(database, size)
        made_s = time.perf_counter() - started
        print(f"  {size:,} events made in {made_s:.0f} s, {database.stat().st_size / size:.1f} bytes each")
        end = START + timedelta(seconds=size / PER_SECOND)
        costs = {}
        with Store(database) as store, store.cursor() as cursor:
            keep(store, end, size)
            _judge(cursor, end, limit_s)
            groundwork, pairs = Groundwork(), catalog["swapped_pairs"]
            first = _asked(
                cursor,
                catalog,
                pairs.name,
                arguments_of(pairs, end, timedelta(seconds=window_s)),
                limit_s,
                groundwork,
            )
            print(f"    the first about order    {first!s:>8}, which works out what the others read")
            for name in names:
                query = catalog[name]
                whole = _asked(cursor, catalog, name, arguments_of(query, end, None), limit_s)
                part = None
                if _has_window(query):
                    span = timedelta(seconds=window_s)
                    part = _asked(cursor, catalog, name, arguments_of(query, end, span), limit_s, groundwork)
                costs[name] = (whole, part)
                print(f"    {name:24} {whole!s:>8} | {'' if part is None else part!s:>8}", flush=True)
            parts = {name: part for name, (_, part) in costs.items() if part is not None}
            _compare(cursor, catalog, size, parts)
        columns.append(costs)
        database.unlink()
    print(f"  {'':24} " + " || ".join(f"{size:>19,}" for size in sizes))
    for name in names:
        told = (costs[name] for costs in columns)
        print(f"  {name:24} " + " || ".join(f"{a!s:>8} | {'' if b is None else b!s:>8}" for a, b in told))
