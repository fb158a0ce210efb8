"""A story told in real time, by as many writers as there are nodes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kernel import MINUTE, SECOND
from ledger import Observer
from stories import Story
from world import World

HISTORY: Final = 15 * MINUTE
"""So much of the past is written first, as fast as it goes."""
_CALM: Final = 45 * SECOND
"""From now until the story begins."""
_HAZARD: Final = 5 * MINUTE
"""Mean time until the next consumer dies for reasons of its own."""
_SLICE: Final = 1 * SECOND
_PAUSE_S: Final = 0.05
_KEPT: Final = 4
"""Rotated files that stay."""
_COPYTRUNCATED: Final = "billing-1"
"""The node whose log is copied and cut, as it would not reopen it; the others are renamed."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Written:
    """What came of it, on the last line of standard output."""

    lines: int = 0
    """Whole records."""
    bytes: int = 0
    torn_lines: int = 0
    """Halves of records that a crash left before a whole one."""
    unfinished_lines: int = 0
    """The same at the end of a file."""
    rotations: int = 0
    files: list[str] = field(default_factory=list)


class Tails:
    """The open log files. Lines are kept back until `flush`, a few records at a time as a
    buffered writer does; a file that has grown too large is rotated between two lines.
    """

    def __init__(self, directory: Path, rotate_bytes: int):
        self._directory = directory
        self._rotate_bytes = rotate_bytes
        self._pending: dict[str, list[bytes]] = {}
        self._descriptors: dict[str, int] = {}
        self._is_torn: dict[str, bool] = {}
        self.written = Written()

    def write(self, node: str, data: bytes) -> None:
        done = self.written
        is_whole = data.endswith(b"\n")
        if is_whole:
            done.lines += 1
            done.torn_lines += self._is_torn.get(node, False)
        self._is_torn[node] = not is_whole
        done.bytes += len(data)
        self._pending.setdefault(node, []).append(data)

    def flush(self) -> None:
        for node, pieces in self._pending.items():
            if node not in self._descriptors:
                self._descriptors[node] = self._open(node)
            _write_all(self._descriptors[node], b"".join(pieces))
            if not self._is_torn[node] and os.fstat(self._descriptors[node]).st_size >= self._rotate_bytes:
                self._rotate(node)
        self._pending.clear()

    def close(self) -> None:
        self.flush()
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self.written.unfinished_lines = sum(self._is_torn.values())
        self.written.files = sorted(f"{node}.jsonl" for node in self._descriptors)

    def _path(self, node: str, number: int = 0) -> Path:
        return self._directory / (f"{node}.jsonl.{number}" if number else f"{node}.jsonl")

    def _open(self, node: str) -> int:
        return os.open(self._path(node), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def _rotate(self, node: str) -> None:
        self._path(node, _KEPT).unlink(missing_ok=True)
        for number in range(_KEPT - 1, 0, -1):
            if self._path(node, number).exists():
                self._path(node, number).rename(self._path(node, number + 1))
        if node == _COPYTRUNCATED:
            shutil.copyfile(self._path(node), self._path(node, 1))
            os.ftruncate(self._descriptors[node], 0)
        else:
            self._path(node).rename(self._path(node, 1))
            os.close(self._descriptors[node])
            self._descriptors[node] = self._open(node)
        self.written.rotations += 1


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _run_mark(start: datetime) -> str:
    """A short text that grows with the instant: epochs and ids of each run are its own."""
    number, text = int(start.timestamp()), ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text + "."


def tell(
    directory: Path, story: Story, seed: int, *, speed: float, rotate_bytes: int,
    seconds: float | None, is_stopped: Callable[[], bool],
) -> Written:  # fmt: skip
    """Append to one file per node below `directory`, for so many seconds of the present or until
    `is_stopped` says so.

    The simulated instant follows the wall clock, so the past is caught up with as fast as the
    machine can and the present is written as it comes.

    Raises:
        OSError: a log file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    began = time.time() - HISTORY / SECOND
    start = datetime.fromtimestamp(began, UTC)
    tails = Tails(directory, rotate_bytes)
    world = World(
        story.live_setup, seed, story.live_scale * speed, start, tails, Observer(), _run_mark(start)
    )
    world.open(None)
    world.suffer(_HAZARD)
    story.live(world, HISTORY + _CALM)
    ends_at = None
    try:
        while not is_stopped() and (ends_at is None or time.monotonic() < ends_at):
            behind = round((time.time() - began) * SECOND) - world.kernel.now
            world.kernel.run(world.kernel.now + max(0, min(behind, _SLICE)))
            tails.flush()
            if behind < _SLICE:
                if ends_at is None and seconds is not None:
                    ends_at = time.monotonic() + seconds
                time.sleep(_PAUSE_S)
    finally:
        tails.close()
    return tails.written
