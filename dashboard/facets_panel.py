"""What there is to filter by, how often, and a click that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import streamlit as st

from dashboard import data, filters, table
from dashboard.panel import panel
from dashboard.window import Window

_ROWS_PX: Final = 178
_VALUE_PX: Final = 150
"""A value that is longer leaves room for its count, which is what the table is for."""
_FEW: Final = 4
"""Values up to which a table is as high as its rows."""


def draw(version: int, shown: Window, chosen: Mapping[str, str | None]) -> None:
    """The panel; `chosen`: what is filtered by already. None while no record names anything."""
    facets = data.load("event_facets", version, **shown.near.scope)
    if not facets.table.num_rows:
        return
    about = (
        "How many records of the window have which value, whatever else is filtered by, the most frequent "
        "first. **Click** a value to see these records alone; the box above the list clears it."
    )
    with panel("facets", "Who logs what?", about, facets):
        for field, label in filters.LABELS.items():
            found = facets.only(field=field)
            if found.table.num_rows:
                _values(field, label, found.rows, chosen.get(field))


def _values(field: str, label: str, rows: list[dict[str, Any]], picked: str | None) -> None:
    values = [row["value"] for row in rows]
    table.picking(
        {"value": values, "event_count": [row["event_count"] for row in rows]},
        {"value": table.text(label.lower(), _VALUE_PX), "event_count": table.number("records", 80)},
        _filter_by(field, values),
        picked=values.index(picked) if picked in values else None,
        key=f"facet_{field}", alt=f"Records by {label.lower()}",
        height=_ROWS_PX if len(values) > _FEW else "auto",
    )  # fmt: skip


def _filter_by(field: str, values: list[str]) -> Callable[[int], None]:
    def clicked(row: int) -> None:
        st.session_state[field] = values[row]

    return clicked
