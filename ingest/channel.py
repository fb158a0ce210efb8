"""What two processes say to each other: short messages through pipes, what is long in memory that both see.

A message stands whole in that memory before it is announced, so that of one whose sender ended early
nothing is ever read. What is received stays as it is until the next is sent the other way.
"""

from __future__ import annotations

import mmap
import os
import select
import tempfile
import time
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final, TypeAlias

import pyarrow as pa

Part: TypeAlias = bytes | memoryview
_WORD: Final = 8
_ALIGNED: Final = 64
"""Arrow reads rows where they are if they begin at a multiple of this."""


@dataclass(frozen=True)
class Message:
    """What was received."""

    parts: list[bytes]
    rows: pa.Table | None
    """They stand in the memory of both: not to be looked at when another message may have come."""
    seconds: float
    """How long it took whoever sent it, from the message before on."""


def new_room() -> int:
    """The descriptor of memory that a process can share with one that it starts, or else of a file."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("stormwatch")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Channel:
    """One end of it."""

    def __init__(self, heard: IO[bytes], said: IO[bytes], rooms: tuple[int, int]):
        """`rooms` are the descriptors of the memory for what is received, and for what is sent."""
        self._heard, self._said = heard, said
        self._theirs, self._ours = rooms
        self._room = open(self._ours, "wb", closefd=False)  # noqa: SIM115 - as long as the channel
        self._heard_at = time.perf_counter_ns()

    def send(self, parts: Sequence[Part], rows: pa.Table | pa.RecordBatchReader | None = None) -> None:
        """Say something. Raises OSError when nobody is there."""
        self._room.seek(0)
        for part in parts:
            self._room.write(part)
        start = end = self._room.tell()
        if rows is not None:
            start += -start % _ALIGNED
            self._room.seek(start)
            with pa.ipc.new_stream(self._room, rows.schema) as writer:
                for batch in rows.to_batches() if isinstance(rows, pa.Table) else rows:
                    writer.write_batch(batch)
            end = self._room.tell()
        self._room.flush()
        took = time.perf_counter_ns() - self._heard_at
        self._said.write(array("q", [len(parts), *map(len, parts), start, end, took]).tobytes())
        self._said.flush()

    def receive(self, timeout_s: float | None = None) -> Message:
        """What is said next. Raises EOFError when nothing comes any more, or not in time."""
        if not self.is_heard(timeout_s):
            raise EOFError
        [count] = array("q", self._exactly(_WORD))
        *sizes, start, end, took = array("q", self._exactly((count + 3) * _WORD))
        self._heard_at = time.perf_counter_ns()
        if not end:
            return Message([b""] * count, None, took / 1e9)
        seen = mmap.mmap(self._theirs, end, prot=mmap.PROT_READ)
        parts = [seen.read(size) for size in sizes]
        rows = None
        if start < end:
            rows = pa.ipc.open_stream(pa.py_buffer(seen).slice(start, end - start)).read_all()
        return Message(parts, rows, took / 1e9)

    def is_heard(self, timeout_s: float | None) -> bool:
        """Whether something is said within that time, or never will be."""
        poll = select.poll()
        poll.register(self._heard, select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))

    def _exactly(self, size: int) -> bytes:
        data = self._heard.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def close(self) -> None:
        """Give up the memory."""
        with suppress(OSError):  # what did not fit into it was not said
            self._room.close()
        os.close(self._ours)
        os.close(self._theirs)
