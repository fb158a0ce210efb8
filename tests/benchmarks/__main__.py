"""Prints all figures; see --help for the sizes."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

from tests.benchmarks import backlog, formats, growth, live, logs, pruning, relations

_MOST_BYTES = 128 << 20
"""Of the log of a format: as much as a batch of a backlog holds, and more."""


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
    _add_pages(parser)
    given = parser.parse_args()
    python = platform.python_version()
    print(f"machine           {os.cpu_count()} cores, {platform.machine()}, Python {python}")
    with tempfile.TemporaryDirectory(prefix="stormwatch-bench-") as name:
        work = Path(name)
        if given.pages is not None:
            _report_pages(work, given)
            return
        if given.formats is not None:
            formats.report(work, given.formats or formats.names(), given.events, _MOST_BYTES, given.rounds)
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
        formats.report(work / "formats", formats.names(), given.events, _MOST_BYTES, given.rounds)


def _add_pages(parser: argparse.ArgumentParser) -> None:
    pages = parser.add_argument_group("pages")
    pages.add_argument(
        "--pages",
        type=int,
        nargs="?",
        const=10_000_000,
        metavar="EVENTS",
        help="only what pages cost over a log of so many events, 10 million; needs Chromium",
    )
    pages.add_argument("--rate", type=int, default=1_000, help="events a second of that log")
    pages.add_argument("--only", nargs="*", default=[], metavar="PAGE", help="only these pages")
    pages.add_argument("--refreshes", type=int, default=10, help="of each page")
    pages.add_argument("--viewers", type=int, nargs="*", default=[1, 10], help="of Overview at once")
    pages.add_argument("--watched", type=float, default=60.0, help="seconds each of them are looked at")
    pages.add_argument("--minutes", type=float, default=30.0, help="for which memory is watched")


def _report_pages(work: Path, given: argparse.Namespace) -> None:
    # A browser is needed for nothing else here.
    from tests.benchmarks import pages

    pages.report(
        work,
        pages.Scope(
            given.pages, given.rate, given.refreshes, tuple(given.viewers), given.watched, given.minutes,
            tuple(given.only),
        ),
    )  # fmt: skip


if __name__ == "__main__":
    main()
