"""The pages there are, and links between them that keep the view."""

from __future__ import annotations

from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

PAGES: Final = (
    ("overview", "Overview", "cyclone"),
    ("storms", "Storms", "storm"),
    ("alerts", "Alerts", "notifications"),
    ("ordering", "Ordering", "swap_vert"),
    ("chains", "Chains", "account_tree"),
    ("deadlocks", "Deadlocks & loops", "lock"),
    ("versions", "Versions", "difference"),
    ("why", "Why", "manage_search"),
    ("events", "Events", "list"),
    ("sql", "SQL", "terminal"),
    ("health", "Health", "monitor_heart"),
)
"""File, title and icon, in the order of the navigation."""

_KEPT: Final = ("window", "zone", "refresh", "drag")
"""The controls above the pages, by their key in the address."""
_GOING_KEY: Final = "_going_to"
_ARRIVING_KEY: Final = "_arriving"
_CURRENT_KEY: Final = "_current_page"


def link(page: str, label: str, *, icon: str = "arrow_forward", **picked: str) -> None:
    """A link to another page with the same window and what is picked there."""
    kept = {name: value for name, value in st.query_params.items() if name in _KEPT}
    st.page_link(
        f"app_pages/{page}.py",
        label=label,
        icon=f":material/{icon}:",
        query_params={**kept, **picked},
    )


def go(page: str, **picked: str) -> None:
    """Go there at the next opportunity; for callbacks, in which pages cannot be switched."""
    st.session_state[_GOING_KEY] = (page, picked)


def follow() -> None:
    """Carry out what `go` asked for."""
    going = st.session_state.pop(_GOING_KEY, None)
    if going is not None:
        page, picked = going
        st.session_state[_ARRIVING_KEY] = True
        st.switch_page(f"app_pages/{page}.py", query_params=picked)


def draw(page: StreamlitPage) -> None:
    """Run a page."""
    st.session_state[_CURRENT_KEY] = page.url_path
    page.run()


def current() -> str:
    """The address of the page that is drawn, or was drawn last."""
    return str(st.session_state.get(_CURRENT_KEY, ""))


def keep_controls() -> None:
    """Have the controls above the pages write themselves into the address again after `follow`.

    Switching pages may not name what is bound to a widget, and drops it; setting its value brings
    it back. Called before the controls are drawn.
    """
    if st.session_state.pop(_ARRIVING_KEY, False):
        for key in _KEPT:
            if key in st.session_state:
                st.session_state[key] = st.session_state[key]
