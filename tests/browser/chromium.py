"""The browser that the journeys and the screenshots are made with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, FloatRect, Locator, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # in a container there is no namespace to build one from
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Requests of its own would be taken for requests of a page.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SETTLED_MS = 60_000
_RESTING_MS = 250
# Every page asks its question in a heading; skeletons, and what is still being answered, stand where parts of
# a page are on their way.
_SETTLED = """() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    return all('[data-testid="stApp"][data-test-script-state="notRunning"]').length === 1
        && all('[data-testid="stMain"] h2').length > 0
        && all('[data-testid="stSkeleton"], [class*="st-key-still_asked_"]').length === 0
        && all('[data-live-plotly]').every((chart) => chart._fullLayout);
}"""


def installed() -> str | None:
    """Where a Chromium of this machine is; None when there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def started(path: str) -> Iterator[Browser]:
    """A browser with an empty profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def open_at(page: Page, address: str) -> None:
    """Go to an address and wait until its page is drawn."""
    page.goto(address)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the script of the page has run and everything on it is drawn."""
    page.wait_for_function(_SETTLED, timeout=SETTLED_MS)


def chart(page: Page, alt: str) -> Locator:
    """A chart of the page, by its alternative text; what lies in the lanes below it may follow."""
    return page.locator(f'[data-live-plotly][aria-label="{alt}"], [data-live-plotly][aria-label^="{alt};"]')


def asked(page: Page) -> dict[str, str]:
    """What stands in the address behind the question mark."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def resting_plot(page: Page, element: Locator) -> FloatRect:
    """Where the plot of a chart lies, once nothing above moves it any more."""
    plot = element.locator(".nsewdrag").first
    lies, lay = plot.bounding_box(), None
    while lies is None or lies != lay:
        page.wait_for_timeout(_RESTING_MS)
        lies, lay = plot.bounding_box(), lies
    return lies


def drag(page: Page, element: Locator, start: float, end: float) -> None:
    """Drag over a chart from one share of its plot's width to another."""
    plot = resting_plot(page, element)
    middle = plot["y"] + plot["height"] / 2
    page.mouse.move(plot["x"] + plot["width"] * start, middle)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * end, middle, steps=8)
    page.mouse.up()
