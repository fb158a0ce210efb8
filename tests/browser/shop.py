"""The logs of a small shop, written while the browser looks on."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

HOSTILE = (
    "![pixel](http://evil.example/p.png) <img src=http://evil.example/i.png onerror=window.__ran=true> "
    "<script>window.__ran=true</script> [go](http://evil.example/md) "
    "<a href='http://evil.example/a'>x</a> http://evil.example/auto :material/home: `code` $x$"
)
LATE_S, OVERTAKEN_BY = 4.0, 3
"""Order 2 arrives so many seconds late, after this one."""


def record(at: datetime, **fields: object) -> str:
    """A line of the canonical format."""
    return json.dumps({"time": at.isoformat(), **fields}) + "\n"


def _order(number: int, at: datetime, operation: str, service: str, **more: object) -> str:
    return record(
        at, id=f"order-{number}", type="order.placed", service=service, node=f"{service}-1",
        operation=operation, stream="orders", partition_key="k1", sequence=number, **more,
    )  # fmt: skip


def story(start: datetime, name: str = "") -> str:
    """A start, six orders of which the second arrives late, a chain of three events, and one deadlock.

    `name` is added to every name that a log may choose freely.
    """
    arrivals = ((1, 11), (OVERTAKEN_BY, 12), (2, 12 + LATE_S), (4, 17), (5, 18), (6, 19))
    sent = [_order(number, _after(start, number), "send", "shop" + name) for number in range(1, 7)]
    received = [
        _order(number, _after(start, seconds), "receive", "billing" + name) for number, seconds in arrivals
    ]
    effects = [
        _effect(_after(start, 20), "payment-1", "order-1", "billing", name),
        _effect(_after(start, 21), "shipment-1", f"payment-1{name}", "shipping", name),
    ]
    started = record(
        start, id=f"started{name}", type=f"node.started{name}", service="shop" + name, operation="start",
        message=f"started{name}",
    )  # fmt: skip
    return "".join((started, *sent, *received, *effects, _deadlock(_after(start, 30), name)))


def _after(start: datetime, seconds: float) -> datetime:
    return start + timedelta(seconds=seconds)


def _effect(at: datetime, event: str, cause: str, service: str, name: str) -> str:
    return record(
        at, id=event + name, type=f"{event}.done{name}", causation_id=cause, service=service + name,
        operation="send", stream="effects" + name, message=f"{event} is done{name}",
    )  # fmt: skip


def _deadlock(at: datetime, name: str) -> str:
    waits = (("tx-1", "tx-2", "account-1"), ("tx-2", "tx-1", "account-2"))
    edges = [
        {
            "owner": owner + name, "blocked_by": holder + name, "resource": resource + name,
            "mode": "exclusive", "statement": f"UPDATE {resource}{name}",
        }
        for owner, holder, resource in waits
    ]  # fmt: skip
    return record(
        at, id=f"deadlock-1{name}", type="deadlock.detected", service="ledger" + name,
        operation="deadlock", severity="ERROR", owner=f"tx-1{name}", lock_edges=edges,
    )  # fmt: skip


@dataclass
class Heartbeat:
    """Writes a line of the present time, twice a second or so, until it is stopped."""

    path: Path
    interval_s: float = 0.4
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Heartbeat:
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def _beat(self) -> None:
        number = 0
        with self.path.open("a", encoding="utf-8", buffering=1) as file:
            while not self._stop.wait(self.interval_s):
                number += 1
                beat = {"id": f"beat-{number}", "type": "heartbeat", "service": "monitor"}
                file.write(record(datetime.now(UTC), operation="send", **beat))
