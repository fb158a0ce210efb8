"""A log directory, a database and a real ingester, with an oracle: numbered lines, each exactly once."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.clock import Clock
from ingest.engine import Engine
from ingest.service import Ingester, Settings
from stormwatch.storage import Store

from .oracle import check_conservation


class FakeClock(Clock):
    """The real clocks, moved ahead instead of waited for."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self.skew_s = 0.0
        """How wrong the wall clock is, beyond being ahead."""

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead_s

    def wall(self) -> float:
        return time.time() + self._ahead_s + self.skew_s

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        self._ahead_s += timeout_s
        return event.is_set()

    def pass_time(self, seconds: float) -> None:
        self._ahead_s += seconds


@cache
def _empty() -> bytes:
    """A new database, which takes four times as long to make as to open."""
    with tempfile.TemporaryDirectory() as directory:
        Store(Path(directory) / "new.duckdb").close()
        return (Path(directory) / "new.duckdb").read_bytes()


class Rig:
    """Writes logs as programs and log rotation do, and reads them as the product does."""

    def __init__(self, base: Path, **settings: Any):
        self.base = base
        self.logs = base / "logs"
        self.logs.mkdir(exist_ok=True)
        self.database = base / "stormwatch.duckdb"
        self.clock = FakeClock()
        self.settings = replace(Settings(self.logs), **settings)
        self.written: list[int] = []
        self._open()

    def _open(self) -> None:
        if not self.database.exists():
            self.database.write_bytes(_empty())
        self.store = Store(self.database)
        self.ingester = Ingester(self.store, self.settings, self.clock)

    # --- the writing side ------------------------------------------------------------------

    def lines(self, count: int, pad: int = 0) -> bytes:
        """So many new numbered lines; all of them are expected to arrive once."""
        first = len(self.written)
        numbers = range(first, first + count)
        self.written.extend(numbers)
        return b"".join(line(number, pad) for number in numbers)

    def append(self, name: str, count: int = 10, pad: int = 0) -> bytes:
        """Append new lines to a file, made where it is missing; returns them."""
        data = self.lines(count, pad)
        self.add(name, data)
        return data

    def add(self, name: str, data: bytes) -> None:
        """Append bytes to a file."""
        path = self.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            file.write(data)

    def path(self, name: str) -> Path:
        return self.logs / name

    def rename(self, old: str, new: str) -> None:
        (self.logs / old).rename(self.logs / new)

    def copytruncate(self, name: str, copy: str) -> None:
        shutil.copyfile(self.logs / name, self.logs / copy)
        os.truncate(self.logs / name, 0)

    # --- the reading side ------------------------------------------------------------------

    def look(self) -> None:
        """One look at every file."""
        self.ingester.catch_up()

    def drain(self) -> None:
        """Read everything, with all the patience that takes."""
        self.ingester.drain()

    def close(self) -> None:
        self.ingester.close()
        self.store.close()

    def restart(self) -> None:
        """Stop in order and start again."""
        self.close()
        self._open()

    def kill(self) -> None:
        """Go on from the files as a kill would leave them: nothing closed, nothing flushed."""
        names = [self.database, self.database.with_name(self.database.name + ".wal")]
        left = [(name, name.with_name(name.name + ".killed")) for name in names if name.exists()]
        for name, copy in left:
            shutil.copyfile(name, copy)
        self.close()
        for name in names:
            name.unlink(missing_ok=True)
        for name, copy in left:
            copy.rename(name)
        self._open()

    # --- the oracle ------------------------------------------------------------------------

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.store.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def numbers(self) -> list[int]:
        return [int(number) for (number,) in self.query("SELECT event_id FROM observations")]

    def rejects(self) -> list[tuple[bytes, str]]:
        """Raw bytes and reason, as they stand in the files."""
        found = self.query("SELECT raw, reason FROM rejects ORDER BY file_id, byte_offset")
        return [(bytes(raw), reason) for raw, reason in found]

    def occurrences(self) -> dict[str, int]:
        return self.ingester.status().occurrences

    def files(self, *columns: str) -> list[tuple[Any, ...]]:
        return self.query(f"SELECT {', '.join(columns)} FROM files ORDER BY file_id")

    def check(self, *, missing: Iterable[int] = ()) -> None:
        """Every line that was written is there once (but for `missing`), every byte accounted for."""
        expected = Counter(self.written) - Counter(missing)
        found = Counter(self.numbers())
        assert found == expected, (
            f"lost {sorted((expected - found).elements())[:20]}, "
            f"more than once {sorted((found - expected).elements())[:20]}"
        )
        self.check_conservation()

    def check_conservation(self) -> None:
        with self.store.cursor() as cursor:
            check_conservation(cursor)


def line(number: int, pad: int = 0) -> bytes:
    seconds = f"{number // 60 % 60:02}:{number % 60:02}"
    event = {"id": str(number), "type": "tick", "time": f"2026-11-20T10:{seconds}Z", "pad": "x" * pad}
    return json.dumps(event).encode() + b"\n"


def poison(number: int) -> bytes:
    """A line that `refuse_poison` has the database fail on."""
    return line(number).replace(b"tick", b"poison")


def refuse_poison(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on every record with the word poison in it fails the batch it is in; counts the failures."""
    failures = [0]
    parse = Engine.parse

    def failing(self: Engine, lines: object, broken: object = ()) -> object:
        column = lines.column("line").to_pylist()  # type: ignore[attr-defined]
        if any("poison" in text for text in column):
            failures[0] += 1
            raise duckdb.InvalidInputException("a defect of the parser")
        return parse(self, lines, broken)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(Engine, "parse", failing)
    return failures
