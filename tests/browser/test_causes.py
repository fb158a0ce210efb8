"""From what is seen to what caused it: the sample logs in a real browser."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import truth

from .chromium import SETTLED_MS, asked, chart, drag, open_at, resting_plot, settle

pytestmark = pytest.mark.browser
RATE = "Events per second over time, errors apart"
HOTSPOTS = "Heat map of arrivals out of order by consumer, stream and time"
CHANGE = "ordering ordered -> unordered (config) at 2026-03-02 09:01:00"


def _explained_first(page: Page) -> None:
    """The first explanation on the page Why is the change that was planted."""
    expect(page.get_by_text("What differs?")).to_be_visible(timeout=SETTLED_MS)
    settle(page)
    first = page.locator(".st-key-panel_ranking li").first
    expect(first).to_contain_text(CHANGE)
    expect(page.locator(".st-key-panel_changes table")).to_contain_text("ordering ordered -> unordered")


def test_box_over_the_time_chart_ranks_the_planted_cause_first(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/?drag=explain&refresh=off")
    drag(page, chart(page, RATE), 0.52, 0.72)
    page.wait_for_url("**/why?**box=**")
    settle(page)
    since, until = (datetime.fromisoformat(edge) for edge in asked(page)["box"].split("/"))
    assert datetime(2026, 3, 2, 9, 2, 50) < since < until < datetime(2026, 3, 2, 9, 4, 30)  # noqa: DTZ001 - naive UTC as stored
    assert asked(page).get("what", "records") == "records"
    assert asked(page)["window"].startswith("2026-03-02T09:00:00")
    _explained_first(page)


def test_link_to_an_explanation_gives_the_same_in_another_browser(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/why?refresh=off&box=2026-03-02T09:03:00/2026-03-02T09:05:00")
    _explained_first(page)


def test_link_that_is_copied_is_the_address(page: Page, storm: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_at(page, f"{storm}/versions?refresh=off&window=1h")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_keys_move_the_window_but_not_while_somebody_types(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/events?refresh=2s&window=2026-03-02T09:01:00/2026-03-02T09:03:00")
    page.get_by_placeholder("Id, message, key").press_sequentially("zoo")
    page.keyboard.press("Escape")
    settle(page)
    assert asked(page)["window"] == "2026-03-02T09:01:00/2026-03-02T09:03:00"
    page.get_by_role("heading", level=2).click()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_url("**window=2026-03-02T09%3A02%3A00.000%2F2026-03-02T09%3A04%3A00.000**")
    settle(page)
    page.keyboard.press("o")
    page.wait_for_url("**window=2026-03-02T09%3A01%3A00.000%2F2026-03-02T09%3A05%3A00.000**")


def test_box_over_the_heat_map_asks_about_its_row(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/ordering?drag=explain&refresh=off")
    hotspots = chart(page, HOTSPOTS)
    plot = resting_plot(page, hotspots)
    row = hotspots.evaluate(
        """e => {
            const names = e.layout.yaxis.ticktext;
            return e._fullLayout.yaxis.d2p(names.findIndex(name => name.startsWith("orders"))) }"""
    )
    page.mouse.move(plot["x"] + plot["width"] * 0.3, plot["y"] + row - 8)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.72, plot["y"] + row + 8, steps=8)
    page.mouse.up()
    page.wait_for_url("**/why?**box=**")
    settle(page)
    # What is picked stands in the address once its widget is drawn.
    page.wait_for_function(
        "() => location.search.includes('service=') && location.search.includes('stream=')",
        timeout=SETTLED_MS,
    )
    picked = asked(page)
    assert (picked["what"], picked["service"], picked["stream"]) == ("late arrivals", "billing", "orders")


def test_explanation_leads_to_the_record_of_the_change(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/why?refresh=off&box=2026-03-02T09:03:00/2026-03-02T09:05:00")
    marks = chart(page, "Values by how many times as likely they make it to be selected")
    x, y = marks.evaluate(
        """e => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis} = e._fullLayout;
            const trace = e.data[0];
            return [box.left + xaxis._offset + xaxis.d2p(trace.x[0]), box.top + yaxis._offset + yaxis.d2p(0)];
        }"""
    )
    page.mouse.click(x, y)
    page.wait_for_url("**/events?**window=**")
    settle(page)
    expect(page.get_by_test_id("stDataFrame").first.locator("tbody")).to_contain_text("config.changed")


def test_mark_in_the_change_lane_leads_to_its_record(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/?refresh=off")
    x, y = chart(page, RATE).evaluate(
        """e => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis9} = e._fullLayout;
            const marks = e.data.find(trace => trace.name === "changes");
            const at = marks.x.findIndex(x => x.startsWith("2026-03-02T09:01:00"));
            return [box.left + xaxis._offset + xaxis.d2p(marks.x[at]),
                    box.top + yaxis9._offset + yaxis9.d2p(marks.y[at])];
        }"""
    )
    page.mouse.click(x, y)
    page.wait_for_url("**/events?**at=**")
    settle(page)
    lines = page.get_by_test_id("stCode").all_inner_texts()
    assert any('"setting":"ordering"' in line for line in lines)


def test_mark_in_the_lane_of_alerts_leads_to_its_alert(page: Page, storm: str) -> None:
    # Alerts come some seconds after the log. The page that is left does not refresh: a part of it that
    # runs again while another page is opened can stop Streamlit's client.
    open_at(page, f"{storm}/?refresh=off")
    rate = chart(page, RATE)
    for _ in range(30):
        if rate.evaluate("e => e.data.some(trace => trace.name === 'alerts')"):
            break
        page.reload()
        settle(page)
    x, y, episode = rate.evaluate(
        """e => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis9} = e._fullLayout;
            const marks = e.data.find(trace => trace.name === "alerts");
            const at = marks.x.length - 1;
            return [box.left + xaxis._offset + xaxis.d2p(marks.x[at]),
                    box.top + yaxis9._offset + yaxis9.d2p(marks.y[at]), marks.customdata[at]];
        }"""
    )
    page.mouse.click(x, y)
    page.wait_for_url(f"**/alerts?*episode={episode.removeprefix('alert:')}*")
    settle(page)
    expect(page.get_by_text("What is behind it?")).to_be_visible()


def test_deadlock_bar_leads_to_its_cycle_and_the_events_that_caused_it(page: Page, deadlocks: str) -> None:
    last = truth("deadlocks")["deadlocks"][-1]
    at = datetime.fromisoformat(last["reported_at"][:-1])
    start = at.replace(minute=at.minute - at.minute % 2, second=0, microsecond=0)
    open_at(page, f"{deadlocks}/deadlocks?refresh=off")
    bars = chart(page, "Deadlocks over time")
    x, y = bars.evaluate(
        """(e, start) => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis} = e._fullLayout;
            const bar = e.data[0].customdata.findIndex(place => place.startsWith(start));
            return [box.left + xaxis._offset + xaxis.d2p(e.data[0].x[bar]),
                    box.top + yaxis._offset + yaxis.d2p(e.data[0].y[bar] / 2)];
        }""",
        start.isoformat(),
    )
    page.mouse.click(x, y)
    page.wait_for_url("**bar=**")
    settle(page)
    until = start + timedelta(minutes=2)
    expect(page.get_by_text(f"Only {start:%Y-%m-%d %H:%M:%S} – {until:%H:%M:%S} UTC")).to_be_visible()
    graph = chart(page, "Wait-for graph of the selected deadlock")
    named = graph.evaluate("e => e.data.flatMap(trace => trace.customdata ?? [])")
    assert sorted(named) == last["members"]
    causes = page.locator(".st-key-panel_causes").get_by_test_id("stDataFrame")
    expect(causes.locator("tbody tr")).to_have_count(len(last["members"]))
    causes.scroll_into_view_if_needed()
    box = causes.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.wait_for_timeout(500)  # a grid wants to see the hand coming before it clicks
    page.mouse.click(box["x"] + 60, box["y"] + 50)
    page.wait_for_url("**/chains?**event=settlement-1**")
    expect(page.get_by_text(re.compile("has 0 causes and .* effects? in"))).to_be_visible(timeout=SETTLED_MS)


def test_loop_leads_to_its_chain(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/deadlocks?refresh=off&look=Loops")
    loops = chart(page, "Causal loops over time")
    x, y = loops.evaluate(
        """e => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis} = e._fullLayout, bars = e.data[0];
            const middle = Date.parse(bars.base[0] + "Z") + bars.x[0] / 2;
            return [box.left + xaxis._offset + xaxis.d2p(middle), box.top + yaxis._offset + yaxis.d2p(0)];
        }"""
    )
    page.mouse.click(x, y)
    page.wait_for_url("**/chains?**event=**")
    settle(page)
    most = max(truth("storm")["loops"], key=lambda loop: loop["visits"])
    named = chart(page, "Causes and effects of the picked event").evaluate(
        "e => e.data.flatMap(trace => trace.customdata ?? [])"
    )
    assert most["root"] in named


def test_chain_of_a_loop_opens_folded_by_its_types(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/storms?refresh=off")
    chains = page.locator(".st-key-panel_loop_chains").get_by_test_id("stDataFrame")
    chains.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # what is above may still grow
    root = chains.locator("tbody tr").first.locator("td").first.inner_text()
    box = chains.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.wait_for_timeout(500)  # a grid wants to see the hand coming before it clicks
    page.mouse.click(box["x"] + 60, box["y"] + 50)
    page.wait_for_url(f"**/chains?**event={root}**")
    expect(page.get_by_text(re.compile("has 0 causes and 106 effects in"))).to_be_visible(timeout=SETTLED_MS)
    settle(page)
    icicle = chart(page, "Icicle of what the picked event caused")
    assert root in icicle.evaluate("e => e.data.flatMap(t => t.customdata)")
    assert asked(page)["looks"] == "folded"
    open_at(page, page.url)  # the link gives the same
    expect(icicle).to_be_visible()
    expect(page.get_by_role("radio", name="types")).to_be_checked()


def test_another_box_is_explained_where_the_first_was(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/why?refresh=off&box=2026-03-02T09:03:00/2026-03-02T09:05:00&least=30")
    drag(page, chart(page, "Records over time, with the selected piece"), 0.2, 0.4)
    page.wait_for_url("**box=2026-03-02T09%3A01**")
    settle(page)
    assert asked(page)["least"] == "30"


def test_bar_of_a_version_leads_to_the_records_of_its_type(page: Page, storm: str) -> None:
    open_at(page, f"{storm}/versions?refresh=off")
    x, y = chart(page, "Versions of each event type over time").evaluate(
        """e => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis} = e._fullLayout;
            const row = e.layout.yaxis.ticktext.indexOf("payment.charged");
            return [box.left + xaxis._offset + xaxis._length / 2, box.top + yaxis._offset + yaxis.d2p(row)];
        }"""
    )
    page.mouse.click(x, y)
    page.wait_for_url("**/events?**event_type=payment.charged**")


def test_cell_of_the_heat_map_leads_to_its_explanation(page: Page, storm: str) -> None:
    cell = "billing%7Corders%7C2026-03-02T09:03:20%7C5"
    open_at(page, f"{storm}/ordering?refresh=off&cell={cell}")
    page.get_by_role("button", name="Why here?").click()
    page.wait_for_url("**/why?**service=billing**")
    settle(page)
    picked = asked(page)
    assert picked["box"] == "2026-03-02T09:03:20.000/2026-03-02T09:03:25.000"
    assert (picked["what"], picked["service"], picked["stream"]) == ("late arrivals", "billing", "orders")
