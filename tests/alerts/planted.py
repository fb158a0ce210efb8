"""Databases with something planted in them, and back-tests of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from stormwatch.alerts.asking import Pace, Watch
from stormwatch.alerts.backtest import Backtest, backtest
from stormwatch.alerts.rules import load_rules

START = datetime(2026, 11, 20)  # noqa: DTZ001 - as DuckDB gives it
MINUTE = timedelta(minutes=1)
RULES, _ = load_rules()
_INSERT = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, row_number() OVER () * 100 AS byte_offset, 100 AS byte_length, 0 AS record_no,
    'canonical' AS format, coalesce(written.ingested_at, TIMESTAMP '2026-11-20') AS ingested_at,
    written.* EXCLUDE (ingested_at)
FROM written
"""
_LOCKS = """
INSERT INTO locks BY NAME
SELECT
    file_id, byte_offset, record_no, event_id, occurred_at, operation,
    attributes ->> '$.owner' AS owner, attributes ->> '$.resource' AS resource
FROM observations WHERE operation IN ('lock_acquire', 'lock_release')
"""


def at(minutes: float) -> datetime:
    """An instant so many minutes after the start."""
    return START + minutes * MINUTE


def store(database: duckdb.DuckDBPyConnection, rows: Iterable[dict[str, object]]) -> None:
    """Store observations; locks with `owner` and `resource` in their attributes as locks too."""
    table = pa.Table.from_pylist([{"ingested_at": None, **row} for row in rows])
    if table.schema.field("ingested_at").type == pa.null():
        table = table.set_column(
            table.schema.get_field_index("ingested_at"),
            "ingested_at",
            pa.nulls(len(table), pa.timestamp("us")),
        )
    database.register("written", table)
    database.execute(_INSERT)
    database.unregister("written")
    database.execute(_LOCKS)


def play(
    database: duckdb.DuckDBPyConnection,
    rule: str,
    minutes: tuple[float, float],
    crash: float | None = None,
    minute: timedelta = MINUTE,
) -> Backtest:
    """The back-test of a shipped rule between two minutes."""
    since, until = (at(one) for one in minutes)
    watch = Watch(Pace(minute), since)
    return backtest(database, RULES[rule], watch, since, until, [] if crash is None else [at(crash)])
