"""Journeys on the page Events: along the lines of a file, and by what there is to filter by."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .chromium import SETTLED_MS, asked, open_at
from .conftest import Served

pytestmark = pytest.mark.browser


def test_click_on_a_line_leads_to_its_record_and_how_many_stay_in_the_address(
    page: Page, served: Served
) -> None:
    found = page.request.get(served.at("api/queries/event_observations", event="payment-1")).json()
    [row] = found["rows"]
    open_at(page, served.at("events", at=f"{row['file_id']}:{row['byte_offset']}:0"))
    lines = page.locator("[data-context-lines] li")
    expect(lines).to_have_count(6, timeout=SETTLED_MS)  # the file ends two lines behind it
    picked = page.locator("[data-context-lines] li[aria-current]")
    expect(picked).to_contain_text('"id": "payment-1"')
    lines.filter(has_text='"id": "shipment-1"').get_by_role("button").click()
    expect(picked).to_contain_text('"id": "shipment-1"', timeout=SETTLED_MS)
    place = asked(page)["at"]
    assert place != f"{row['file_id']}:{row['byte_offset']}:0"
    page.get_by_role("radio", name="10", exact=True).click()
    expect(lines).to_have_count(12, timeout=SETTLED_MS)
    assert (asked(page)["lines"], asked(page)["at"]) == ("10", place)
    page.reload()
    expect(lines).to_have_count(12, timeout=SETTLED_MS)
    expect(picked).to_contain_text('"id": "shipment-1"')


def test_line_of_a_picked_record_stands_without_scrolling_and_before_the_list_on_a_phone(
    page: Page, served: Served
) -> None:
    found = page.request.get(served.at("api/queries/event_observations", event="payment-1")).json()
    [row] = found["rows"]
    open_at(page, served.at("events", refresh="off", at=f"{row['file_id']}:{row['byte_offset']}:0"))
    line = page.locator(".st-key-place_event")
    expect(line).to_contain_text('"id": "payment-1"')
    placed = line.bounding_box()
    assert placed is not None
    assert placed["y"] + placed["height"] < 600
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(
        """() => {
            const top = (key) => document.querySelector(`.st-key-${key}`).getBoundingClientRect().top;
            return top("panel_detail") < top("panel_event_list");
        }"""
    )


def test_click_on_a_value_shows_its_records_alone(page: Page, served: Served) -> None:
    open_at(page, served.at("events", refresh="off"))
    rows = page.locator(".st-key-panel_facets").get_by_test_id("stDataFrame").first
    expect(rows.locator("tbody tr").filter(has_text="billing")).to_be_attached(timeout=SETTLED_MS)
    values = rows.locator("tbody tr").all_text_contents()
    number = next(number for number, text in enumerate(values) if text.startswith("billing"))
    rows.click(position={"x": 120, "y": 35 * (number + 1) + 17})
    page.wait_for_url("**service=billing*")
    expect(page.get_by_text("7 records")).to_be_visible(timeout=SETTLED_MS)
