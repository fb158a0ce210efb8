"""A small database with a story whose every number is known by hand.

One hour of a shop, 2026-11-20 from 10:00 UTC. `shop` numbers its orders 1..6 per key; `billing`
(nodes billing-1, billing-2) receives them as 1, 3, 2, 5, 5 again, 6: number 2 comes late by 400 ms,
number 5 twice, number 4 never. Order o-1 caused payment p-1, which caused shipment s-1; s-1 names
no other cause. `ledger` reports two deadlocks, at 10:05 and at 12:30. One line is in quarantine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from stormwatch.catalog import Catalog
from stormwatch.model import EVENT_SCHEMA
from stormwatch.storage import Store

START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - naive UTC as stored
HOSTILE = (
    "![pixel](http://evil.example/p.png) <img src=http://evil.example/i.png onerror=alert(1)> "
    "<script>window.__ran = true</script> [go](http://evil.example/md) "
    "<a href='http://evil.example/a'>x</a> http://evil.example/auto :material/home: `code` $x$"
)


def at(seconds: float) -> datetime:
    """An instant so many seconds into the story."""
    return START + timedelta(seconds=seconds)


def _event(seconds: float, **fields: Any) -> dict[str, Any]:
    base: dict[str, Any] = dict.fromkeys(EVENT_SCHEMA.names)
    base |= {"file_id": 1, "byte_length": 100, "record_no": 0, "format": "json", "occurred_at": at(seconds)}
    base |= {"attributes": json.dumps({"region": "eu"})}
    return base | fields


def _order(number: int, seconds: float, operation: str, service: str, node: str) -> dict[str, Any]:
    return _event(
        seconds, event_id=f"o-{number}", message_id=f"o-{number}", event_type="order.created",
        operation=operation, service=service, node=node, stream="orders", stream_key="k1",
        sequence=number, sequence_source="producer", correlation_id="flow-1", severity="INFO",
    )  # fmt: skip


def _effect(event_id: str, kind: str, cause: str, seconds: float, service: str) -> dict[str, Any]:
    return _event(
        seconds, event_id=event_id, event_type=kind, operation="send", service=service,
        node=f"{service}-1", stream="effects", causation_id=cause, cause_kind="causation",
        correlation_id="flow-1", severity="INFO",
    )  # fmt: skip


def events() -> list[dict[str, Any]]:
    """The observations, in the order of the file."""
    sent = [_order(number, number, "send", "shop", "shop-1") for number in range(1, 7)]
    arrivals = ((1, 11, 1), (3, 12, 1), (2, 12.4, 2), (5, 14, 1), (5, 15, 2), (6, 16, 1))
    received = [
        _order(number, seconds, "receive", "billing", f"billing-{node}")
        for number, seconds, node in arrivals
    ]
    effects = [
        _effect("p-1", "payment.captured", "o-1", 20, "billing"),
        _effect("s-1", "shipment.dispatched", "p-1", 30, "shipping"),
    ]
    deadlocks = [
        _event(
            seconds, event_id=name, event_type="deadlock", operation="deadlock", service="ledger",
            node="ledger-1", severity="ERROR", message="deadlock detected",
        )
        for name, seconds in (("d-1", 300), ("d-2", 9000))
    ]  # fmt: skip
    rows = [*sent, *received, *effects, *deadlocks]
    return [row | {"byte_offset": number * 100} for number, row in enumerate(rows)]


def locks(rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """The wait-for edges: 7 waits for 9, 9 waits for 7; 7 is the victim."""
    return [
        (1, row["byte_offset"], 0, row["event_id"], row["occurred_at"], "deadlock", owner,
         f"row {resource}", "ExclusiveLock", other, f"update accounts {owner}", owner == "7")
        for row in rows
        if row["operation"] == "deadlock"
        for owner, other, resource in (("7", "9", 1), ("9", "7", 2))
    ]  # fmt: skip


def hostile(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same story with the hostile text in every field that is text and may hold anything."""
    free = ("service", "node", "event_type", "stream", "stream_key", "severity", "message")
    changed = []
    for row in rows:
        texts = {name: f"{row[name]} {HOSTILE}" for name in free if row[name] is not None}
        ids = {
            name: f"{row[name]} {HOSTILE}"
            for name in ("event_id", "message_id", "causation_id", "correlation_id")
            if row[name] is not None
        }
        changed.append(row | texts | ids | {"message": HOSTILE, "attributes": json.dumps({HOSTILE: HOSTILE})})
    return changed


def fill(
    store: Store,
    rows: list[dict[str, Any]],
    lock_rows: list[tuple[Any, ...]],
    *,
    path: str = "shop.jsonl",
    raw: bytes = b'{"torn": ',
) -> None:
    """Store rows as one committed batch, one file and one rejected line."""
    table = pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)
    names = ", ".join(EVENT_SCHEMA.names)
    offset = len(rows) * 100
    with store.cursor() as cursor:
        Catalog.load().install(cursor)
        cursor.register("story", table)
        cursor.execute("BEGIN")
        cursor.execute(f"INSERT INTO events ({names}, ingested_at) SELECT {names}, ? FROM story", [at(9001)])  # noqa: S608
        if lock_rows:
            marks = ", ".join("?" * len(lock_rows[0]))
            cursor.executemany(f"INSERT INTO locks VALUES ({marks})", lock_rows)  # noqa: S608
        cursor.execute(
            "INSERT INTO rejects VALUES (1, ?, ?, 'not a JSON object', ?, ?)",
            [offset, len(raw), raw, at(9001)],
        )
        end = offset + len(raw)
        cursor.execute(
            "INSERT INTO files VALUES (1, ?, 1, 1, 0, 'none', '', '', ?, ?, ?, 0, 0, 0, ?, 1, ?, FALSE, "
            "'lines', 'live', ?, ?)",
            [path, end, offset, len(raw), len(rows), end + 50, at(0), at(9001)],
        )
        cursor.execute(
            "INSERT INTO batches VALUES (1, ?, ?, 1, ?, ?, 12.5)", [at(9001), len(rows), end, at(9000)]
        )
        cursor.execute("COMMIT")


def write(path: Path) -> Store:
    """A database with the story, open."""
    store = Store(path)
    rows = events()
    fill(store, rows, locks(rows))
    return store
