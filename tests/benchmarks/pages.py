"""What the pages of the dashboard cost in a log of millions of events that is being written: seconds until
they are drawn, seconds and bytes of a refresh, processor time of those who look on, memory.

The log is made in the database and ends now; the real server goes on with it, in a process of its own,
while lines are written to the directory it watches. A headless browser looks at it.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from playwright.sync_api import Browser

from dashboard.pages import PAGES
from stormwatch.storage import Store
from tests.benchmarks import logs, relations, served
from tests.benchmarks.machine import cpu_seconds, resident_bytes
from tests.benchmarks.views import View, opened
from tests.browser import chromium
from tests.cli.harness import ROOT, Running

WINDOWS: Final = ("auto", "15m")
"""What is shown unless somebody chooses, and a quarter of an hour; both end at the newest event."""
_REFRESH_S: Final = 5
_PATIENCE_S: Final = 90.0
_CATCH_UP_S: Final = 600.0
_WARM_S: Final = 20.0
"""Until rules that catch up with what is new have done so."""
_HOUR: Final = timedelta(hours=1)
_SLOW_S: Final = 0.3
_FOREVER_S: Final = 86_400
_SEED: Final = 4
"""Of lines that have other ids than those written later."""
GOALS: Final = (
    "goals: the first page within 2 s; any panel within 0.3 s, p95; at most 2,000 points a series and "
    "45,000 cells; a page that stands still costs nothing"
)


@dataclass(frozen=True)
class Scope:
    """What is measured."""

    events: int
    per_second: int
    """Of the log that is there, and of the lines that are written."""
    refreshes: int
    """Of each page."""
    viewers: tuple[int, ...]
    watched_s: float
    """For how long processor time is counted, for each number of viewers."""
    minutes: float
    """For how long memory is watched."""
    only: tuple[str, ...] = ()
    """Pages; all where none is named."""


@dataclass(frozen=True)
class Site:
    """A server with a log that is being written."""

    running: Running
    journal: Path

    def at(self, page: str, window: str, refresh: str = f"{_REFRESH_S}s") -> str:
        """The address of a page."""
        path = "" if page == "overview" else page
        return f"{self.running.url}/{path}?window={window}&refresh={refresh}"

    def catch_up(self) -> None:
        """Wait until what was written before is read, and its minutes are kept as in a server that runs."""
        given_up = time.monotonic() + _CATCH_UP_S
        while time.monotonic() < given_up:
            now = datetime.now(UTC).replace(tzinfo=None)
            edges = f"since={(now - _HOUR).isoformat()}&until={now.isoformat()}"
            _, body = self.running.get(f"/api/queries/_kept_minutes?{edges}&bucket=1+minute&format=csv")
            if b"True" in body:
                break
            time.sleep(1)
        time.sleep(_WARM_S)

    def asked(self, since: float, until: float) -> list[served.Asked]:
        """What pages asked between two instants, Unix time."""
        return [one for one in served.read(self.journal) if since <= one.at <= until]


def make(database: Path, scope: Scope) -> datetime:
    """The log, with its minutes kept; when it ends, UTC: just before it was made."""
    span = timedelta(seconds=scope.events / scope.per_second)
    end = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    started = time.perf_counter()
    relations.make(database, scope.events, scope.per_second, end - span)
    made_s = time.perf_counter() - started
    print(f"  {scope.events:,} events of {span} made in {made_s:.0f} s", flush=True)
    with Store(database) as store:
        relations.keep(store, end, scope.events)
    return end


@contextmanager
def _site(work: Path, database: Path, end: datetime, per_second: int) -> Iterator[Site]:
    logs_directory, journal = work / "logs", work / "asked"
    # What was logged while the log was made.
    missing = int((datetime.now(UTC).replace(tzinfo=None) - end).total_seconds() * per_second)
    step = timedelta(seconds=1) / per_second
    logs.write_backlog(logs_directory / "before", missing, _SEED, end, step)
    writing = [logs.__name__, logs_directory, per_second, _FOREVER_S, work / "written"]
    serving = [served.__name__, journal, "up", logs_directory, "--db", database, "--port", 0, "--no-browser"]
    with ExitStack() as stack:
        for command in (writing, serving):
            process = subprocess.Popen(
                [sys.executable, "-m", *map(str, command)], cwd=ROOT, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            stack.callback(_end, process)
        yield Site(Running(process, database), journal)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE_S)
    process.kill()
    process.wait()


def _p95(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95))


def _page(browser: Browser, site: Site, name: str, window: str, scope: Scope) -> None:
    """Print a row: the page as it is opened, and as it is refreshed; below it what took long."""
    with opened(browser) as view:
        began = time.time()
        view.look(site.at(name, window))
        first_bytes = view.traffic.total_bytes
        opening = site.asked(began, time.time())
        pid = site.running.process.pid
        before, began = cpu_seconds(pid), time.time()
        found = view.refreshed(scope.refreshes, _PATIENCE_S)
        used = (cpu_seconds(pid) - before) / (time.time() - began)
        points, cells = view.sizes()
        drawn = ">60" if view.drawn_s is None else f"{view.drawn_s:.2f}"
        row = f"  {name:10} {window:5} {view.first_paint_s:6.2f} {drawn:>6} {first_bytes / 1024:7,.0f}"
        asked = [site.asked(one.asked_at, one.ended_at) for one in found]
        if found:
            times = [one.seconds for one in found]
            row += (
                f" {statistics.median(times):7.2f} {_p95(times):6.2f}"
                f" {statistics.median(one.payload_bytes for one in found) / 1024:7,.0f}"
                f" {statistics.median(map(len, asked)):5.0f}"
            )
        else:
            row += f" {'none':>7} {'':6} {'':7} {'':5}"
        print(f"{row} {used:6.2f} {points:6,} {cells:6,}", flush=True)
        for text in view.errors():
            print(f"      said: {' '.join(text.split())[:160]}")
        _slow([*opening, *(one for each in asked for one in each)])


def _slow(asked: list[served.Asked]) -> None:
    """Print the relations that took long, the slowest first."""
    by_name: dict[str, list[float]] = {}
    for one in asked:
        by_name.setdefault(one.name, []).append(one.seconds)
    slow = {name: (_p95(taken), len(taken)) for name, taken in by_name.items()}
    told = [
        f"{name} {p95:.2f} s"
        for name, (p95, _) in sorted(slow.items(), key=lambda item: -item[1][0])
        if p95 > _SLOW_S
    ]
    if told:
        print(f"      above {_SLOW_S} s, p95: {', '.join(told)}", flush=True)


def _pages(browser: Browser, site: Site, scope: Scope) -> None:
    print(
        "  page       window  first  drawn     KiB refresh    p95     KiB asked   proc points  cells\n"
        "                     paint, s     s          median, s                  s a second"
    )
    for window in WINDOWS:
        for name, _, _ in PAGES:
            if not scope.only or name in scope.only:
                _page(browser, site, name, window, scope)


def _processor(site: Site, seconds: float, views: Sequence[View]) -> float:
    """Processor seconds of the server for each second, while pages are looked at."""
    pid = site.running.process.pid
    before, began = cpu_seconds(pid), time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        if views:
            views[0].page.wait_for_timeout(500)
        else:
            time.sleep(min(0.5, seconds - passed))
    return (cpu_seconds(pid) - before) / (time.monotonic() - began)


def _watched(browser: Browser, site: Site, scope: Scope) -> None:
    """Print the processor time of so many viewers of Overview, and of one whose page stands still."""
    print(f"  viewers of Overview, processor seconds of the server a second, over {scope.watched_s:g} s")
    alone = _processor(site, scope.watched_s, ())
    print(f"    none              {alone:5.2f}, with reading, minutes and alerts", flush=True)
    still = [(1, "off")] if scope.viewers else []
    for count, refresh in [*still, *((count, f"{_REFRESH_S}s") for count in scope.viewers if count)]:
        with ExitStack() as stack:
            views = [stack.enter_context(opened(browser)) for _ in range(count)]
            for view in views:
                view.look(site.at("overview", "auto", refresh))
            used = _processor(site, scope.watched_s, views)
        each = (used - alone) / count
        what = f"{count}, standing still" if refresh == "off" else f"{count} at {refresh}"
        print(f"    {what:17} {used:5.2f}, {each:5.2f} for each viewer beyond none", flush=True)


def _memory(browser: Browser, site: Site, minutes: float) -> None:
    """Print what the server has resident while Overview, Ordering and Storms are refreshed."""
    pid = site.running.process.pid
    names = ("overview", "ordering", "storms")
    print(f"  memory of the server, resident, while {', '.join(names)} are refreshed every {_REFRESH_S} s")
    with ExitStack() as stack:
        views = [stack.enter_context(opened(browser)) for _ in names]
        for view, name in zip(views, names, strict=True):
            view.look(site.at(name, "auto"))
        began = time.monotonic()
        for step in range(11):
            while time.monotonic() - began < step * minutes * 6:
                views[0].page.wait_for_timeout(1000)
            passed_min = (time.monotonic() - began) / 60
            print(f"    {passed_min:6.1f} min {resident_bytes(pid) / 2**20:7,.0f} MiB", flush=True)


def report(work: Path, scope: Scope) -> None:
    """Print all of it; needs Chromium."""
    path = chromium.installed()
    if path is None:
        sys.exit("no chromium on this machine; it is needed to measure pages")
    database = work / "pages.duckdb"
    print(f"pages             {scope.events:,} events, {scope.per_second:,} a second, and as many written")
    print(f"  {GOALS}")
    print(f"  load of the machine before: {os.getloadavg()[0]:.1f}")
    end = make(database, scope)
    with _site(work, database, end, scope.per_second) as site, chromium.started(path) as browser:
        site.catch_up()
        print(f"  memory at the start {resident_bytes(site.running.process.pid) / 2**20:,.0f} MiB")
        _pages(browser, site, scope)
        if scope.viewers:
            _watched(browser, site, scope)
        if scope.minutes:
            _memory(browser, site, scope.minutes)
