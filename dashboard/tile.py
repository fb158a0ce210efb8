"""The tile: one number, its name, and the few words that make it readable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import pages, sparkline


@dataclass(frozen=True)
class Tile:
    """All texts are our own Markdown, never text from logs."""

    label: str
    value: str
    context: str
    """What the number is a share of, or what it means; in small print below it."""
    page: str | None = None
    """Where a click anywhere on the tile leads."""
    course: Sequence[float] = ()
    """How the number came about over the window, if that is known."""


def row(tiles: Sequence[Tile], *, key: str) -> None:
    """Tiles side by side, fewer in a row where there is less room."""
    with st.grid(len(tiles), min_column_width=170, gap="small", key=key):
        for tile in tiles:
            name = tile.label.lower().replace(" ", "_")
            with st.container(border=True, key=f"tile_{key}_{name}", gap=None, height="stretch"):
                if tile.page is None:
                    st.caption(tile.label)
                else:
                    pages.link(tile.page, tile.label, icon="arrow_forward")
                st.markdown(f"**{tile.value}**")
                st.caption(tile.context)
                if any(tile.course):
                    st.html(sparkline.image(tile.course, f"{tile.label} over time"))
