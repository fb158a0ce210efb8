"""Who looks at a page: what they may, under what name they act, and how they sign out."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import streamlit as st

from dashboard.hostile import safe_md
from stormwatch.people import NOBODY, Person
from stormwatch.runtime import current

# A form rather than a button of the page: signing out is an answer to the browser, which holds the cookie.
_SIGN_OUT: Final = (
    '<form method="post" action="/oidc/sign-out"><button type="submit">Sign out</button></form>'
)
_CSS: Final = """
form { margin: 0; }
button { padding: 0.3rem 0.75rem; cursor: pointer; border: 1px solid var(--st-border-color);
  border-radius: 0.4rem; background: none; color: var(--st-text-color); font: 400 0.875rem var(--st-font); }
button:hover, button:focus-visible { background: var(--st-secondary-background-color); }
"""


def person() -> Person:
    """Who looks at the page that is being drawn; nobody once their session is over."""
    return current().person(st.context.cookies) or NOBODY


def name_input(label: str, *, key: str, **options: Any) -> str:
    """A field for the name of who acts, which is known where people sign in."""
    name = person().name
    if name:
        st.session_state[key] = name
    typed = st.text_input(label, key=key, disabled=bool(name), placeholder="your name", **options)
    return typed or ""


@cache
def _script() -> str:
    return Path(__file__).with_name("session_watch.js").read_text(encoding="utf-8")


def draw() -> None:
    """Who is signed in, with a button to sign out; nothing where nobody signs in."""
    who = person()
    if not who.name:
        return
    # The watch is nothing to see, and takes no place in the row.
    with st.container(horizontal=True, gap=None, width="content", key="who"):
        with st.popover(
            "", icon=":material/account_circle:", type="tertiary", key="person", help="Who is signed in"
        ):
            st.markdown(f"Signed in as {safe_md(who.name, 100)}")
            if not who.may_ask_sql:
                st.caption("You see everything here, and may not ask SQL of your own.")
            _component("sign_out", html=_SIGN_OUT, css=_CSS)
        _component("session_watch", html="<span></span>", js=_script())


def _component(name: str, **parts: Any) -> None:
    component: Callable[..., Any] = st.components.v2.component(name, **parts)
    component(key=name, height="content", width="content")
