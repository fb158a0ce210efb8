"""What it costs to delete half of a database, and what that does to its file."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from stormwatch.catalog import Catalog
from stormwatch.retention.pruner import Pruner
from stormwatch.storage import Store
from tests.benchmarks.logs import write_backlog
from tests.prepared import read_into

_BASE: Final = 1_000_000
_SPAN: Final = timedelta(seconds=200)
"""Of so many events: 5,000 a second."""
_TAKE: Final = (
    "CREATE TEMP TABLE base AS FROM observations",
    "DELETE FROM observations",
    "DELETE FROM covered_days",
)
_COPY: Final = """
INSERT INTO observations
SELECT * REPLACE (
    file_id + 1000 * $copy AS file_id,
    TIMESTAMP '2026-11-20' + (occurred_at - TIMESTAMP '2026-11-20') * 10 + $copy * $span AS occurred_at
)
FROM base ORDER BY occurred_at
"""


def report(work: Path, events: int) -> None:
    """Print seconds per million rows and sizes, of a log of `events` in the order of its time."""
    write_backlog(work / "pruned", _BASE)
    with Store(work / "pruned.duckdb") as store, store.cursor() as cursor:
        Catalog.load().install(cursor)
        read_into(store, work / "pruned")
        for statement in _TAKE:
            cursor.execute(statement)
        for copy in range(events // _BASE):
            cursor.execute(_COPY, {"copy": copy, "span": _SPAN})
        cursor.execute("CHECKPOINT")
        [(first, last)] = cursor.execute("SELECT min(occurred_at), max(occurred_at) FROM events").fetchall()
        pruner = Pruner(store)
        before = pruner.size()
        done = pruner.prune(first + (last - first) / 2, "asked for")
        started = time.perf_counter()
        pruner.checkpoint()
        checkpoint_s, after = time.perf_counter() - started, pruner.size()
        cursor.execute(_COPY, {"copy": events // _BASE, "span": _SPAN})
        cursor.execute("CHECKPOINT")
        again = pruner.size()
    count = done.rows["observations"]
    print(f"pruning           {count:,} of {events:,} events")
    print(f"  per million     {done.seconds / count * 1e6:.2f} s, and {checkpoint_s:.1f} s at the end")
    print(f"  held            {done.longest_s * 1000:,.0f} ms at most, in which nobody else writes")
    for name, size in (("before", before), ("after", after), (f"{_BASE:,} more", again)):
        print(f"  {name:<16}{size.file_bytes / 1e6:,.0f} MB, {size.free_bytes / 1e6:,.0f} MB of them free")
