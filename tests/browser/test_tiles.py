"""Tiles lead to what is behind them, and filters go along."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from . import chromium
from .chromium import open_at
from .conftest import Served

pytestmark = pytest.mark.browser


def _top(page: Page, title: str) -> float:
    box = page.get_by_role("heading", name=title).bounding_box()
    assert box is not None
    return box["y"]


def test_tile_of_health_leads_down_to_its_panel(page: Page, served: Served) -> None:
    open_at(page, served.at("health", refresh="2s"))
    assert _top(page, "How far is each file read?") > 700
    page.get_by_role("link", name="Files").click()
    expect(page).to_have_url(re.compile("#files$"))
    page.wait_for_function(
        "() => document.getElementById('files').getBoundingClientRect().top < window.innerHeight / 2"
    )


def test_oldest_event_opens_its_records(page: Page, served: Served) -> None:
    open_at(page, served.at("health"))
    page.get_by_role("button", name="Oldest event").click()
    expect(page.get_by_role("heading", name="Which lines were logged")).to_be_visible()
    expect(page).to_have_url(re.compile("window=.+%2F.+"))


def test_filter_goes_along_with_a_tile(page: Page, served: Served) -> None:
    open_at(page, served.at(service="billing"))
    page.locator(".st-key-tile_overview_events a").click()
    expect(page.get_by_role("heading", name="Which lines were logged")).to_be_visible()
    chromium.settle(page)
    assert chromium.asked(page)["service"] == "billing"


def test_text_to_find_opens_the_records_that_hold_it(page: Page, served: Served) -> None:
    open_at(page, served.at())
    box = page.get_by_label("Find")
    box.fill("order")
    box.press("Enter")
    expect(page.get_by_role("heading", name="Which lines were logged")).to_be_visible()
    expect(page.get_by_label("Search", exact=True)).to_have_value("order")


def test_whoever_goes_by_keyboard_sees_where(page: Page, served: Served) -> None:
    open_at(page, served.at(refresh="off"))
    marked = "e => getComputedStyle(e.closest('[class*=st-key-tile_]') || e).outlineStyle"
    navigation = page.get_by_test_id("stTopNavLink").filter(has_text="Alerts")
    tile = page.get_by_test_id("stPageLink-NavLink").filter(has_text="Deadlocks")
    for link in (navigation, tile):
        assert link.evaluate(marked) == "none"
        link.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        assert link.evaluate(marked) == "solid"
