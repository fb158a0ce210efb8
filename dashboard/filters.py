"""Filters of a page: by service, stream, type and operation; in the address, and kept from page to page.

A page draws those that all it shows can be filtered by: what stands above a picture is true of it.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboard import data
from dashboard.window import Window

_LABELS: Final = {"service": "Service", "stream": "Stream", "event_type": "Type", "operation": "Operation"}
"""Field -> label; the field is the key in the address too."""


def draw(version: int, shown: Window, *fields: str) -> dict[str, str | None]:
    """Boxes to pick from, or to type into, for the row of a page; field -> what is picked."""
    facets = data.load("event_facets", version, **shown.scope).rows
    return {
        field: st.selectbox(
            _LABELS[field], [row["value"] for row in facets if row["field"] == field],
            index=None, key=field, bind="query-params", placeholder=_LABELS[field],
            accept_new_options=True, label_visibility="collapsed", width=180, persist_state="session",
        )
        for field in fields
    }  # fmt: skip


def pick(**values: str | None) -> None:
    """Pick these and nothing else; for callbacks that go to another page.

    What is bound to a widget cannot be named in the address of another page, but is kept for it.
    """
    for field in _LABELS:
        st.session_state[field] = values.get(field)
