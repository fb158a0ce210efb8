"""The frame around every page: name, freshness badge, controls."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from dashboard import controls, data
from dashboard.freshness import Freshness, Level, judge

ICON: Final = Path(__file__).with_name("icon.svg")
"""Shown by the browser; a named icon would be loaded from a foreign host."""
_STYLE = Path(__file__).with_name("style.css")
_LOGO = Path(__file__).with_name("logo.svg")
_BADGES: Final[dict[Level, tuple[str, str]]] = {
    "fresh": ("green", "check_circle"),
    "late": ("orange", "hourglass_top"),
    "stale": ("red", "error"),
    "past": ("blue", "history"),
    "stopped": ("gray", "stop_circle"),
}


def draw() -> None:
    """Draw what stands above the page."""
    st.logo(_LOGO, size="large")
    st.html(_STYLE)
    controls.draw(data.version(), _follow_freshness)


def _follow_freshness() -> None:
    @st.fragment(run_every=controls.refresh_s())
    def badge() -> None:
        coverage = data.coverage(data.version())
        draw_badge(judge(data.status(), coverage, data.utc_now()))

    with st.container(key="freshness", width="content"):
        badge()


def draw_badge(freshness: Freshness) -> None:
    """The badge; hovering over it says what it means."""
    colour, icon = _BADGES[freshness.level]
    text = " · ".join((freshness.headline, *freshness.details))
    st.badge(text, icon=f":material/{icon}:", color=colour, help=freshness.advice or None)  # type: ignore[arg-type]
