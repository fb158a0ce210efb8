"""How fresh the answers are while logs are written: from the write of a line to its row in SQL."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from ingest.service import Ingester, Settings
from stormwatch.catalog import Catalog
from stormwatch.storage import Store
from tests.benchmarks import logs
from tests.benchmarks.machine import child, peak_memory_bytes

_SAMPLE_S = 0.01
_GRACE_S = 30.0


def follow(directory: Path, database: Path, rate: int, seconds: float) -> None:
    """Follow a directory that another process writes to; prints what was seen.

    Printed: events, seconds until the last was visible, p50 and p99 of the freshness in ms, peak
    memory in bytes. The freshness of the n-th record is the time at which n rows were first
    counted minus the time at which n records had been written.
    """
    directory.mkdir()
    journal = directory.with_suffix(".journal")
    with Store(database) as store:
        with store.cursor() as cursor:
            Catalog.load().install(cursor)
        ingester = Ingester(store, Settings(directory))
        ingester.start()
        command = [sys.executable, "-m", logs.__name__, directory, rate, seconds, journal]
        writer = subprocess.Popen([str(part) for part in command])
        seen: list[tuple[float, int]] = []
        finished_at = None
        with store.cursor() as cursor:
            while True:
                row = cursor.execute("SELECT count(*) FROM observations").fetchone()
                assert row is not None
                seen.append((time.time(), row[0]))
                if finished_at is None and writer.poll() is not None:
                    finished_at = time.time()
                    notes = np.loadtxt(journal)
                if finished_at is not None:
                    done = row[0] >= notes[-1, 1]
                    if done or time.time() > finished_at + _GRACE_S:
                        break
                time.sleep(_SAMPLE_S)
        ingester.close()
    counted = np.array(seen)
    written = int(notes[-1, 1])
    numbers = np.arange(1, written + 1, max(1, written // 20_000))
    write_at = notes[np.searchsorted(notes[:, 1], numbers), 0]
    place = np.searchsorted(counted[:, 1], numbers)
    visible_at = counted[np.minimum(place, len(counted) - 1), 0]
    p50, p99 = np.percentile((visible_at - write_at) * 1000, [50, 99])
    print(int(counted[-1, 1]), counted[-1, 0] - notes[0, 0], p50, p99, peak_memory_bytes())


def report(work: Path, rates: list[int], seconds: float) -> None:
    """Print the figures of one run per offered rate."""
    print(f"live              {seconds:g} s each, four files, writer on the same machine")
    for rate in rates:
        answer = child(__name__, work / f"live-{rate}", work / f"live-{rate}.duckdb", rate, seconds).split()
        events, elapsed, p50, p99, peak = map(float, answer)
        print(
            f"  {rate:>9,}/s     {events / elapsed:,.0f} events/s visible, freshness p50 {p50:,.0f} ms, "
            f"p99 {p99:,.0f} ms, peak memory {peak / 2**20:,.0f} MiB"
        )


if __name__ == "__main__":
    follow(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
