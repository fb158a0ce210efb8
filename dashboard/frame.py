"""The frame around every page: name, freshness badge, controls."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from dashboard import controls, notes, picture, viewer

ICON: Final = Path(__file__).with_name("icon.svg")
"""Shown by the browser; a named icon would be loaded from a foreign host."""
_STYLE = Path(__file__).with_name("style.css")
_LOGO = Path(__file__).with_name("logo.svg")


def draw() -> None:
    """Draw what stands above the page."""
    st.logo(_LOGO, size="large")
    st.html(_STYLE)
    controls.draw(notes.draw_form, viewer.draw, picture.reserve)
