"""A note is added where somebody looks, stands under the charts, and leads back to itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .chromium import asked, chart, open_at, settle
from .conftest import Served

pytestmark = pytest.mark.browser
TEXT = "rolled back **by hand** <b>x</b>"


def test_note_is_added_on_a_page_that_stands_still_and_read_from_its_mark(page: Page, served: Served) -> None:
    window = f"{served.start:%Y-%m-%dT%H:%M}/{served.start:%Y-%m-%dT%H}:{served.start.minute:02}:59"
    open_at(page, served.at("ordering", window=window))
    page.get_by_test_id("stPopoverButton").and_(page.locator(".st-key-add_note button")).first.click()
    page.get_by_label("What happened?").fill(TEXT)
    page.get_by_label("Who").fill("kim")
    expect(page.get_by_label("At, UTC")).not_to_have_value("")
    page.get_by_label("At, UTC").fill(f"{served.start:%Y-%m-%d %H:%M}:30")
    page.get_by_role("button", name="Add the note").click()
    expect(page.get_by_text("is added")).to_be_visible()

    map_ = chart(page, "Heat map of arrivals out of order by consumer, stream and time")
    expect(map_).to_have_attribute("aria-label", re.compile("; below it .*1 note$"))
    x, y = map_.evaluate(
        """e => {
            const lane = e.data.find(trace => trace.name === 'changes');
            const mark = lane.customdata.findIndex(target => target.startsWith('note:'));
            const {xaxis, yaxis9} = e._fullLayout, box = e.getBoundingClientRect();
            const left = xaxis._offset + xaxis.d2p(lane.x[mark]);
            return [box.left + left, box.top + yaxis9._offset + yaxis9.d2p(lane.y[mark])];
        }"""
    )
    page.mouse.click(x, y)
    page.wait_for_url("**/?*note=*")
    settle(page)
    assert asked(page)["window"]
    expect(page.locator(".st-key-panel_notes pre code")).to_have_text(TEXT)
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator(".st-key-panel_notes")).to_have_count(0)
