"""What a batch costs on an empty database and on one that holds tens of millions of events."""

from __future__ import annotations

import shutil
import statistics
import time
from pathlib import Path

from ingest.service import Ingester, Settings
from stormwatch.catalog import Catalog
from stormwatch.storage import Store
from tests.benchmarks.logs import lines

_BATCH_RECORDS = 20_000


def enlarge(database: Path, events: int) -> None:
    """Repeat the stored observations, as if of further files, until there are `events`."""
    with Store(database) as store, store.cursor() as cursor:
        row = cursor.execute("SELECT count(*) FROM observations").fetchone()
        assert row is not None
        for copy in range(1, events // row[0]):
            cursor.execute(
                "INSERT INTO observations SELECT * REPLACE (file_id + ? * 1000 AS file_id) "
                "FROM observations WHERE file_id < 1000",
                [copy],
            )
        cursor.execute("CHECKPOINT")


class Feed:
    """A database and a log that grows by one batch at a time."""

    def __init__(self, database: Path, directory: Path):
        directory.mkdir()
        self._log = directory / "live.jsonl"
        self._store = Store(database)
        with self._store.cursor() as cursor:
            Catalog.load().install(cursor)
        self._ingester = Ingester(self._store, Settings(directory))
        self._source = lines(seed=3)

    def batch_ms(self) -> float:
        """Append a batch and have it committed; returns the time from scan to commit in ms."""
        texts = [next(self._source).replace("{time}", "2026-11-25T00:00:00Z") for _ in range(_BATCH_RECORDS)]
        with self._log.open("a", encoding="utf-8") as file:
            file.write("\n".join(texts) + "\n")
        started = time.perf_counter()
        self._ingester.drain()
        return (time.perf_counter() - started) * 1000

    def close(self) -> None:
        """Close the database."""
        self._ingester.close()
        self._store.close()


def report(work: Path, database: Path, events: int, rounds: int) -> None:
    """Print the cost of a batch on both databases, measured in turns."""
    large = work / "large.duckdb"
    shutil.move(database, large)
    enlarge(large, events)
    feeds = [Feed(work / "small.duckdb", work / "small"), Feed(large, work / "large")]
    costs: list[list[float]] = [[], []]
    for _ in range(rounds):
        for feed, cost in zip(feeds, costs, strict=True):
            cost.append(feed.batch_ms())
    for feed in feeds:
        feed.close()
    small_ms, large_ms = map(statistics.median, costs)
    print(f"batch             {_BATCH_RECORDS:,} events, median of {rounds}, in turns")
    print(f"  empty           {small_ms:,.0f} ms")
    print(f"  {events:,}      {large_ms:,.0f} ms, {large_ms / small_ms:.2f} x")
