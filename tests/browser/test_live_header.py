"""The header of a page that nobody touches goes on with its charts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .chromium import SETTLED_MS, chart, open_at
from .conftest import Served

pytestmark = pytest.mark.browser
RATE = "Events per second over time, errors apart"
_SECONDS = "text => text.slice(0, 8).split(':').reduce((sum, part) => sum * 60 + Number(part), 0)"
_ENDS = f"() => ({_SECONDS})(document.querySelector('.st-key-shown_window').innerText.split('–')[1].trim())"
# The axis of the chart ends where the caption says, to the second.
_AGREES = """chart => {
    const said = document.querySelector('.st-key-shown_window').innerText.match(/– (?:\\S+ )?([\\d:]+) UTC/);
    return said && chart._fullLayout.xaxis.range[1].slice(11, 19).startsWith(said[1]);
}"""


@pytest.mark.parametrize("name", ["", "sql"])
def test_window_in_the_header_goes_on(page: Page, served: Served, name: str) -> None:
    open_at(page, served.at(name, refresh="2s"))
    shown = page.locator(".st-key-shown_window")
    for _ in range(3):
        before = shown.inner_text()
        expect(shown).not_to_have_text(before, timeout=SETTLED_MS)
        expect(shown.locator("p")).to_have_count(1)
        assert page.locator(".st-key-freshness").inner_text().count("rejected") == 1


def test_window_in_the_header_is_that_of_the_charts(page: Page, served: Served) -> None:
    open_at(page, served.at(refresh="2s"))
    rate = chart(page, RATE)
    for _ in range(3):
        before = page.locator(".st-key-shown_window").inner_text()
        expect(page.locator(".st-key-shown_window")).not_to_have_text(before, timeout=SETTLED_MS)
        page.wait_for_function(_AGREES, arg=rate.element_handle(), timeout=SETTLED_MS)


def test_later_goes_on_from_the_window_that_is_shown(page: Page, served: Served) -> None:
    open_at(page, served.at(window="15s", refresh="2s"))
    begun = page.evaluate(f"({_ENDS})()")
    # The window moves on by its length or so.
    page.wait_for_function(f"begun => ({_ENDS})() - begun >= 12", arg=begun, timeout=SETTLED_MS)
    # Read when it is pressed: on a busy machine seconds may lie between two calls from here.
    earlier = "document.querySelector('.st-key-earlier button').click()"
    ended = page.evaluate(f"() => {{ const ends = ({_ENDS})(); {earlier}; return ends; }}")
    page.wait_for_url("**window=2**")
    until = page.evaluate(
        f"({_SECONDS})(new URL(location).searchParams.get('window').split('/')[1].slice(11))"
    )
    assert abs(until - (ended - 7.5)) < 6


def test_page_that_stands_still_says_so(page: Page, served: Served) -> None:
    open_at(page, served.at(refresh="2s"))
    page.locator(".st-key-pause button").first.click()
    badge = page.locator(".st-key-freshness")
    expect(badge).to_contain_text("view fixed", timeout=SETTLED_MS)
    before = page.locator(".st-key-shown_window").inner_text()
    page.wait_for_timeout(4_000)
    assert page.locator(".st-key-shown_window").inner_text() == before
    page.locator(".st-key-pause button").first.click()
    expect(badge).not_to_contain_text("view fixed", timeout=SETTLED_MS)
