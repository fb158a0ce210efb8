"""Takes the pictures of docs/screenshots from a running demo: `python -m tests.browser.screenshots`."""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from PIL import Image
from playwright.sync_api import Page

from tests.browser import chromium
from tests.cli.harness import ROOT, command

_INTO = ROOT / "docs" / "screenshots"
_THEMES = ("light", "dark")
_SIZES = {"": (1440, 1000), "-phone": (390, 844)}
_COLOURS = 256
_START_S = 60.0


@contextmanager
def _demo(story: str) -> Iterator[str]:
    """The address of a demo that runs until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = command("demo", "--story", story, "--no-browser", "--port", port)
    process = subprocess.Popen(words, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for_start(url)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait_for_start(url: str) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            urlopen(url + "/healthz", timeout=5).close()  # noqa: S310 - an address of our own
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return


def _ask(url: str, sql: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    body = json.dumps({"sql": sql}).encode()
    asked = Request(url + "/api/sql", body, {"Content-Type": "application/json"})  # noqa: S310 - our own
    with urlopen(asked, timeout=60) as answer:  # noqa: S310 - our own
        rows: list[dict[str, Any]] = json.load(answer)["rows"]
    return rows


def _addresses(url: str) -> dict[str, str]:
    """Page -> its address, with something picked where something can be."""
    [chain] = _ask(
        url,
        "SELECT root_id FROM largest_chains(row_limit := 10000) WHERE NOT is_ghost AND event_count >= 6 "
        "ORDER BY abs(event_count - 20) LIMIT 1",
    )
    [deadlock] = _ask(url, "SELECT deadlock_id FROM deadlocks() ORDER BY member_count DESC LIMIT 1")
    [record] = _ask(
        url, "SELECT file_id, byte_offset, record_no FROM events WHERE operation = 'receive' "
        "ORDER BY occurred_at DESC LIMIT 1"
    )  # fmt: skip
    sql = "SELECT service, operation, count(*) AS n\nFROM events\nGROUP BY ALL\nORDER BY n DESC\nLIMIT 12"
    at = ":".join(str(record[name]) for name in ("file_id", "byte_offset", "record_no"))
    picked: dict[str, dict[str, str]] = {
        "overview": {},
        "storms": {},
        "alerts": {},
        "ordering": {},
        "chains": {"event": chain["root_id"]},
        "deadlocks": {"deadlock": deadlock["deadlock_id"]},
        "versions": {},
        "why": {"what": "late arrivals"},
        "events": {"at": at},
        "sql": {"sql": sql},
        "health": {},
    }
    return {
        name: f"{url}/{'' if name == 'overview' else name}?" + urlencode({"refresh": "off", **query})
        for name, query in picked.items()
    }


def _take(page: Page, address: str, target: Path, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    chromium.open_at(page, address)
    # The whole page at once, as high as it is: a scrolled one is drawn in parts.
    height = page.get_by_test_id("stMain").evaluate("e => e.scrollHeight")
    page.set_viewport_size({"width": size[0], "height": max(size[1], min(int(height) + 70, 2400))})
    chromium.settle(page)
    page.wait_for_timeout(1500)
    page.screenshot(path=target)
    with Image.open(target) as image:
        _reduced(image.convert("RGB")).save(target, optimize=True)


def _reduced(image: Image.Image) -> Image.Image:
    """In its most frequent colours: flat areas and small marks keep theirs, edges nearly do."""
    counted = image.getcolors(image.width * image.height) or []
    frequent = sorted(counted, reverse=True)[:_COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette(b"".join(bytes(colour) for _, colour in frequent if isinstance(colour, tuple)))
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


def main() -> None:
    """Run a demo for a while, then take every page in both themes and widths."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("--story", default="storm")
    parser.add_argument("--after", type=float, default=150.0, help="seconds the demo runs before")
    parser.add_argument("--into", type=Path, default=_INTO)
    parser.add_argument("--phone", action="store_true", help="as wide as a phone as well")
    parser.add_argument("--only", nargs="*", metavar="PAGE", help="take these pages only")
    given = parser.parse_args()
    path = chromium.installed()
    if path is None:
        parser.error("there is no chromium on this machine; install it, then try again")
    given.into.mkdir(parents=True, exist_ok=True)
    with _demo(given.story) as url, chromium.started(path) as browser:
        time.sleep(given.after)
        addresses = {
            name: address
            for name, address in _addresses(url).items()
            if given.only is None or name in given.only
        }
        for theme in _THEMES:
            context = browser.new_context(color_scheme=theme, device_scale_factor=1)
            page = context.new_page()
            for width, size in _SIZES.items():
                for name, address in addresses.items() if given.phone or not width else ():
                    _take(page, address, given.into / f"{name}-{theme}{width}.png", size)
            context.close()
    print(f"{len(list(given.into.glob('*.png')))} pictures in {given.into}")


if __name__ == "__main__":
    main()
