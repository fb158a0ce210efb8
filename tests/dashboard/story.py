"""A small database with a story whose every number is known by hand.

One hour of a shop, 2026-11-20 from 10:00 UTC. `shop` numbers its orders 1..6 per key; `billing`
(nodes billing-1, billing-2) receives them as 1, 3, 2, 5, 5 again, 6: number 2 comes late by 400 ms,
number 5 twice, number 4 never. Order o-1 caused payment p-1, which caused shipment s-1; s-1 names
no other cause. `ledger` reports two deadlocks, at 10:05 and at 12:30. One line is in quarantine.
The log file itself stands beside the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from stormwatch.model import EVENT_SCHEMA
from stormwatch.storage import Store
from tests.prepared import prepare

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
        _order(number, seconds, "receive", "billing", f"billing-{node}") for number, seconds, node in arrivals
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


TORN = b'{"torn": '


def line(row: Mapping[str, Any]) -> bytes:
    """The line of the log file behind an observation: 100 bytes."""
    text = json.dumps({"id": row["event_id"], "op": row["operation"], "at": row["occurred_at"].isoformat()})
    return text.encode()[:99].ljust(99) + b"\n"


def _file(rows: list[dict[str, Any]], path: str, content: bytes, raw: bytes) -> dict[str, Any]:
    stored = len(rows) * 100
    return {
        "file_id": 1, "path": path, "device": 1, "inode": 1, "birth_ns": 0, "compression": "none",
        "head": content[:1024], "mark": b"", "checksum": 0, "waypoints": b"",
        "committed_offset": stored + len(raw), "stored_bytes": stored, "quarantined_bytes": len(raw),
        "blank_bytes": 0, "inherited_bytes": 0, "missed_bytes": 0, "event_count": len(rows),
        "reject_count": 1, "size_bytes": stored + len(raw) + 50, "finished_bytes": 0, "skipping": False,
        "state": "live", "first_seen_at": at(0), "last_read_at": at(9001),
    }  # fmt: skip


def fill(
    store: Store,
    rows: list[dict[str, Any]],
    lock_rows: list[tuple[Any, ...]],
    *,
    path: str = "shop.jsonl",
    raw: bytes = TORN,
) -> None:
    """Store rows as one committed batch, one file and one rejected line; write the file too."""
    content = b"".join(line(row) for row in rows) + raw
    store.path.with_name(path).write_bytes(content)
    file = _file(rows, path, content, raw)
    table = pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)
    names = ", ".join(EVENT_SCHEMA.names)
    offset = len(rows) * 100
    with store.cursor() as cursor:
        cursor.register("story", table)
        cursor.execute("BEGIN")
        into = f"INSERT INTO observations ({names}, ingested_at)"
        cursor.execute(f"{into} SELECT {names}, ? FROM story", [at(9001)])
        if lock_rows:
            marks = ", ".join("?" * len(lock_rows[0]))
            cursor.executemany(f"INSERT INTO locks VALUES ({marks})", lock_rows)
        cursor.execute(
            "INSERT INTO rejects VALUES (1, ?, ?, 'not a JSON object', ?, ?)",
            [offset, len(raw), raw, at(9001)],
        )
        marks = ", ".join("?" * len(file))
        cursor.execute(f"INSERT INTO files ({', '.join(file)}) VALUES ({marks})", list(file.values()))
        cursor.execute(
            "INSERT INTO batches VALUES (1, ?, ?, 1, ?, ?, 12.5)",
            [at(9001), len(rows), file["committed_offset"], at(9000)],
        )
        cursor.execute("COMMIT")


def write(path: Path) -> Store:
    """A database with the story, open, and its log file beside it."""
    store = Store(prepare(path))
    rows = events()
    fill(store, rows, locks(rows))
    return store


def write_hostile(path: Path) -> Store:
    """A database with the hostile story, open, and its log file beside it."""
    store = Store(prepare(path))
    rows = hostile(events())
    lock_rows = [(*lock[:6], *(f"{text} {HOSTILE}" for text in lock[6:11]), lock[11]) for lock in locks(rows)]
    name = HOSTILE.replace("/", "_")[:120]
    fill(store, rows, lock_rows, path=f"{name}.jsonl", raw=HOSTILE.encode())
    return store
