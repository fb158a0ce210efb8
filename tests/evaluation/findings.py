"""Plants reorders, losses, duplicates, causes, loops, deadlocks, overwritten versions and wrong clocks,
leaves out a share of the lines, and prints what the relations find of it: recall, and precision.

The simulator keeps the truth while it runs; nothing of it is read from the logs.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from stormwatch.catalog import Catalog
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store
from tests.evaluation.arguments import positive, whole
from tests.prepared import read_into

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
from bulk import write_story  # type: ignore[import-not-found]  # a script of sample_logs
from kernel import MILLISECOND  # type: ignore[import-not-found]  # a script of sample_logs
from stories import STORIES  # type: ignore[import-not-found]  # a script of sample_logs

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MISSING = (0.0, 0.01, 0.05, 0.2)
CLOCK_OFFSET = 200 * MILLISECOND
"""Of the systems with wrong clocks; the others are off by up to 3 ms."""
KINDS = {
    "late": "reordered", "copied": "duplicate", "missing": "gap", "edge": "cause", "loop": "loop",
    "deadlock": "deadlock", "overwriting": "lost update", "skew": "clock skew",
}  # fmt: skip
"""Kind -> what it is called."""
_ASKED = {
    "late": "SELECT consumer, stream, event_id FROM reorderings() WHERE copy_number = 1",
    "copied": "SELECT consumer, event_id FROM duplicates()",
    "missing": """
        SELECT consumer, stream, coalesce(stream_key, ''), coalesce(epoch, ''), number::VARCHAR
        FROM (SELECT *, unnest(range(first_missing, last_missing + 1)) AS number FROM gaps())""",
    "edge": "SELECT DISTINCT cause_id, effect_id FROM edges",
    "loop": "SELECT root_id, event_type, entity FROM causal_loops(row_limit := 1000000)",
    "overwriting": """
        SELECT event_id FROM entity_conflicts()
        WHERE event_type = 'profile.changed' AND kind IN ('lost_update', 'stale_write')""",
}
Findings = dict[str, set[tuple[str, ...]]]


@dataclass(frozen=True)
class Rate:
    """How much of what was planted was found, and how much of what was found was planted."""

    planted: int = 0
    found: int = 0
    right: int = 0

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.planted + other.planted, self.found + other.found, self.right + other.right)

    def __str__(self) -> str:
        recall = f"{self.right / self.planted:.3f}" if self.planted else "-"
        precision = f"{self.right / self.found:.3f}" if self.found else "-"
        return f"{recall:>6} {precision:>6}"


def rates(planted: Findings, found: Findings) -> dict[str, Rate]:
    """Kind -> rate."""
    return {
        kind: Rate(len(planted[kind]), len(found[kind]), len(planted[kind] & found[kind])) for kind in found
    }


def leave_out(logs: Path, thinned: Path, share: float, seed: int) -> None:
    """Copy the logs without a share of their lines, each left out by chance."""
    dice = random.Random(seed)
    thinned.mkdir()
    for path in sorted(logs.iterdir()):
        lines = path.read_bytes().splitlines(keepends=True)
        (thinned / path.name).write_bytes(b"".join(line for line in lines if dice.random() >= share))


def asked(logs: Path, database: Path, clock_error_ms: float) -> tuple[Findings, list[dict[str, Any]]]:
    """What the relations find in the logs, and the bounds of the clocks."""
    catalog = Catalog.load()
    with Store(database) as store, store.cursor() as cursor:
        catalog.install(cursor)
        read_into(store, logs)
        found = {kind: set(_rows(cursor, sql)) for kind, sql in _ASKED.items()}
        deadlocks = catalog.run(cursor, "deadlock_evidence", clock_error=f"{clock_error_ms} milliseconds")
        found["deadlock"] = {tuple(row["members"]) for row in deadlocks.to_pylist()}
        return found, catalog.run(cursor, "clock_skew").to_pylist()


def _rows(cursor: duckdb.DuckDBPyConnection, sql: str) -> Iterable[tuple[str, ...]]:
    return cursor.execute(sql).fetchall()


def within(bounds: Iterable[dict[str, Any]], story: Path, minutes: float) -> Rate:
    """Of the pairs of clocks that are bounded from both sides: how many are as far apart as that, at
    some time, for they drift.
    """
    clocks = json.loads((story / "TRUTH.json").read_text())["clocks"]

    def apart_ms(row: dict[str, Any], seconds: float) -> float:
        one, other = clocks[row["node"]], clocks[row["other_node"]]
        drift_us = (other["drift_us_per_s"] - one["drift_us_per_s"]) * seconds
        return float(other["offset_us"] - one["offset_us"] + drift_us) / 1000

    both = [row for row in bounds if row["half_width_ms"] is not None]
    right = 0
    for row in both:
        least, most = sorted((apart_ms(row, 0), apart_ms(row, minutes * 60)))
        right += row["offset_min_ms"] <= most and least <= row["offset_max_ms"]
    return Rate(len(both), len(both), right)


def watch(name: str, seed: int, minutes: float, offset: int) -> dict[float, dict[str, Rate]]:
    """Share of lines left out -> kind -> rate, of one system."""
    story = STORIES[name]
    story = replace(story, setup=replace(story.setup, clock_offset=offset))
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        ledger = write_story(directory / "story", story, seed, minutes, START)
        planted: Findings = ledger.planted()
        told = {}
        for share in MISSING:
            logs, database = directory / f"logs-{share}", directory / f"{share}.duckdb"
            leave_out(directory / "story" / "logs", logs, share, seed)
            found, bounds = asked(logs, database, 2 * offset / MILLISECOND)
            told[share] = rates(planted, found) | {"skew": within(bounds, directory / "story", minutes)}
        return told


def main() -> None:
    """Run the systems and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.findings", description=__doc__)
    parser.add_argument("--systems", type=whole, default=3, help="of each story and each kind of clock")
    parser.add_argument("--minutes", type=positive, default=20, help="of each story")
    parser.add_argument("--seed", type=int, help="default: a new one, which is printed")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    print(f"seed {seed}, {given.systems} systems of each story, {given.minutes:g} minutes each", flush=True)
    for offset in (STORIES["ordered"].setup.clock_offset, CLOCK_OFFSET):
        total: dict[float, dict[str, Rate]] = defaultdict(lambda: defaultdict(Rate))
        for name in STORIES:
            minutes = given.minutes * (12 if name == "deadlocks" else 1)
            for number in range(given.systems):
                for share, told in watch(name, seed + number, minutes, offset).items():
                    for kind, rate in told.items():
                        total[share][kind] += rate
        report(offset / MILLISECOND, total)


def report(offset_ms: float, total: dict[float, dict[str, Rate]]) -> None:
    """Print the table of one kind of clock."""
    print(f"\nclocks off by up to {offset_ms:g} ms: recall and precision, by lines left out")
    print(f"{'':12} {'planted':>8}  " + "  ".join(f"{share:>13.0%}" for share in total))
    for kind, name in KINDS.items():
        planted = total[0.0][kind].planted
        print(f"{name:12} {planted:8,}  " + "  ".join(f"{told[kind]!s:>13}" for told in total.values()))


if __name__ == "__main__":
    main()
