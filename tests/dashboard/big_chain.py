"""A database with one chain of 50,000 events: ten effects an event, of four types and three services."""

from __future__ import annotations

from pathlib import Path

from stormwatch.storage import Store
from tests.prepared import prepare

EVENTS = 50_000
_CHAIN = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, n * 100 AS byte_offset, 100 AS byte_length, 0 AS record_no, 'json' AS format,
    TIMESTAMP '2026-11-20 10:00' + to_milliseconds(n) AS occurred_at,
    TIMESTAMP '2026-11-20 12:00' AS ingested_at,
    'm-' || n AS event_id,
    CASE WHEN n > 0 THEN 'm-' || (n // 10) END AS causation_id,
    CASE WHEN n > 0 THEN 'causation' END AS cause_kind,
    'step.' || ['taken', 'checked', 'booked', 'told'][1 + (n % 10) % 4] AS event_type,
    'send' AS operation,
    ['shop', 'billing', 'ledger', 'ledger'][1 + (n % 10) % 4] AS service,
    'node-' || (n % 60) AS node,
    '{}' AS attributes
FROM range($events) AS made(n)
"""


def write(path: Path) -> Store:
    """The database, open."""
    store = Store(prepare(path))
    with store.cursor() as cursor:
        cursor.execute(_CHAIN, {"events": EVENTS})
        cursor.execute(
            "INSERT INTO batches VALUES (1, TIMESTAMP '2026-11-20 12:00', ?, 0, 0, NULL, 1.0)", [EVENTS]
        )
    return store
