"""Tables: shown as they are, or with rows to pick or to open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import pyarrow as pa
import streamlit as st

from dashboard import formatting, zone

Columns = Mapping[str, Any]
Rows: TypeAlias = "pa.Table | Mapping[str, list[Any]]"
LISTED: Final = 500
"""Rows of a list that a window may make long."""
_ROW_PX: Final = 35
_SECOND: Final = "YYYY-MM-DD HH:mm:ss"


def say_how_many(total: int) -> None:
    """Where a list has more rows than are shown, how many."""
    if total > LISTED:
        st.caption(f"The first {LISTED} of {formatting.count(total)}; zoom in for the others")


def at(label: str = "at", *, to_millisecond: bool = False) -> Any:
    """A column of instants, UTC in the rows and in the zone on the screen, which the label names."""
    return st.column_config.DatetimeColumn(
        f"{label}, {zone.place()}",
        format=f"{_SECOND}.SSS" if to_millisecond else _SECOND,
        width=180 if to_millisecond else 155,
        timezone=None if zone.is_utc() else zone.name(),
    )


def text(label: str | None = None, width: int | str | None = None, **options: Any) -> Any:
    """A column of text."""
    return st.column_config.TextColumn(label, width=width, **options)  # type: ignore[arg-type]


def number(label: str | None = None, width: int | str | None = None) -> Any:
    """A column of amounts, with separators of thousands."""
    return st.column_config.NumberColumn(label, format="localized", width=width)  # type: ignore[arg-type]


def name(label: str | None = None, width: int | str | None = None) -> Any:
    """A column of numbers that are names (a sequence number, an offset): without separators."""
    return st.column_config.NumberColumn(label, format="%d", width=width)  # type: ignore[arg-type]


def share(label: str | None = None, width: int | str | None = None) -> Any:
    """A column of shares from 0 to 1, as percent."""
    return st.column_config.NumberColumn(label, format="percent", width=width)  # type: ignore[arg-type]


def height(px: int, count: int) -> int | str:
    """So many pixels, or as high as its rows where those are lower."""
    return px if (count + 1) * _ROW_PX > px else "auto"


def show(rows: Rows, columns: Columns, *, key: str, alt: str, height: int | str = "auto") -> None:
    """A table to read."""
    _draw(rows, columns, key=key, alt=alt, height=height)


def opening(
    rows: Rows,
    columns: Columns,
    open_row: Callable[[int], None],
    *,
    key: str,
    alt: str,
    height: int | str = "auto",
) -> None:
    """A table whose rows lead somewhere: a click on any cell calls `open_row` with the row's number."""

    def clicked() -> None:
        cells = st.session_state[key].selection.cells
        if cells:
            open_row(cells[0][0])

    _draw(rows, columns, key=key, alt=alt, height=height, on_select=clicked, selection_mode="single-cell")


def picking(
    rows: Mapping[str, list[Any]],
    columns: Columns,
    pick: Callable[[int], None],
    *,
    picked: int | None,
    key: str,
    alt: str,
    height: int | str = "auto",
) -> None:
    """A table of which one row is picked and marked; a click calls `pick` with the row's number.

    The mark is part of the rows. Selected rows of Streamlit are numbers: they stay where they are
    when a refresh moves the rows, and moving them from here races with the hand on the mouse.
    """
    count = len(next(iter(rows.values())))
    marks = ["●" if number == picked else "" for number in range(count)]
    opening({"mark": marks, **rows}, {"mark": text("", 28), **columns}, pick, key=key, alt=alt, height=height)


def _draw(rows: Rows, columns: Columns, **options: Any) -> None:
    st.dataframe(
        rows,
        hide_index=True,
        placeholder=formatting.NONE,  # a value that is not there is not the text "None", nor 0
        column_config=dict(columns),
        **options,
    )
