"""Prints all figures; see --help for the sizes."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

from tests.benchmarks import backlog, formats, growth, live, logs, pruning, relations


def main() -> None:
    """Run every benchmark in a temporary directory."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--lines", type=int, default=2_000_000, help="records of the backlog")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of backlog and load")
    parser.add_argument("--rates", type=int, nargs="*", default=[20_000, 50_000, 100_000])
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each live run")
    parser.add_argument("--stored", type=int, default=20_000_000, help="events of the large database")
    parser.add_argument(
        "--formats", nargs="*", choices=formats.names(), metavar="NAME", help="only formats; all, or these"
    )
    parser.add_argument("--events", type=int, default=200_000, help="events of each format")
    parser.add_argument(
        "--relations",
        type=int,
        nargs="*",
        metavar="EVENTS",
        help="only what relations cost in logs of so many events; 1 and 10 million",
    )
    parser.add_argument("--window", type=float, default=20.0, help="seconds of the window they are asked for")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds after which one is stopped")
    parser.add_argument(
        "--pruning", type=int, metavar="EVENTS", help="only what deleting half of so many events costs"
    )
    given = parser.parse_args()
    python = platform.python_version()
    print(f"machine           {os.cpu_count()} cores, {platform.machine()}, Python {python}")
    with tempfile.TemporaryDirectory(prefix="stormwatch-bench-") as name:
        work = Path(name)
        if given.formats is not None:
            formats.report(work, given.formats or formats.names(), given.events, 64 << 20, given.rounds)
            return
        if given.relations is not None:
            sizes = given.relations or [1_000_000, 10_000_000]
            relations.report(work, sizes, given.window, given.limit)
            return
        if given.pruning is not None:
            pruning.report(work, given.pruning)
            return
        log_bytes = logs.write_backlog(work / "backlog", given.lines)
        database = backlog.report(work, work / "backlog", log_bytes, given.rounds)
        live.report(work, given.rates, given.seconds)
        growth.report(work, database, given.stored, rounds=15)
        formats.report(work / "formats", formats.names(), given.events, 64 << 20, given.rounds)


if __name__ == "__main__":
    main()
