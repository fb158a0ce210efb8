"""From a backlog to rows that can be asked, beside what DuckDB needs just to load the same files."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ingest.service import Ingester, Settings
from stormwatch.catalog import Catalog
from stormwatch.storage import Store
from tests.benchmarks.machine import child, peak_memory_bytes


def ingest(logs: Path, database: Path) -> None:
    """Ingest a directory; prints events, seconds and peak memory of this process."""
    with Store(database) as store:
        with store.cursor() as cursor:
            Catalog.load().install(cursor)
        ingester = Ingester(store, Settings(logs))
        started = time.perf_counter()
        status = ingester.drain()
        elapsed_s = time.perf_counter() - started
        ingester.close()
    print(status.events, elapsed_s, peak_memory_bytes())


def load(logs: Path, database: Path) -> None:
    """Load the same files with nothing but DuckDB, into a file as well; prints seconds."""
    import duckdb

    with duckdb.connect(str(database)) as connection:  # noqa: TID251 - the bare database is the yardstick
        started = time.perf_counter()
        connection.execute(
            "CREATE TABLE loaded AS FROM read_json($files, format := 'newline_delimited')",
            {"files": str(logs / "*.jsonl")},
        )
        connection.execute("CHECKPOINT")
        print(time.perf_counter() - started)


def report(work: Path, logs: Path, log_bytes: int, rounds: int) -> Path:
    """Print the figures; returns the database of the last round."""
    ratios, rates, memory, events = [], [], 0, 0
    for number in range(rounds):
        # One after the other in each round, so that both see the same noise.
        ours, bare = work / f"ours-{number}.duckdb", work / f"bare-{number}.duckdb"
        count, elapsed, peak = child(__name__, "ingest", logs, ours).split()
        (loaded,) = child(__name__, "load", logs, bare).split()
        events, memory = int(count), max(memory, int(peak))
        rates.append(events / float(elapsed))
        ratios.append(float(loaded) / float(elapsed))
        bare.unlink()
    stored = ours.stat().st_size
    print(f"backlog           {events:,} events, {log_bytes / 1e6:,.0f} MB of logs, {rounds} rounds")
    print(f"  end to end      {max(rates):,.0f} events/s at best, {min(rates):,.0f} at worst")
    print(f"  ratio           {max(ratios):.2f} x the rate of a bare read_json (worst {min(ratios):.2f})")
    print(f"  stored          {stored / events:.1f} bytes an event, {stored / log_bytes:.2f} x the logs")
    print(f"  peak memory     {memory / 2**20:,.0f} MiB")
    return ours


if __name__ == "__main__":
    {"ingest": ingest, "load": load}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
