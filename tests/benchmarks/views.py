"""What a browser sees of a page: when it is drawn, what comes over the WebSocket, how much is on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, Page, WebSocket
from playwright.sync_api import TimeoutError as NotInTimeError
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser import chromium

_SIZE: Final = {"width": 1440, "height": 1000}
_TURN_MS: Final = 50
# Points of the longest series, and cells of the largest heat map.
_DRAWN: Final = """() => {
    const traces = [...document.querySelectorAll('[data-live-plotly]')].flatMap((one) => one._fullData || []);
    const length = (values) => values ? values.length : 0;
    const maps = traces.filter((one) => one.type === 'heatmap');
    return [
        Math.max(0, ...traces.filter((one) => one.type !== 'heatmap').map((one) => length(one.x))),
        Math.max(0, ...maps.map((one) => length(one.z) * length((one.z || [])[0]))),
    ];
}"""


@dataclass(frozen=True)
class Refresh:
    """A page that was drawn anew: from the question of the browser to the end of the answer."""

    asked_at: float
    """Unix time in seconds."""
    ended_at: float
    payload_bytes: int
    """Frames of the WebSocket that came in between."""

    @property
    def seconds(self) -> float:
        """For how long it was waited."""
        return self.ended_at - self.asked_at


@dataclass
class Traffic:
    """The frames of a page, cut into refreshes: the script that answers says when it has ended."""

    refreshes: list[Refresh] = field(default_factory=list)
    total_bytes: int = 0
    _asked_at: list[float] = field(default_factory=list)
    _ended_at: float = 0.0
    _since_bytes: int = 0

    def listen(self, socket: WebSocket) -> None:
        """Count the frames of a socket that was just opened."""
        socket.on("framesent", lambda _: self._asked_at.append(time.time()))
        socket.on("framereceived", self._received)

    def _received(self, payload: str | bytes) -> None:
        content = payload.encode() if isinstance(payload, str) else payload
        self.total_bytes += len(content)
        self._since_bytes += len(content)
        if ForwardMsg.FromString(content).WhichOneof("type") != "script_finished":
            return
        now = time.time()
        if self._asked_at:
            # What was asked while the answer before came was waiting for it, not for its own.
            asked_at = max(self._asked_at.pop(0), self._ended_at)
            self.refreshes.append(Refresh(asked_at, now, self._since_bytes))
        self._ended_at, self._since_bytes = now, 0


@dataclass
class View:
    """A page that somebody looks at."""

    page: Page
    traffic: Traffic
    first_paint_s: float = 0.0
    drawn_s: float | None = None
    """None: not within a minute."""

    def look(self, address: str) -> None:
        """Go there and wait until it is drawn."""
        started = time.perf_counter()
        self.page.goto(address, wait_until="commit")
        self.page.locator('[data-testid="stMain"] h2').first.wait_for(timeout=chromium.SETTLED_MS)
        self.first_paint_s = time.perf_counter() - started
        try:
            chromium.settle(self.page)
            self.drawn_s = time.perf_counter() - started
        except NotInTimeError:
            self.drawn_s = None

    def refreshed(self, times: int, at_most_s: float) -> list[Refresh]:
        """The next refreshes, so many or those that end in time."""
        self.page.wait_for_timeout(_TURN_MS)
        before, gives_up_at = len(self.traffic.refreshes), time.monotonic() + at_most_s
        while len(self.traffic.refreshes) < before + times and time.monotonic() < gives_up_at:
            self.page.wait_for_timeout(_TURN_MS)
        return self.traffic.refreshes[before:]

    def sizes(self) -> tuple[int, int]:
        """Points of the longest series, and cells of the largest heat map."""
        points, cells = self.page.evaluate(_DRAWN)
        return points, cells

    def errors(self) -> list[str]:
        """What the page says could not be drawn."""
        found: list[Any] = self.page.locator('[data-testid="stAlert"], .stCode').all_inner_texts()
        return [text for text in found if "could not" in text or "rror" in text]


@contextmanager
def opened(browser: Browser) -> Iterator[View]:
    """A page of its own, with nothing in its caches."""
    context = browser.new_context(viewport=_SIZE, color_scheme="light")  # type: ignore[arg-type]
    try:
        traffic = Traffic()
        page = context.new_page()
        page.on("websocket", traffic.listen)
        yield View(page, traffic)
    finally:
        context.close()
