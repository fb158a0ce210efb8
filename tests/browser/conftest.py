"""A real process with a live log, and a real browser that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from stormwatch.resources import SAMPLE_LOGS
from tests.cli.harness import Processes
from tests.dashboard.conftest import truth

from . import chromium, shop


@dataclass
class Served:
    """A dashboard over a directory that is being written to."""

    url: str
    start: datetime
    """When the story began, UTC."""

    def at(self, page: str = "", **query: str) -> str:
        """The address of a page."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{self.url}/{page}" + (f"?{asked}" if asked else "")


@dataclass
class Watched:
    """A page, and what happened in it that nobody would see."""

    page: Page
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    path = chromium.installed()
    if path is None:
        pytest.skip("no chromium on this machine")
    with chromium.started(path) as browser:
        yield browser


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A page in a profile of its own; an error in any script of it fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, color_scheme="light")
    context.set_default_timeout(15_000)
    seen = Watched(context.new_page())
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    own = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
    seen.page.on("request", lambda made: made.url.startswith(own) or seen.foreign.append(made.url))
    yield seen
    context.close()
    assert seen.errors == []
    assert seen.foreign == []


@pytest.fixture
def page(watched: Watched) -> Page:
    """The page itself."""
    return watched.page


def _serve_sample(name: str, directory: Path) -> Iterator[str]:
    processes = Processes(directory / f"{name}.duckdb")
    logs = SAMPLE_LOGS / name / "logs"
    running = processes("up", logs, "--db", processes.database, "--port", 0, "--no-browser")
    try:
        running.wait_for(events=truth(name)["publishes"])
        yield running.url
    finally:
        running.stop()


@pytest.fixture(scope="session")
def storm(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the dashboard over the story that begins when an order is turned off."""
    assert browser.is_connected()
    yield from _serve_sample("storm", tmp_path_factory.mktemp("storm"))


@pytest.fixture(scope="session")
def deadlocks(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the dashboard over the story of locks that are taken in any order."""
    assert browser.is_connected()
    yield from _serve_sample("deadlocks", tmp_path_factory.mktemp("deadlocks"))


def _serve(directory: Path, name: str) -> Iterator[Served]:
    logs = directory / "logs"
    logs.mkdir()
    start = (datetime.now(UTC) - timedelta(minutes=5)).replace(second=0, microsecond=0)
    (logs / "shop.jsonl").write_text(shop.story(start, name), encoding="utf-8")
    database = directory / "shop.duckdb"
    processes = Processes(database)
    with shop.Heartbeat(logs / "monitor.jsonl"):
        running = processes("up", logs, "--db", database, "--port", 0, "--no-browser")
        try:
            running.wait_for(events=20)
            yield Served(running.url, start.replace(tzinfo=None))
            code, said = running.stop()
            assert code == 0, said
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.communicate()


# Each module has its own: what happened five minutes before it began stays in the window that pages show,
# however long all tests take, and no process reads on beside the tests that come after.
@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The dashboard over the shop's logs; needs a browser, as starting it is for nothing otherwise."""
    assert browser.is_connected()
    yield from _serve(tmp_path_factory.mktemp("shop"), "")


@pytest.fixture(scope="module")
def hostile(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same with hostile text in every name."""
    assert browser.is_connected()
    yield from _serve(tmp_path_factory.mktemp("hostile"), f" {shop.HOSTILE}")
