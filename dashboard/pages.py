"""The pages there are, and links between them that keep the view."""

from __future__ import annotations

from typing import Final

import streamlit as st

PAGES: Final = (
    ("overview", "Overview", "cyclone"),
    ("ordering", "Ordering", "swap_vert"),
    ("chains", "Chains", "account_tree"),
    ("deadlocks", "Deadlocks", "lock"),
    ("events", "Events", "list"),
    ("sql", "SQL", "terminal"),
    ("health", "Health", "monitor_heart"),
)
"""File, title and icon, in the order of the navigation."""

_KEPT: Final = ("window", "refresh")


def link(page: str, label: str, *, icon: str = "arrow_forward", **picked: str) -> None:
    """A link to another page with the same window and what is picked there."""
    kept = {name: value for name, value in st.query_params.items() if name in _KEPT}
    st.page_link(
        f"app_pages/{page}.py",
        label=label,
        icon=f":material/{icon}:",
        query_params={**kept, **picked},
    )
