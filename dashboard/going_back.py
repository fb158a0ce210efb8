"""Has the browser's Back lead from page to page to what was seen there, which stands in the address."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def draw() -> None:
    """Nothing to see."""
    component: Callable[..., Any] = st.components.v2.component(
        "going_back", html="<span></span>", js=_script()
    )
    component(key="going_back", height="content", width="content")
