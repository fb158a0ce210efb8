"""The tile: one number, its name, and the few words that make it readable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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
    """How the number came about over the window; empty where that is not known."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """What is picked on that page."""
    href: str | None = None
    """In place of a page: an anchor of this one, or an address of this server."""
    act: Callable[[], None] | None = None
    """In place of both: what a click does, where a link cannot say what to show there."""


def row(tiles: Sequence[Tile], *, key: str, narrowest: int = 150) -> None:
    """Tiles side by side, fewer in a row where there is less room."""
    with st.grid(len(tiles), min_column_width=narrowest, gap="small", key=key):
        for tile in tiles:
            name = tile.label.lower().replace(" ", "_")
            with st.container(border=True, key=f"tile_{key}_{name}", gap=None, height="stretch"):
                _name(tile, f"go_{key}_{name}")
                st.markdown(f"**{tile.value}**")
                st.caption(tile.context)
                if tile.course:
                    st.html(sparkline.image(tile.course, f"{tile.label} over time"))


def _name(tile: Tile, key: str) -> None:
    if tile.page is not None:
        pages.link(tile.page, tile.label, icon="arrow_forward", **tile.asked)
    elif tile.href is not None:
        icon = "arrow_downward" if tile.href.startswith("#") else "open_in_new"
        st.markdown(f"[{tile.label} :material/{icon}:]({tile.href})")
    elif tile.act is not None:
        st.button(f"{tile.label} :material/arrow_forward:", key=key, type="tertiary", on_click=tile.act)
    else:
        st.caption(tile.label)
