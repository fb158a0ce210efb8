"""Back and forward lead from page to page to what was seen there."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page, expect

from .chromium import SETTLED_MS, asked, open_at, settle
from .conftest import Served

pytestmark = pytest.mark.browser
CHAIN = "Who logged it?"


def test_back_and_forward_show_what_was_picked_on_each_page(page: Page, served: Served) -> None:
    open_at(page, served.at("chains", event="order-2", view="icicle", window="1h"))
    expect(page.get_by_text(CHAIN)).to_be_visible(timeout=SETTLED_MS)
    page.get_by_role("link", name="Events", exact=True).first.click()
    page.wait_for_url("**/events?**")
    settle(page)
    page.get_by_label("Search").first.fill("order")
    page.keyboard.press("Enter")
    page.wait_for_url("**search=order**")
    settle(page)
    page.get_by_role("link", name="Health", exact=True).first.click()
    page.wait_for_url("**/health?**")
    settle(page)

    page.go_back()
    page.wait_for_url("**/events?**")
    settle(page)
    expect(page.get_by_label("Search").first).to_have_value("order")
    page.go_back()
    page.wait_for_url("**/chains?**")
    settle(page)
    assert asked(page) == {"event": "order-2", "view": "icicle", "window": "1h"}
    expect(page.get_by_text(CHAIN)).to_be_visible(timeout=SETTLED_MS)
    page.go_forward()
    page.wait_for_url("**/events?**")
    settle(page)
    expect(page.get_by_text("Who logs what?")).to_be_visible(timeout=SETTLED_MS)


def test_address_names_each_control_once_behind_a_link(page: Page, served: Served) -> None:
    open_at(page, served.at("", refresh="off", window="1h"))
    page.get_by_test_id("stMain").get_by_role("link", name="Storm outlook").click()
    page.wait_for_url("**/storms?**")
    settle(page)
    assert sorted(parse_qsl(urlsplit(page.url).query)) == [("refresh", "off"), ("window", "1h")]
