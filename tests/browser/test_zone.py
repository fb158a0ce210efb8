"""The time zone: times are typed and read by its clocks, and the address says which."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from .chromium import asked, chart, drag, open_at, settle
from .conftest import Served

pytestmark = pytest.mark.browser


def _choose(page: Page, label: str, text: str) -> None:
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(text)
    box.press("Enter")


def test_window_is_typed_dragged_and_kept_in_the_zone(page: Page, served: Served) -> None:
    open_at(page, served.at(zone="Asia/Kathmandu"))
    since, until = (served.start + timedelta(hours=5, minutes=45 + minute) for minute in (0, 4))
    _choose(page, "Time window", f"{since:%Y-%m-%dT%H:%M}/{until:%Y-%m-%dT%H:%M}")
    said = page.locator(".st-key-shown_window")
    expect(said).to_contain_text(f"{since:%Y-%m-%d %H:%M:%S} – {until:%H:%M:%S} Asia/Kathmandu")
    offsets = [edge[-6:] for edge in asked(page)["window"].split("/")]
    assert offsets == ["+05:45", "+05:45"]

    _choose(page, "Time zone", "UTC")
    expect(said).to_contain_text(f"{served.start:%Y-%m-%d %H:%M:%S} – ")
    _choose(page, "Time zone", "Asia/Kathmandu")
    expect(said).to_contain_text(f"{since:%Y-%m-%d %H:%M:%S} – ")

    settle(page)
    drag(page, chart(page, "Events per second over time, errors apart"), 0.3, 0.7)
    expect(said).to_contain_text(f"{since + timedelta(minutes=1):%H:%M}")
    page.reload()
    settle(page)
    expect(said).to_contain_text(f"{since + timedelta(minutes=1):%H:%M}")
    expect(said).to_contain_text("Asia/Kathmandu")
