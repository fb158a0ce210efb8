"""A log whose minutes are kept, and a database that is written to as the ingester does."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ingest.inserts import INSERT_COVERED
from stormwatch.catalog import Catalog
from stormwatch.minutes.keeper import Minutes, mark_stale
from stormwatch.minutes.replay import number_of, start_of
from stormwatch.minutes.statements import COUNTED
from stormwatch.storage import Store

START = datetime(2026, 1, 5)  # noqa: DTZ001 - naive UTC as stored
MINUTE = timedelta(minutes=1)
_INSERT = """
INSERT INTO observations BY NAME
SELECT
    file_id, byte_offset, 1 AS byte_length, 0 AS record_no, 'canonical' AS format,
    event_id, event_type, causation_id, correlation_id, occurred_at, occurred_at AS ingested_at,
    CASE WHEN hash(event_id) % 50 = 0 THEN 2 END AS attempt,
    CASE event_type WHEN 'order' THEN 'work' WHEN 'ship' THEN 'parcels' END AS stream,
    -- What counts as an arrival is the same throughout the log: it is decided per consumer and stream.
    CASE WHEN hash(event_id, occurred_at) % 3 = 0 THEN 'send' WHEN event_type = 'ship' THEN 'process'
    ELSE 'receive' END AS operation,
    CASE hash(occurred_at) % 2 WHEN 0 THEN 'billing' ELSE 'store' END AS service,
    (epoch(occurred_at) + hash(event_id) % 40)::BIGINT AS sequence,
    CASE hash(event_id) % 9 WHEN 0 THEN 'Error' WHEN 1 THEN 'INFO' END AS severity
FROM parsed
"""
_SCHEMA = pa.schema(
    [
        *(
            pa.field(name, pa.string())
            for name in ("event_id", "event_type", "causation_id", "correlation_id")
        ),
        pa.field("occurred_at", pa.timestamp("us")),
        pa.field("byte_offset", pa.int64()),
        pa.field("file_id", pa.int32()),
    ]
)
_COLUMNS = _SCHEMA.names[:-2]
_ASKED: dict[str, dict[str, object]] = {
    "loop_gain": {"span": 3 * MINUTE},
    "repeated_work": {"baseline": 20 * MINUTE, "span": 2 * MINUTE},
    "backlog": {"span": 5 * MINUTE},
    "event_rate": {},
}

Row = tuple[str, str, str | None, str | None, datetime]
"""Event id, type, cause, flow, instant."""


def log(seed: int, minutes: int = 24) -> list[Row]:
    """Orders whose steps cause each other and are retried, each observed up to three times."""
    chance = random.Random(seed)
    rows: list[Row] = []

    def happen(number: str, kind: str, cause: str | None, flow: str | None, at: datetime) -> None:
        for _ in range(chance.choice((1, 1, 2, 3))):
            rows.append((number, kind, cause, flow, at))
            at += timedelta(seconds=chance.expovariate(1 / 40))

    for order in range(minutes * 4):
        at = START + timedelta(seconds=chance.uniform(0, minutes * 60))
        flow = f"f{order}" if order % 3 else None
        numbers = [f"o{order}"]
        happen(numbers[0], "order", None, flow, at)
        for step in range(chance.randrange(14)):
            at += timedelta(seconds=chance.expovariate(1 / 30))
            # Of the last three, so that a cause has effects in several minutes.
            known = chance.choice(numbers[-3:])
            cause = None if chance.random() < 0.1 else known if chance.random() < 0.9 else "never logged"
            numbers.append(f"o{order}.{step}")
            kind = chance.choice(("reserve", "retry", "retry", "retry", "ship"))
            happen(numbers[-1], kind, cause, flow, at)
    return rows


class Site:
    """A database, with what a writer does when it stores rows."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self.store = store
        self._catalog = catalog
        self.batch = 0

    def commit(self, rows: Sequence[Row]) -> None:
        self.batch += 1
        with self.store.cursor() as cursor, self.store.transaction(cursor):
            columns: dict[str, Any] = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
            cursor.register(
                "parsed",
                pa.table(
                    {**columns, "byte_offset": list(range(len(rows))), "file_id": [1] * len(rows)}, _SCHEMA
                ),
            )
            cursor.execute(_INSERT)
            mark_stale(cursor, self.batch, "parsed")
            cursor.execute(INSERT_COVERED, [datetime.now(UTC)] * 3)
            cursor.execute(
                "INSERT INTO batches VALUES (?, ?, ?, 0, 0, NULL, 1)", [self.batch, START, len(rows)]
            )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.store.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def answers(self, since: datetime, until: datetime) -> dict[str, list[dict[str, Any]]]:
        """Of all that is taken from what is kept."""
        with self.store.cursor() as cursor:
            return {
                name: self._catalog.run(cursor, name, since=since, until=until, **given).to_pylist()
                for name, given in _ASKED.items()
            }

    def order(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """How fast the budget of reorderings is used up."""
        with self.store.cursor() as cursor:
            found = self._catalog.run(cursor, "delivery_budgets", since=since, until=until).to_pylist()
        return [one for one in found if one["fault"] == "reordered"]

    def rates(self, **given: Any) -> list[list[dict[str, Any]]]:
        """Of all events, and by type."""
        with self.store.cursor() as cursor:
            return [
                self._catalog.run(cursor, name, **given).to_pylist() for name in ("event_rate", "type_counts")
            ]

    def gains(self, since: datetime, until: datetime, **more: Any) -> list[dict[str, Any]]:
        with self.store.cursor() as cursor:
            given = {"since": since, "until": until, **more}
            return self._catalog.run(cursor, "loop_gain", **given).to_pylist()

    def kept(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table: self.ask(f"FROM {table} ORDER BY ALL") for _, table, _ in COUNTED}

    def is_kept(self, since: datetime, until: datetime) -> bool:
        with self.store.cursor() as cursor:
            [(found,)] = cursor.execute(
                "SELECT is_kept FROM _kept_minutes(?::TIMESTAMP, ?::TIMESTAMP, INTERVAL 1 MINUTE)",
                [since, until],
            ).fetchall()
            return bool(found)


def keep(site: Site, until: datetime) -> None:
    """Keep all there is to keep, and leave: as a process does that is stopped."""
    minutes = Minutes(site.store)

    def turn() -> bool:
        minutes.rest_no_more()
        return minutes.keep(until)

    while turn() or site.ask("SELECT 1 FROM stale_minutes LIMIT 1"):
        pass
    minutes.close()


def end_of(rows: Sequence[Row]) -> datetime:
    return start_of(number_of(max(row[-1] for row in rows)) + 1)
