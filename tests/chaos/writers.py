"""Programs that log, and a log rotation that treats them as unkindly as it does in production.

Whoever rotates by copying loses what is written between the copy and the truncation. Here a writer
rotates its own file and writes nothing meanwhile, so that every line it wrote must be found.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Ledger:
    """What was written, by all writers together."""

    lines: int = 0
    torn: int = 0
    rotations: int = 0
    compressed: int = 0
    late: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, count: int) -> range:
        """Numbers for so many new lines."""
        with self._lock:
            self.lines += count
            return range(self.lines - count, self.lines)


class Writer(threading.Thread):
    """Appends numbered lines to a file of its own, in bursts, and rotates it."""

    def __init__(self, directory: Path, name: str, ledger: Ledger, seed: int, pause_s: float):
        super().__init__(name=name)
        self._path = directory / name
        self._ledger = ledger
        self._chance = random.Random(seed)
        self._pause_s = pause_s
        self._stop_writing = threading.Event()
        self._serial = 0
        self._rotated: list[Path] = []
        self._descriptor = self._open()

    def stop(self) -> None:
        self._stop_writing.set()

    def run(self) -> None:
        actions = [self._burst, self._torn, self._abandoned, self._rename, self._copytruncate, self._compress]
        while not self._stop_writing.is_set():
            self._chance.choices(actions, [300, 60, 15, 6, 6, 8])[0]()
            time.sleep(self._chance.random() * self._pause_s)
        os.close(self._descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def _lines(self, count: int) -> bytes:
        pad = "x" * self._chance.choice((0, 10, 80, 300, 2000))
        return b"".join(_line(str(number), pad) for number in self._ledger.take(count))

    def _burst(self) -> None:
        os.write(self._descriptor, self._lines(self._chance.randrange(1, 60)))

    def _torn(self) -> None:
        """A line that comes in two pieces."""
        data = self._lines(self._chance.randrange(1, 4))
        cut = self._chance.randrange(1, len(data))
        os.write(self._descriptor, data[:cut])
        time.sleep(self._chance.random() * 5 * self._pause_s)
        os.write(self._descriptor, data[cut:])

    def _abandoned(self) -> None:
        """A line that is never finished; the next one is glued to it."""
        self._ledger.torn += 1
        torn = _line(f"torn {self._ledger.torn}", "x" * 40)
        os.write(self._descriptor, torn[: self._chance.randrange(1, len(torn) - 2)])
        time.sleep(self._chance.random() * 2 * self._pause_s)
        os.write(self._descriptor, self._lines(1))

    def _next_name(self) -> Path:
        self._serial += 1
        name = self._path.name
        names = (f"{name}.{self._serial}", f"0-{self._serial}-{name}")
        self._rotated.append(self._path.with_name(self._chance.choice(names)))
        self._ledger.rotations += 1
        return self._rotated[-1]

    def _rename(self) -> None:
        self._path.rename(self._next_name())
        if self._chance.random() < 0.5:
            # The process did not notice yet.
            self._ledger.late += 1
            for _ in range(self._chance.randrange(1, 4)):
                time.sleep(self._chance.random() * 10 * self._pause_s)
                self._burst()
        os.close(self._descriptor)
        self._descriptor = self._open()

    def _copytruncate(self) -> None:
        pause_s = self._chance.choice((0, 0, self._pause_s))
        with self._path.open("rb") as source, self._next_name().open("wb", buffering=0) as copy:
            while part := source.read(self._chance.randrange(1, 200_000)):
                copy.write(part)
                time.sleep(pause_s)
        os.truncate(self._descriptor, 0)

    def _compress(self) -> None:
        if not self._rotated:
            return
        path = self._rotated.pop(self._chance.randrange(len(self._rotated)))
        packed = gzip.compress(path.read_bytes(), self._chance.choice((1, 6)))
        with path.with_name(path.name + ".gz").open("wb", buffering=0) as target:
            for start in range(0, len(packed), 16 << 10):
                target.write(packed[start : start + (16 << 10)])
                time.sleep(self._chance.random() * self._pause_s)
        path.unlink()
        self._ledger.compressed += 1


def _line(number: str, pad: str) -> bytes:
    return json.dumps({"id": number, "type": "tick", "pad": pad}).encode() + b"\n"
