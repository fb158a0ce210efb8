"""Text from logs in a real browser: it loads nothing, links nowhere and runs nothing."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from . import shop
from .chromium import SETTLED_MS, open_at
from .conftest import Served, Watched

pytestmark = pytest.mark.browser
NAME = f" {shop.HOSTILE}"
ADDRESSES: tuple[tuple[str, dict[str, str], str], ...] = (
    ("", {"window": "1h"}, "Where does order break?"),
    ("storms", {}, "What else announces a storm?"),
    ("ordering", {"pair": "order-2"}, "How did they cross?"),
    ("chains", {"event": f"payment-1{NAME}"}, "has 1 cause and 1 effect"),
    ("chains", {"event": f"payment-1{NAME}", "view": "time"}, "has 1 cause and 1 effect"),
    ("chains", {"event": f"payment-1{NAME}", "view": "icicle"}, "has 1 cause and 1 effect"),
    ("chains", {"search": "payment"}, "Which event?"),
    ("deadlocks", {"deadlock": f"deadlock-1{NAME}"}, "Who waited for whom?"),
    ("deadlocks", {"look": "Loops"}, "Which chains go in circles?"),
    ("versions", {}, "Which writes got lost?"),
    ("why", {"what": "late arrivals", "least": "2"}, "What differs?"),
    ("why", {"service": NAME, "stream": NAME, "what": "duplicates"}, "What differs?"),
    ("events", {"service": f"shipping{NAME}"}, "1 record"),
    ("events", {"at": "1:0:0"}, "What stands around it in the file?"),
    ("events", {"at": "2:0:0"}, "What stands around it in the file?"),
    ("sql", {"sql": "SELECT * FROM events WHERE service LIKE 'shipping%'"}, "1 row in"),
    ("sql", {"sql": NAME}, "This cannot be answered"),
    ("health", {}, "Where did every byte go?"),
)
# A link to a page of our own may name an event, whatever the event is called.
_FOREIGN = """() => [...document.querySelectorAll("[href], [src]")]
    .map((element) => new URL(element.getAttribute("href") ?? element.getAttribute("src"), location))
    .filter((url) => !["data:", "blob:"].includes(url.protocol) && url.origin !== location.origin)
    .map(String)"""


@pytest.mark.parametrize(("name", "query", "shown"), ADDRESSES)
def test_hostile_text_is_only_text(
    watched: Watched, hostile: Served, name: str, query: dict[str, str], shown: str
) -> None:
    page = watched.page
    open_at(page, hostile.at(name, **{key: quote(value) for key, value in query.items()}))
    expect(page.get_by_text(shown).first).to_be_visible(timeout=SETTLED_MS)
    for drawn in page.locator("[data-live-plotly]").all():
        drawn.hover(force=True)  # hover texts are drawn only now
    page.wait_for_timeout(300)
    assert watched.foreign == []
    assert page.evaluate("() => window.__ran ?? null") is None
    assert page.evaluate(_FOREIGN) == []


@pytest.mark.parametrize("name", ["events", "sql"])
def test_no_table_writes_csv_in_which_text_is_a_formula(watched: Watched, hostile: Served, name: str) -> None:
    page = watched.page
    open_at(page, hostile.at(name, sql=quote("FROM event_records()")))
    page.get_by_test_id("stDataFrame").last.hover()
    tools = page.get_by_test_id("stElementToolbar").last
    expect(tools.get_by_role("button", name="Fullscreen")).to_be_visible()
    expect(tools.get_by_role("button", name="Download as CSV")).to_have_count(0)
