"""The report: what happened, on one page that loads and runs nothing, whatever the logs say."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from dashboard.report import gather, html, markdown, svg
from dashboard.report.document import Picture, Report, Rows
from stormwatch.client import Local
from stormwatch.errors import ConfigError, QueryError
from stormwatch.storage import Store

from . import story
from .conftest import read_sample

pytestmark = pytest.mark.slow

TIMEOUT_S = 60.0


def _report(store: Store, since: datetime | None = None, until: datetime | None = None) -> Report:
    with store.cursor() as cursor:
        data = Local(cursor)
        shown = gather.window(since, until, gather.coverage(data, TIMEOUT_S))
        return gather.gather(data, shown, timeout_s=TIMEOUT_S)


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    """The report of the story in which a loop feeds on itself."""
    reading = read_sample("storm", tmp_path_factory.mktemp("storm") / "storm.duckdb")
    yield _report(next(reading))
    next(reading, None)


@pytest.fixture(scope="module")
def deadlocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    """The report of the forty minutes after the lock order was given up for the second time."""
    reading = read_sample("deadlocks", tmp_path_factory.mktemp("deadlocks") / "deadlocks.duckdb")
    noon = datetime.fromisoformat("2026-03-02T12:00")
    yield _report(next(reading), noon, noon + timedelta(minutes=40))
    next(reading, None)


def _section(report: Report, title: str) -> str:
    text = markdown.write(report)
    return text[text.index(f"## {title}") :].split("\n## ")[0]


def test_verdict_comes_first_and_the_numbers_after_it(storm: Report) -> None:
    text = markdown.write(storm)
    assert text.index("11.4\u00a0% of arrivals are out of order") < text.index("- Records: **1,159**")
    assert "**A loop fed on itself**" in text
    assert storm.level == "trouble"


def test_timeline_has_the_change_before_the_loop_and_the_crash(storm: Report) -> None:
    told = _section(storm, "What happened when?")
    order = ["config: ordering ordered -> unordered", "loop: watch", "205 messages wait, no memory left"]
    places = [told.index(text) for text in order]
    assert places == sorted(places)


def test_chain_of_most_events_is_drawn_as_a_tree(storm: Report) -> None:
    told = _section(storm, "What set off the most?")
    assert "`orders-api-1.s1.80` | `order.placed` | `107` | `18`" in told
    assert "\norder.placed  09:03:04\n  order.item_added" in told


def test_what_was_different_names_the_planted_change(deadlocks: Report) -> None:
    told = _section(deadlocks, "What was different, and what changed before?")
    assert "1. **after** `lock_order by_name -> as_requested (config) at 2026-03-02 12:00:00 UTC`" in told


def test_deadlocks_of_the_window_are_counted_once(deadlocks: Report) -> None:
    told = _section(deadlocks, "Who waited for whom?")
    assert "13 deadlocks: 13 told and reported." in told
    assert "`ledger-db-1.d1.734`" in told
    assert told.count("`transfer.requested`") == 4


def test_every_section_but_a_silent_one_has_its_sql(storm: Report) -> None:
    calls = [one for section in storm.sections for one in section.evidence]
    assert {"overview", "event_rate", "explain_difference", "causal_loops", "largest_chains"} <= {
        one.relation for one in calls
    }
    [busy] = [one.call for one in calls if one.relation == "event_rate"]
    assert busy.startswith("FROM event_rate(\n    since := TIMESTAMP '2026-03-02 09:00:00")


def test_sql_of_the_report_can_be_run(tmp_path: Path) -> None:
    with story.write(tmp_path / "story.duckdb") as store, store.cursor() as cursor:
        for section in _report(store).sections:
            for one in section.evidence:
                cursor.sql(one.call).fetchall()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


OURS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "dl", "dt", "dd", "section",
    "figure", "svg", "rect", "line", "path", "polyline", "text", "table", "thead", "tbody", "tr", "th", "td",
    "code", "pre", "strong", "em", "details", "summary", "footer",
}  # fmt: skip


def test_hostile_log_adds_no_tag_and_no_attribute(hostile_store: Store) -> None:
    with hostile_store.cursor() as cursor:
        changed = "SELECT * REPLACE ('change' AS operation) FROM observations WHERE operation = 'deadlock'"
        cursor.execute(f"INSERT INTO observations {changed}")
    page = html.write(_report(hostile_store))
    seen = _Tags()
    seen.feed(page)
    assert seen.found <= OURS
    assert not {name for name in seen.attributes if name.startswith("on")} | (
        seen.attributes & {"href", "src", "srcset", "xlink:href", "action"}
    )
    # The text itself is there to be read.
    assert any("<script>window.__ran = true</script>" in text for text in seen.texts)


def test_page_has_no_address_but_the_name_of_svg(storm: Report) -> None:
    page = html.write(storm)
    assert set(re.findall(r"\w+://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page


def test_hostile_log_stays_code_in_markdown(hostile_store: Store) -> None:
    text = markdown.write(_report(hostile_store))
    fenced = re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    spans = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
    assert "evil.example" in text
    assert "evil.example" not in spans.sub("", fenced)


def test_bar_in_a_name_ends_no_cell() -> None:
    section = markdown._part(Rows(["a", "b"], [["x|y", "z"]]))
    assert section.splitlines()[2] == "| `x\\|y` | `z` |"


def test_pictures_are_well_formed_and_stand_in_markdown_as_images(storm: Report) -> None:
    pictures = [part for section in storm.sections for part in section.parts if isinstance(part, Picture)]
    assert len(pictures) == 2
    for picture in pictures:
        ET.fromstring(picture.svg)  # noqa: S314 - our own
    encoded = re.findall(r"base64,([\w+/=]+)\)", markdown.write(storm))
    assert [b64decode(text).decode() for text in encoded] == [picture.svg for picture in pictures]


def test_bars_are_as_high_as_their_values() -> None:
    start, minute = story.START, timedelta(minutes=1)
    drawn = ET.fromstring(  # noqa: S314 - our own
        svg.bars(
            [start, start + minute], minute, [svg.Series("a", "#000", [1.0, 2.0])],
            since=start, until=start + 2 * minute, unit="n",
            marks=[svg.Mark(start + minute, "change", "<b>&")],
        )
    )  # fmt: skip
    space = "{http://www.w3.org/2000/svg}"
    low, high = (float(rect.get("height") or 0) for rect in drawn.iter(f"{space}rect"))
    assert high == pytest.approx(2 * low, abs=0.2)
    assert [title.text for title in drawn.iter(f"{space}title")] == ["<b>&"]


def test_gap_breaks_a_line_in_two() -> None:
    start, minute = story.START, timedelta(minutes=1)
    times = [start + number * minute for number in range(5)]
    drawn = svg.lines(
        times, [svg.Series("a", "#000", [1.0, 2.0, None, 1.0, 1.0])], [(1.0, "storm", "#f00")],
        since=start, until=times[-1] + minute, unit="n",
    )  # fmt: skip
    assert drawn.count("<polyline") == 2
    assert "storm" in drawn


def test_window_that_ends_before_it_starts_is_refused(storm: Report) -> None:
    known = gather.Coverage(storm.since, storm.until)
    with pytest.raises(ConfigError, match="ends before it starts"):
        gather.window(storm.until, storm.since, known)


@pytest.mark.parametrize(
    ("markdown_text", "page"),
    [
        ("**bold** and *soft*", "<strong>bold</strong> and <em>soft</em>"),
        ("`**not**` <i>", "<code>**not**</code> &lt;i&gt;"),
        ("`` a`b ``", "<code>a`b</code>"),
    ],
)
def test_our_markdown_becomes_html(markdown_text: str, page: str) -> None:
    assert html.inline(markdown_text) == page


def test_section_that_cannot_be_asked_leaves_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Local.query

    def refuse(data: Local, name: str, *rest: Any) -> Any:
        if name == "causal_loops":
            raise QueryError("no memory left <b>")
        return asked(data, name, *rest)

    monkeypatch.setattr(Local, "query", refuse)
    page = html.write(_report(store))
    assert "no memory left &lt;b&gt;" in page
    assert "<h2>Mixed versions and lost writes</h2>" in page
