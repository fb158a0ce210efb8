"""Nodes: processes with a clock of their own that write one log file each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from kernel import Kernel
from spelling import Dialect


class Sink(Protocol):
    """Takes what nodes write."""

    def write(self, node: str, data: bytes) -> None:
        """Append `data` to the log of `node`: one line, or what a crash left of one."""


@dataclass(frozen=True)
class Clock:
    """How far the clock of a node is off: `offset` microseconds at the start, then `drift` more
    with every second.
    """

    offset: int = 0
    drift: float = 0.0

    def read(self, now: int) -> int:
        return now + self.offset + round(self.drift * now / 1_000_000)


class Node:
    """A process: it has a name, belongs to a service, numbers its records and can crash.

    Each life of a node is an epoch: `orders-api-1.2` is the second life of `orders-api-1`.
    """

    def __init__(
        self, kernel: Kernel, sink: Sink, start: datetime, name: str, clock: Clock, dialect: Dialect,
        run: str = "",
    ):  # fmt: skip
        self.name = name
        self.service = name.rpartition("-")[0]
        self.clock = clock
        self.is_up = True
        self.schema_version = "1"
        self._kernel = kernel
        self._sink = sink
        self._start = start
        self._dialect = dialect
        self._run = run
        self._life = 1
        self._records = 0
        self._last_stamp = clock.read(0) - 1

    @property
    def epoch(self) -> str:
        return f"{self.name}.{self._run}{self._life}"

    def new_id(self) -> str:
        self._records += 1
        return f"{self.epoch}.{self._records}"

    def log(self, operation: str | None, event_type: str, event_id: str = "", **fields: Any) -> int:
        """Write a record, under an id of its own unless one is given; fields that are None are
        left out. Returns the instant in it, by the clock of the node.
        """
        if not self.is_up:
            raise RuntimeError(f"{self.name} is down and cannot write {event_type}")
        stamp, line = self._line(operation, event_type, event_id, fields)
        self._sink.write(self.name, line)
        return stamp

    def crash(self, operation: str | None, event_type: str, event_id: str = "", **fields: Any) -> None:
        """Die while writing a record: half of its line is in the file, with no end."""
        _, line = self._line(operation, event_type, event_id, fields)
        self._sink.write(self.name, line[: len(line) // 2])
        self.is_up = False

    def start(self) -> int:
        """Say that it is up. Returns the instant, by its clock."""
        return self.log("start", "node.started", severity="INFO", schema_version=self.schema_version)

    def restart(self) -> int:
        """Begin a new life: numbers and ids start again under a new epoch. Returns its instant."""
        self.is_up = True
        self._life += 1
        self._records = 0
        return self.start()

    def instant(self, stamp: int) -> str:
        """An instant of the story as it is written: ISO 8601, UTC, microseconds."""
        moment = self._start + timedelta(microseconds=stamp)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _line(
        self, operation: str | None, event_type: str, event_id: str, fields: dict[str, Any]
    ) -> tuple[int, bytes]:
        # No two records of a node share an instant: a log that is sorted by time stays as it was.
        stamp = self._last_stamp = max(self._last_stamp + 1, self.clock.read(self._kernel.now))
        record = {
            "id": event_id or self.new_id(),
            "time": self.instant(stamp),
            "type": event_type,
            "service": self.service,
            "node": self.name,
            "operation": operation,
            **fields,
        }
        return stamp, self._dialect({name: value for name, value in record.items() if value is not None})
