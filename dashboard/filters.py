"""Filters of a page: by text, service, stream, type, operation; in the address, and kept from page to page.

What stands above a picture is true of it, or the picture says of what it is not: `say_beyond`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import streamlit as st
from streamlit.errors import StreamlitAPIException

from dashboard import data, pages
from dashboard.window import Window
from stormwatch.errors import QueryError

Chosen = Mapping[str, str | None]
"""Field -> what is picked; what `draw` gives."""

LABELS: Final = {"service": "Service", "stream": "Stream", "event_type": "Type", "operation": "Operation"}
"""Field -> label; the field is the key in the address too."""
_SEARCH_KEY: Final = "search"
_FIND_KEY: Final = "find"
_LAST: Final = "_last_"
"""Before the key of a box: on which page it was drawn last, and what it held."""


def draw(version: int, shown: Window, *fields: str) -> dict[str, str | None]:
    """Boxes to pick from, or to type into, for the row of a page; field -> what is picked.

    Nothing waits for what there is to pick from: until that is known they can be typed into.
    """
    try:
        facets = data.load("event_facets", version, **shown.near.scope).rows
    except QueryError:
        facets = []
    picked = {}
    for field in fields:
        _take_along(field)
        picked[field] = st.selectbox(
            LABELS[field], [row["value"] for row in facets if row["field"] == field],
            index=None, key=field, bind="query-params", placeholder=LABELS[field],
            accept_new_options=True, label_visibility="collapsed", width=180, persist_state="session",
        )  # fmt: skip
        _note(field, picked[field])
    return picked


def _note(key: str, held: str | None) -> None:
    st.session_state[_LAST + key] = (pages.current(), held)


def _take_along(key: str) -> None:
    """Have a box hold what it held on the last page.

    Streamlit sees to that only once the page before was drawn twice with it: not where a link with a filter
    is opened and left at once.
    """
    page, held = st.session_state.get(_LAST + key, (None, None))
    if held and page != pages.current() and key not in st.query_params:
        try:
            st.query_params[key] = held
        except StreamlitAPIException:  # the box is known still: Streamlit sees to it
            return
        st.session_state[key] = held


def search(placeholder: str, *, width: int = 260, on_change: Callable[[], None] | None = None) -> str | None:
    """A box for a text to search for; None without one."""
    _take_along(_SEARCH_KEY)
    typed = st.text_input(
        "Search", key=_SEARCH_KEY, bind="query-params", type="search", icon=":material/search:",
        placeholder=placeholder, label_visibility="collapsed", width=width, persist_state="session",
        on_change=on_change,
    )  # fmt: skip
    _note(_SEARCH_KEY, typed)
    return (typed or "").strip() or None


def find(placeholder: str) -> None:
    """A box for a text; what is typed leads to the records that hold it, on the page Events."""

    def typed() -> None:
        _put(_SEARCH_KEY, st.session_state[_FIND_KEY])
        pages.go("events")

    st.text_input(
        "Find", key=_FIND_KEY, type="search", icon=":material/search:", placeholder=placeholder,
        label_visibility="collapsed", width=260, on_change=typed,
    )  # fmt: skip


def beyond(chosen: Chosen, *fields: str) -> str:
    """Which of the picked filters do not narrow what has these fields only; empty where all do."""
    others = [LABELS[field].lower() for field, value in chosen.items() if value and field not in fields]
    return f"of every {' and '.join(others)}" if others else ""


def say_beyond(chosen: Chosen, *fields: str) -> None:
    """The same in a line on a panel."""
    said = beyond(chosen, *fields)
    if said:
        st.caption(f":material/filter_alt_off: {said.capitalize()}: the filter does not narrow this")


def arguments(chosen: Chosen, *fields: str) -> dict[str, str]:
    """What is picked of these fields, as parameters of relations: of_service, of_stream, of_type."""
    return {f"of_{field.removeprefix('event_')}": value for field in fields if (value := chosen.get(field))}


def holding(rows: Iterable[dict[str, Any]], text: str | None, *names: str) -> list[dict[str, Any]]:
    """The rows with the text in one of these columns, in any case; all without a text."""
    wanted = (text or "").lower()
    return [row for row in rows if any(wanted in str(row[name] or "").lower() for name in names)]


def pick(**values: str | None) -> None:
    """Pick these and nothing else; for callbacks that go to another page.

    What is bound to a widget cannot be named in the address of another page, but is kept for it.
    """
    for field in LABELS:
        _put(field, values.get(field))
    _put(_SEARCH_KEY, values.get(_SEARCH_KEY) or "")


def _put(key: str, held: str | None) -> None:
    st.session_state[key] = held
    _note(key, held)
