"""Journeys through the dashboard of a running process, whose log grows meanwhile."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from .chromium import SETTLED_MS, asked, chart, drag, open_at, resting_plot, settle
from .conftest import Served

pytestmark = pytest.mark.browser
RATE = "Events stored per second"
HOTSPOTS = "Heat map of arrivals out of order by consumer, stream and time"
CROSSING = "Two messages that changed places, from senders to receivers over time"
ICICLE = "Icicle of what the picked event caused"
CHAIN = "Causes and effects of the picked event"


def _wait_for(page: Page, what: str, element: Locator, argument: Any = None) -> None:
    """Until the JavaScript function `what` of (element, argument) is true."""
    handle = element.element_handle()
    page.wait_for_function(
        f"([element, argument]) => ({what})(element, argument)", arg=[handle, argument], timeout=SETTLED_MS
    )


def _drawn(element: Locator) -> str:
    """What the chart shows: changes with the data."""
    return str(element.evaluate("e => JSON.stringify(e.data.map(t => [t.x, t.y, t.z]))"))


def _wait_for_refreshes(page: Page, element: Locator, count: int) -> None:
    """Until the data of a chart has changed so many times."""
    for _ in range(count):
        before = _drawn(element)
        changed = "(e, before) => JSON.stringify(e.data.map(t => [t.x, t.y, t.z])) !== before"
        _wait_for(page, changed, element, before)


def _hours(element: Locator) -> float:
    """Length of the time that a chart shows."""
    since, until = element.evaluate(
        "e => e._fullLayout.xaxis.range.map(at => Date.parse(at.replace(' ', 'T')))"
    )
    return float(until - since) / 3_600_000


def _place_of(element: Locator, row: int, start: str) -> tuple[float, float]:
    """Where on the screen the cell of a heat map is that begins at an instant."""
    x, y = element.evaluate(
        """(e, [row, start]) => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis} = e._fullLayout;
            const column = e.data[0].customdata[row].findIndex(cell => cell && cell[2] === start);
            const at = xaxis.d2p(e.data[0].x[column]);
            return [box.left + xaxis._offset + at, box.top + yaxis._offset + yaxis.d2p(row)];
        }""",
        [row, start],
    )
    return x, y


def test_refresh_keeps_the_node_and_the_zoom_of_a_chart(page: Page, served: Served) -> None:
    open_at(page, served.at("health", refresh="2s"))
    rate = chart(page, RATE)
    rate.evaluate("e => { e.__mine = true; }")
    drag(page, rate, 0.5, 0.9)
    zoomed = rate.evaluate("e => e._fullLayout.xaxis.range")
    assert 0.3 < _hours(rate) < 0.5
    _wait_for_refreshes(page, rate, 10)
    assert rate.evaluate("e => e.__mine") is True
    assert rate.evaluate("e => e._fullLayout.xaxis.range") == zoomed


def test_refresh_waits_for_a_hand_that_drags(page: Page, served: Served) -> None:
    open_at(page, served.at("health", refresh="2s"))
    rate = chart(page, RATE)
    plot = resting_plot(page, rate)
    middle = plot["y"] + plot["height"] / 2
    page.mouse.move(plot["x"] + plot["width"] * 0.2, middle)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.4, middle, steps=4)
    held = _drawn(rate)
    page.wait_for_timeout(4500)  # two refreshes go by
    assert _drawn(rate) == held
    page.mouse.move(plot["x"] + plot["width"] * 0.9, middle, steps=4)
    page.mouse.up()
    assert 0.6 < _hours(rate) < 0.8
    changed = "(e, held) => JSON.stringify(e.data.map(t => [t.x, t.y, t.z])) !== held"
    _wait_for(page, changed, rate, held)


def test_heat_map_cell_leads_to_its_pairs(page: Page, served: Served) -> None:
    window = f"{served.start:%Y-%m-%dT%H:%M:%S}/{served.start:%Y-%m-%dT%H}:{served.start.minute:02}:59"
    open_at(page, served.at("ordering", window=window))
    hotspots = chart(page, HOTSPOTS)
    page.mouse.click(*_place_of(hotspots, 0, f"{served.start:%Y-%m-%dT%H:%M}:16"))
    page.wait_for_url("**cell=**")
    assert asked(page)["cell"] == f"billing|orders|{served.start:%Y-%m-%dT%H:%M}:16|1"
    expect(page.get_by_text(f"from {served.start:%Y-%m-%d %H:%M}:16 UTC for 1 s")).to_be_visible()
    pairs = page.get_by_test_id("stDataFrame").first
    assert "order.placed" in pairs.locator("table").inner_text()
    row = pairs.locator("tbody tr").first.locator("td").all_inner_texts()
    assert row[4:9] == ["2", "billing-1", "order.placed", "3", "billing-1"]
    assert hotspots.evaluate("e => e.layout.shapes.length") == 1
    pairs.scroll_into_view_if_needed()
    box = pairs.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    page.wait_for_timeout(500)  # a grid wants to see the hand coming before it clicks
    page.mouse.click(box["x"] + 200, box["y"] + 50)
    page.wait_for_url("**pair=order-2**")
    settle(page)
    crossing = chart(page, CROSSING)
    expect(page.get_by_text("Number 2")).to_be_visible()
    assert crossing.evaluate("e => e.layout.yaxis.ticktext") == ["shop-1", "billing-1"]
    late, overtaking = _ways(crossing, "late"), _ways(crossing, "overtaking")
    assert late["from"][0] < overtaking["from"][0]
    assert overtaking["to"][0] < late["to"][0]
    for end in ("from", "to"):  # arrows end a little before their marks
        assert late[end][1] == pytest.approx(overtaking[end][1], abs=3)
    assert late["from"][1] + 20 < late["to"][1]
    assert {late["colour"], overtaking["colour"]} == {"rgb(224, 96, 44)", "rgb(74, 151, 210)"}


def _ways(crossing: Locator, role: str) -> dict[str, Any]:
    """Where on the screen the arrow of a message is drawn, from its sender to its receiver, and how."""
    drawn: dict[str, Any] = crossing.evaluate(
        """(e, role) => {
            const number = e.data.findIndex(trace => trace.name === `way of ${role}`);
            const line = e.querySelectorAll(".scatterlayer .trace")[number].querySelector("path.js-line");
            const box = line.getBoundingClientRect();
            return {from: [box.left, box.top], to: [box.right, box.bottom], colour: line.style.stroke};
        }""",
        role,
    )
    return drawn


def test_cell_of_the_icicle_leads_down_and_its_cause_back_up(page: Page, served: Served) -> None:
    open_at(page, served.at("chains", event="order-1", view="icicle", refresh="off"))
    assert _cells(chart(page, ICICLE)) == {"order-1": 0, "payment-1": 1, "shipment-1": 2}
    page.mouse.click(*_middle_of(chart(page, ICICLE), "payment-1"))
    page.wait_for_url("**event=payment-1**", timeout=SETTLED_MS)
    expect(page.get_by_text("has 1 cause and 1 effect in 3 services")).to_be_visible(timeout=SETTLED_MS)
    settle(page)
    assert _cells(chart(page, ICICLE)) == {"order-1": 0, "payment-1": 1, "shipment-1": 2}
    assert asked(page)["view"] == "icicle"
    page.mouse.click(*_middle_of(chart(page, ICICLE), "order-1"))
    page.wait_for_url("**event=order-1**", timeout=SETTLED_MS)


def test_click_collapses_what_an_event_caused_and_another_brings_it_back(page: Page, served: Served) -> None:
    address = served.at("chains", event="order-1", view="icicle", click="collapse", refresh="off")
    open_at(page, address)
    page.mouse.click(*_middle_of(chart(page, ICICLE), "payment-1"))
    page.wait_for_url("**collapsed=payment-1**")
    settle(page)
    assert _cells(chart(page, ICICLE)) == {"order-1": 0, "payment-1": 1}
    expect(chart(page, ICICLE).get_by_text("+1")).to_be_visible()
    page.mouse.click(*_middle_of(chart(page, ICICLE), "payment-1"))
    page.wait_for_function("() => !location.search.includes('collapsed')", timeout=SETTLED_MS)
    settle(page)
    assert _cells(chart(page, ICICLE)) == {"order-1": 0, "payment-1": 1, "shipment-1": 2}


def _cells(icicle: Locator) -> dict[str, int]:
    """Event -> row of its cell."""
    drawn: dict[str, int] = icicle.evaluate(
        "e => Object.fromEntries(e.data.flatMap(t => t.customdata.map((event, at) => [event, t.y[at]])))"
    )
    return drawn


def _middle_of(icicle: Locator, event: str) -> tuple[float, float]:
    icicle.scroll_into_view_if_needed()
    x, y = icicle.evaluate(
        """(e, event) => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis} = e._fullLayout;
            const trace = e.data.find(t => t.customdata.includes(event));
            const at = trace.customdata.indexOf(event);
            return [box.left + xaxis._offset + xaxis.d2p(trace.base[at] + trace.x[at] / 2),
                    box.top + yaxis._offset + yaxis.d2p(trace.y[at])];
        }""",
        event,
    )
    return x, y


def test_cell_stays_picked_while_the_page_is_live(page: Page, served: Served) -> None:
    cell = f"billing|orders|{served.start:%Y-%m-%dT%H:%M}:16|1"
    open_at(page, served.at("ordering", refresh="2s", cell=quote(cell)))
    hotspots = chart(page, HOTSPOTS)
    hotspots.evaluate("e => { e.__mine = true; }")
    shown = page.get_by_text("to", exact=False).first
    expect(shown).to_be_visible()
    page.wait_for_timeout(5000)  # two refreshes go by
    assert hotspots.evaluate("e => e.__mine") is True
    assert asked(page)["cell"] == cell
    expect(page.get_by_text(f"from {served.start:%Y-%m-%d %H:%M}:16 UTC for 1 s")).to_be_visible()


def test_search_leads_to_chain_and_raw_line(page: Page, served: Served) -> None:
    open_at(page, served.at("chains"))
    page.get_by_placeholder("Event id, type").fill("payment-1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("has 1 cause and 1 effect in 3 services")).to_be_visible(timeout=SETTLED_MS)
    assert asked(page)["search"] == "payment-1"
    settle(page)
    named = chart(page, CHAIN).evaluate("e => e.data.flatMap(t => t.customdata ?? [])")
    assert sorted(named) == ["order-1", "payment-1", "shipment-1"]
    lines = [line for line in page.get_by_test_id("stCode").all_inner_texts() if '"id"' in line]
    assert json.loads(lines[0])["causation_id"] == "order-1"


def test_click_on_an_event_of_the_chain_picks_it(page: Page, served: Served) -> None:
    open_at(page, served.at("chains", event="payment-1"))
    tree = chart(page, CHAIN)
    x, y = tree.evaluate(
        """e => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis} = e._fullLayout;
            const trace = e.data.find(t => t.customdata?.includes("shipment-1"));
            return [box.left + xaxis._offset + xaxis.d2p(trace.x[0]),
                    box.top + yaxis._offset + yaxis.d2p(trace.y[0])];
        }"""
    )
    page.mouse.click(x, y)
    page.wait_for_url("**event=shipment-1**")
    expect(page.get_by_text("has 2 causes and 0 effects")).to_be_visible(timeout=SETTLED_MS)


def test_row_of_the_overview_leads_to_its_chain(page: Page, served: Served) -> None:
    open_at(page, served.at(window="1h"))
    largest = page.locator(".st-key-panel_chains").get_by_test_id("stDataFrame")
    largest.scroll_into_view_if_needed()
    box = largest.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 60, box["y"] + 50)
    page.wait_for_url("**/chains?**window=1h**")  # the controls write themselves there after arriving
    assert asked(page) == {"event": "order-1", "window": "1h"}


def test_tile_leads_to_its_page_and_keeps_the_window(page: Page, served: Served) -> None:
    open_at(page, served.at(window="6h"))
    tile = page.locator(".st-key-tile_overview_deadlocks")
    expect(tile.get_by_text("1", exact=True)).to_be_visible()
    tile.click()  # in its middle: far from the words of the link
    page.wait_for_url("**/deadlocks?**")
    assert asked(page)["window"] == "6h"


def test_navigation_keeps_the_window(page: Page, served: Served) -> None:
    open_at(page, served.at("ordering", window="6h"))
    page.get_by_role("link", name="Events").click()
    page.wait_for_url("**/events**")
    settle(page)
    assert asked(page)["window"] == "6h"


def test_sql_page_answers_and_refuses_to_delete(page: Page, served: Served) -> None:
    open_at(page, served.at("sql"))
    editor = page.get_by_placeholder("SELECT ...")
    editor.fill("SELECT count(*) AS orders FROM events WHERE event_id LIKE 'order-%'")
    page.get_by_role("button", name=re.compile("^Run")).click()
    expect(page.get_by_text("1 row in")).to_be_visible(timeout=SETTLED_MS)
    expect(page.get_by_test_id("stDataFrame").last.locator("tbody td").first).to_have_text("12")
    editor.fill("DELETE FROM observations")
    page.get_by_role("button", name=re.compile("^Run")).click()
    expect(page.get_by_text("DELETE statements are refused, only reading is allowed")).to_be_visible(
        timeout=SETTLED_MS
    )
    editor.fill("WITH gone AS (DELETE FROM observations RETURNING 1) SELECT count(*) FROM gone")
    page.get_by_role("button", name=re.compile("^Run")).click()
    expect(page.get_by_text("read-only mode")).to_be_visible(timeout=SETTLED_MS)


def test_question_that_takes_too_long_is_stopped_by_hand(page: Page, served: Served) -> None:
    endless = "SELECT sum(a.range * b.range) FROM range(1000000000) AS a, range(1000000000) AS b"
    page.goto(served.at("sql", sql=quote(endless)))
    expect(page.get_by_text(re.compile(r"Being worked out for \d+ s"))).to_be_visible(timeout=SETTLED_MS)
    page.locator(".st-key-stop button").click()
    expect(page.get_by_text("Stopped before there was an answer")).to_be_visible(timeout=SETTLED_MS)
    settle(page)
    expect(page.locator(".st-key-stop")).to_have_count(0)
    page.get_by_placeholder("SELECT ...").fill("SELECT 7 AS seven")
    page.get_by_role("button", name=re.compile("^Run")).click()
    expect(page.get_by_text("1 row in")).to_be_visible(timeout=SETTLED_MS)


def test_deep_link_restores_window_and_filters(page: Page, served: Served) -> None:
    window = f"{served.start:%Y-%m-%dT%H:%M:%S}/{served.start:%Y-%m-%dT%H}:{served.start.minute:02}:59"
    address = served.at("events", window=quote(window), service="billing", operation="receive")
    for _ in range(2):  # the link, and a reload of what it became
        open_at(page, address)
        expect(page.get_by_text("6 records")).to_be_visible(timeout=SETTLED_MS)
        expect(page.get_by_text(f"{served.start:%Y-%m-%d %H:%M:%S} – ")).to_be_visible()
        assert page.get_by_role("combobox", name="Service").input_value() == "billing"
        assert asked(page) == {"window": window, "service": "billing", "operation": "receive"}
        address = page.url


def test_dragging_over_the_rate_makes_its_range_the_window(page: Page, served: Served) -> None:
    open_at(page, served.at(refresh="2s"))
    drag(page, chart(page, "Events per second over time, errors apart"), 0.25, 0.75)
    page.wait_for_url("**window=**")
    since, until = asked(page)["window"].split("/")
    assert since < until
    settle(page)
    page.locator(".st-key-unzoom button").first.click()
    page.wait_for_function("() => !location.search.includes('window=2')", timeout=SETTLED_MS)


def test_picked_record_stays_picked_as_the_list_moves(page: Page, served: Served) -> None:
    open_at(page, served.at("events", refresh="2s"))
    for _ in range(10):
        before, after = _picked_until_it_moves(page)
        if after is not None:
            break
    # So many may have come at once that it is out of sight: then another one is picked.
    assert before
    assert after
    assert after[1] == before[1]
    assert after[0] > before[0]


def _picked_until_it_moves(page: Page) -> tuple[tuple[int, str] | None, tuple[int, str] | None]:
    """Number and text of a record's row when it was picked and when others had come on top of it."""
    before_it = page.url
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 100, box["y"] + 90)
    page.wait_for_function("url => location.href !== url", arg=before_it)
    settle(page)
    picked = asked(page)["at"]
    before = after = _marked(page)
    for _ in range(100):
        if after != before or after is None:
            break
        page.wait_for_timeout(200)
        after = _marked(page)
    assert asked(page)["at"] == picked
    return before, after


def _marked(page: Page) -> tuple[int, str] | None:
    """Number and text of the row that carries the mark; None while it is out of sight."""
    rows = page.get_by_test_id("stDataFrame").first.locator("tbody tr").all_inner_texts()
    found = [(number, text) for number, text in enumerate(rows) if "●" in text]
    assert len(found) <= 1
    return found[0] if found else None


def test_charts_follow_a_change_of_the_theme(page: Page, served: Served) -> None:
    open_at(page, served.at())
    rate = chart(page, "Events per second over time, errors apart")
    rate.evaluate("e => { e.__mine = true; }")
    light = rate.evaluate("e => e._fullLayout.font.color")
    page.emulate_media(color_scheme="dark")
    _wait_for(page, "(e, light) => e._fullLayout.font.color !== light", rate, light)
    assert rate.evaluate("e => e.__mine") is True


def test_show_sql_gives_the_call_that_was_made(page: Page, served: Served) -> None:
    open_at(page, served.at(window="1h", refresh="off"))
    page.locator(".st-key-head_rate").get_by_role("button").nth(1).click()
    call = page.get_by_test_id("stCode").filter(has_text="FROM event_rate(").first
    expect(call).to_be_visible(timeout=SETTLED_MS)
    page.get_by_role("link", name="Open in SQL page").click()
    page.wait_for_url("**/sql?**")
    expect(page.get_by_text(re.compile(r"\d+ rows? in"))).to_be_visible(timeout=SETTLED_MS)


def test_process_of_the_pages_answers_health_and_metrics(page: Page, served: Served) -> None:
    open_at(page, served.at())
    answers = page.evaluate(
        "async () => [await (await fetch('/healthz')).text(), await (await fetch('/metrics')).text()]"
    )
    assert json.loads(answers[0])["state"] in ("idle", "reading")
    assert re.search(r"^stormwatch_\w+ \d", answers[1], re.MULTILINE)


@pytest.mark.parametrize("width", [480, 1600])
@pytest.mark.parametrize(
    "name", ["", "storms", "ordering", "chains", "deadlocks", "versions", "why", "events", "sql", "health"]
)
def test_no_page_is_wider_than_its_window(page: Page, served: Served, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_at(page, served.at(name))
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth") <= width
    for drawn in page.locator("[data-live-plotly]").all():
        box = drawn.locator("..").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
