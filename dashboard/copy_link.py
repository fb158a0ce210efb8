"""The button that copies the address: it holds the whole view, so that others see the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import streamlit as st

_HTML: Final = (
    '<button data-copy-link type="button" title="The address holds the whole view: paste it anywhere">'
    '<svg width="15" height="15" viewBox="0 0 24 24" aria-hidden="true"><path fill="currentColor" d="M3.9 12'
    "a3.1 3.1 0 0 1 3.1-3.1h4V7H7a5 5 0 0 0 0 10h4v-1.9H7A3.1 3.1 0 0 1 3.9 12zM8 13h8v-2H8v2zm9-6h-4v1.9h4"
    'a3.1 3.1 0 0 1 0 6.2h-4V17h4a5 5 0 0 0 0-10z"/></svg>'
    '<span data-label aria-live="polite">Copy link</span></button>'
)
_CSS: Final = """
button { display: flex; align-items: center; gap: 0.35rem; padding: 0.25rem 0.4rem; cursor: pointer;
  border: 0; border-radius: 0.4rem; background: none; color: var(--st-text-color);
  font: 400 0.875rem var(--st-font); white-space: nowrap; opacity: 0.8; }
button:hover, button:focus-visible { opacity: 1; background: var(--st-secondary-background-color); }
"""


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def draw() -> None:
    """The button."""
    component: Callable[..., Any] = st.components.v2.component(
        "copy_link", html=_HTML, css=_CSS, js=_script()
    )
    component(key="copy_link", height="content", width="content")
