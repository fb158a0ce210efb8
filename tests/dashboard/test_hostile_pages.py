"""Text from logs reaches the pages as text: nothing in it is loaded, linked or run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stormwatch.status import IngestStatus
from stormwatch.storage import Store

from .conftest import Statements, figures, open_page
from .story import HOSTILE

ADDRESSES = (
    ("overview", {}),
    ("storms", {"loop": HOSTILE, "moment": HOSTILE}),
    ("ordering", {"pair": f"o-2 {HOSTILE}", "list": "Duplicates"}),
    ("ordering", {"cell": f"billing {HOSTILE}|orders {HOSTILE}|2026-11-20T10:00:00|120"}),
    ("chains", {}),
    ("chains", {"search": HOSTILE}),
    ("chains", {"event": f"p-1 {HOSTILE}"}),
    ("chains", {"event": f"p-1 {HOSTILE}", "view": "time"}),
    ("chains", {"event": f"o-1 {HOSTILE}", "view": "icicle", "within": HOSTILE}),
    ("chains", {"event": HOSTILE}),
    ("deadlocks", {"deadlock": f"d-1 {HOSTILE}"}),
    ("deadlocks", {"look": "Lock order"}),
    ("deadlocks", {"look": "Loops"}),
    ("versions", {}),
    ("ordering", {"service": HOSTILE, "stream": HOSTILE}),
    ("why", {"service": HOSTILE, "stream": HOSTILE, "what": HOSTILE, "box": HOSTILE}),
    ("why", {"box": "2026-11-20T10:00:10/2026-11-20T10:00:40", "least": "2"}),
    ("events", {"at": "1:1200:0"}),
    ("events", {"service": f"billing {HOSTILE}", "at": "1:0:0"}),
    ("events", {"at": "1:1600:0", "lines": HOSTILE}),
    ("sql", {"sql": "SELECT * FROM events", "chart_x": "service"}),
    ("sql", {"sql": f"SELECT '{HOSTILE.replace(chr(39), chr(39) * 2)}' AS \"{HOSTILE}\""}),
    ("sql", {"sql": HOSTILE}),
    ("health", {}),
)
_CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)


def _interpreted(app: Any) -> Iterator[str]:
    """Every text of a page that Streamlit reads as Markdown, outside of code spans."""
    for element in [*app.header, *app.subheader, *app.markdown, *app.caption, *app.warning, *app.error]:
        yield _CODE.sub("", element.value)
    for widget in [*app.button, *app.selectbox, *app.text_input, *app.text_area]:
        yield _CODE.sub("", widget.label)
    for block in app.get("popover"):
        yield block.proto.popover.label + block.proto.popover.help


@pytest.mark.slow
@pytest.mark.parametrize(("page", "address"), ADDRESSES)
def test_no_text_of_a_log_is_interpreted(
    page: str, address: dict[str, str], hostile_store: Store, serve: Callable[..., Statements]
) -> None:
    serve(hostile_store, IngestStatus(state="paused", detail=HOSTILE, directory=HOSTILE))
    app = open_page(page, **address)
    found = [text for text in _interpreted(app) if "evil.example" in text or "<" in text]
    assert found == []
    drawn = [text for figure in figures(app).values() for text in _drawn(figure)]
    assert [text for text in drawn if re.search("<(a|img|script)", text)] == []


def _drawn(value: Any, name: str = "") -> Iterator[str]:
    """All strings of a figure that Plotly draws; customdata and uirevision it only carries."""
    if name in ("customdata", "uirevision"):
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _drawn(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from _drawn(part)


def test_code_spans_are_told_from_what_stands_around_them() -> None:
    assert _CODE.sub("", "a `b` c ``d ` e`` f") == "a  c  f"


def test_address_reaches_the_page(hostile_store: Store, serve: Callable[..., Statements]) -> None:
    """The addresses above must open what they name, or the tests would look at empty pages."""
    serve(hostile_store)
    app = open_page("chains", event=f"p-1 {HOSTILE}")
    assert "has 1 cause and 1 effect" in "".join(element.value for element in app.markdown)
