"""The box of the one sentence on top of a page; how bad it is, is said without colour as well."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboard.verdict import Level

_LOOKS: Final[dict[Level, tuple[str, str]]] = {
    "calm": ("green", "check_circle"),
    "watch": ("orange", "visibility"),
    "trouble": ("red", "warning"),
}
_UNKNOWN: Final = ("gray", "block")


def draw(level: Level, sentence: str, *, is_known: bool = True) -> None:
    """`sentence` is our own Markdown; not `is_known`: it says why nothing can be said."""
    colour, icon = _LOOKS[level] if is_known else _UNKNOWN
    with st.container(border=True, key=f"verdict_{level if is_known else 'unknown'}"):
        st.subheader(f":{colour}[:material/{icon}:] {sentence}", anchor=False)
