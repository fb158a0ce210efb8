"""Reads damaged records of all formats with the real ingester, and sees that no byte goes missing.

As a program: python -m tests.chaos.fuzz --lines 1000000 --seed 1
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ingest.service import Ingester, Settings
from stormwatch.storage import Store
from tests.chaos.mutations import damaged
from tests.ingest.tail.oracle import check_conservation
from tests.ingest.tail.rig import FakeClock

_CHUNK_LINES = 20_000
_FILES = 5
_ABANDONED_S = 2 * 3600
_KINDS = r"SELECT count(*), count(DISTINCT regexp_replace(reason, '\d+', '#', 'g')) FROM rejects"
_DEFECTS = """
SELECT reason, raw FROM rejects
WHERE starts_with(reason, 'the database cannot take it') OR contains(reason, 'please report')
"""


@dataclass
class Result:
    """What came of it."""

    lines: int = 0
    bytes: int = 0
    events: int = 0
    formats: int = 0
    rejects: int = 0
    reasons: int = 0
    """Kinds of reasons."""
    failures: int = 0
    """Batches that the database did not take at first."""
    defects: Counter[str] = field(default_factory=Counter)
    """Reasons that tell of a defect of the reader -> how often."""
    samples: dict[str, bytes] = field(default_factory=dict)
    """Such a reason -> a record."""
    checks: int = 0
    peak_mib: int = 0
    elapsed_s: float = 0

    def __str__(self) -> str:
        return (
            f"{self.lines:,} lines ({self.bytes >> 20:,} MiB), {self.events:,} events of {self.formats} "
            f"formats, {self.rejects:,} rejects of {self.reasons} kinds; every byte accounted for at "
            f"{self.checks} checks; {self.failures} batches failed, {self.defects.total()} records that the "
            f"reader had no answer to; at most {self.peak_mib:,} MiB of memory; {self.elapsed_s:.0f} s"
        )


class _Counting(Ingester):
    """Counts the batches that failed, whatever became of them."""

    def count_failures(self, result: Result) -> None:
        recover = self._writer.recover

        def counted() -> None:
            result.failures += 1
            recover()

        self._writer.recover = counted  # type: ignore[method-assign]


def run(base: Path, lines: int, seed: int) -> Result:
    """Write so many lines below `base`, in chunks, and read each chunk when it is there."""
    logs = base / "logs"
    logs.mkdir()
    result, started, clock = Result(), time.monotonic(), FakeClock()
    with Store(base / "fuzz.duckdb") as store:
        ingester = _Counting(store, Settings(logs), clock)
        ingester.count_failures(result)
        try:
            while result.lines < lines:
                chance = random.Random(f"{seed} {result.checks}")
                _write(logs, chance, min(_CHUNK_LINES, lines - result.lines), result)
                ingester.catch_up()
                _check(store, result)
            ingester.drain()
            clock.pass_time(_ABANDONED_S)
            ingester.drain()
            _check(store, result)
            _count(store, result)
        finally:
            ingester.close()
    result.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    result.elapsed_s = time.monotonic() - started
    return result


def _write(logs: Path, chance: random.Random, lines: int, result: Result) -> None:
    """A chunk goes to a few files, of which some are there already."""
    for number in range(_FILES):
        parts: list[bytes] = []
        wanted, count = lines // _FILES + (number < lines % _FILES), 0
        while count < wanted:
            part = damaged(chance)
            parts.append(part)
            count += part.count(b"\n")
        data = b"".join(parts)
        age = result.checks // 3 if number % 2 else result.checks
        with (logs / f"{age}-{number}.log").open("ab") as file:
            file.write(data)
        result.lines += count
        result.bytes += len(data)


def _check(store: Store, result: Result) -> None:
    with store.cursor() as cursor:
        check_conservation(cursor)
    result.checks += 1


def _count(store: Store, result: Result) -> None:
    with store.cursor() as cursor:
        [(read,)] = cursor.execute("SELECT sum(committed_offset - inherited_bytes) FROM files").fetchall()
        assert read == result.bytes, "not all of it was read"
        kinds = "SELECT count(*), count(DISTINCT format) FROM observations"
        [(result.events, result.formats)] = cursor.execute(kinds).fetchall()
        [(result.rejects, result.reasons)] = cursor.execute(_KINDS).fetchall()
        for reason, raw in cursor.execute(_DEFECTS).fetchall():
            result.defects[reason] += 1
            result.samples.setdefault(reason, bytes(raw))


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", type=Path, help="where to keep logs and database (default: thrown away)")
    given = parser.parse_args()
    base = given.dir or Path(tempfile.mkdtemp(prefix="fuzz-"))
    base.mkdir(parents=True, exist_ok=True)
    os.nice(5)
    result = run(base, given.lines, given.seed)
    print(f"seed {given.seed}: {result}")
    for reason, count in result.defects.most_common(20):
        print(f"{count} x {reason}\n    {result.samples[reason][:400]!r}", file=sys.stderr)
    if given.dir is None:
        shutil.rmtree(base)
    return 1 if result.failures or result.defects else 0


if __name__ == "__main__":
    sys.exit(_main())
