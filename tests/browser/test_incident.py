"""The ways people go in an incident: from an alert to the line of the log, from a question to others."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.pages import PAGES
from stormwatch.resources import SAMPLE_LOGS
from tests.cli.harness import Processes

from .chromium import SETTLED_MS, asked, chart, open_at, settle

pytestmark = pytest.mark.browser
LOOP = "The types of the loop, and how many effects one cause has"
ASKED = """SELECT date_trunc('minute', occurred_at) AS minute, count(*) AS events
FROM events GROUP BY minute ORDER BY minute"""


@pytest.fixture(scope="module")
def alerting(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the dashboard over the storm, in whose five minutes 175 minutes of the rules pass."""
    assert browser.is_connected()
    directory: Path = tmp_path_factory.mktemp("alerting")
    (directory / "alerts.toml").write_text('minute = "2 seconds"\n', encoding="utf-8")
    processes = Processes(directory / "storm.duckdb")
    logs = SAMPLE_LOGS / "storm" / "logs"
    running = processes("up", logs, "--db", processes.database, "--port", 0, "--no-browser")
    try:
        yield running.url
    finally:
        running.stop()


def _episode(address: str) -> int:
    """The alert of the loop, which comes some seconds after the log."""
    given_up = time.monotonic() + 120
    while time.monotonic() < given_up:
        with urlopen(f"{address}/api/queries/alerts") as answer:  # noqa: S310 - a server of ours
            rows = json.load(answer)["rows"]
        found = next((int(row["episode_id"]) for row in rows if row["rule"] == "storm_ahead"), None)
        if found is not None:
            return found
        time.sleep(1)
    raise AssertionError("no alert in two minutes")


def test_alert_leads_to_its_loop_to_a_chain_and_to_the_line_in_the_log(page: Page, alerting: str) -> None:
    open_at(page, f"{alerting}/alerts?refresh=off&episode={_episode(alerting)}")
    expect(page.get_by_text("Strongest edges")).to_be_visible()
    page.get_by_role("link", name="See its window").click()
    page.wait_for_url("**/storms?**window=**")
    settle(page)
    loop = chart(page, LOOP)
    loop.scroll_into_view_if_needed()
    expect(page.get_by_text("What makes it so strong?")).to_be_visible()
    x, y, first = loop.evaluate(
        """e => {
            const box = e.getBoundingClientRect(), {xaxis, yaxis} = e._fullLayout;
            const arrow = e.data.find(trace => trace.customdata?.some(one => typeof one === "string"));
            const at = Math.floor(arrow.x.length / 2);
            return [box.left + xaxis._offset + xaxis.d2p(arrow.x[at]),
                    box.top + yaxis._offset + yaxis.d2p(arrow.y[at]), arrow.customdata[at]];
        }"""
    )
    page.mouse.click(x, y)
    page.wait_for_url("**/chains?**event=**")
    settle(page)
    assert asked(page)["event"] == first
    expect(page.get_by_text("The line in the log")).to_be_visible(timeout=SETTLED_MS)
    lines = page.get_by_test_id("stCode").all_inner_texts()
    logged = {
        line
        for path in (SAMPLE_LOGS / "storm" / "logs").rglob("*")
        if path.is_file()
        for line in path.read_text(encoding="utf-8").splitlines()
        if first in line
    }
    assert any(line.strip() in logged for line in lines), lines


_DRAWN = """(kind) => {
    const drawn = document.querySelector('[data-live-plotly][aria-label^="Chart of the answer"]')?.data?.[0];
    return drawn && (!kind || drawn.type === kind) ? [drawn.type, drawn.mode ?? '', [...drawn.y]] : null;
}"""


def _chart_of_answer(page: Page, kind: str = "") -> list[object]:
    """What kind of chart it is, and its heights, once one of this kind is drawn."""
    expect(chart(page, "Chart of the answer")).to_be_visible(timeout=SETTLED_MS)
    settle(page)
    shown: list[object] = page.wait_for_function(_DRAWN, arg=kind, timeout=SETTLED_MS).json_value()
    return shown


def test_question_its_chart_and_its_link_in_another_browser(page: Page, storm: str, browser: Browser) -> None:
    open_at(page, f"{storm}/sql?refresh=off")
    page.get_by_placeholder("SELECT ...").fill(ASKED)
    page.get_by_role("button", name=re.compile("^Run")).click()
    _chart_of_answer(page)
    page.locator(".st-key-panel_quick").get_by_text("line", exact=True).click()
    page.wait_for_url("**chart_kind=line**")
    settle(page)
    kind, mode, heights = _chart_of_answer(page, "scatter")
    assert (kind, "lines" in str(mode)) == ("scatter", True)
    assert isinstance(heights, list)
    assert sum(heights) > 1000
    assert asked(page)["sql"] == ASKED
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, color_scheme="light")
    try:
        other = context.new_page()
        open_at(other, page.url)
        assert other.get_by_placeholder("SELECT ...").input_value() == ASKED
        assert _chart_of_answer(other) == [kind, mode, heights]
        ours, theirs = (one.locator(".st-key-panel_result tbody tr") for one in (page, other))
        expect(ours).not_to_have_count(0, timeout=SETTLED_MS)
        expect(theirs).to_have_text(ours.all_inner_texts(), timeout=SETTLED_MS)
    finally:
        context.close()


@pytest.fixture(scope="module")
def empty(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the dashboard over a directory with nothing in it."""
    assert browser.is_connected()
    directory: Path = tmp_path_factory.mktemp("empty")
    (directory / "logs").mkdir()
    processes = Processes(directory / "empty.duckdb")
    running = processes("up", directory / "logs", "--db", processes.database, "--port", 0, "--no-browser")
    try:
        yield running.url
    finally:
        running.stop()


@pytest.mark.parametrize("name", [name for name, _, _ in PAGES])
def test_every_page_of_an_empty_database_says_what_it_waits_for(page: Page, empty: str, name: str) -> None:
    open_at(page, f"{empty}/{'' if name == 'overview' else name}")
    expect(page.get_by_text("no events yet").first).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
    assert page.get_by_text("could not be").count() == 0
