"""The list of the lines around a record: text as it stands in the file, each record a way to itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import streamlit as st

_HTML: Final = '<ol data-context-lines tabindex="0"></ol>'
_CSS: Final = """
ol { list-style: none; margin: 0; padding: 0; max-height: 34rem; overflow: auto; position: relative;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
  background: var(--st-code-background-color, var(--st-secondary-background-color));
  color: var(--st-text-color); font: 400 0.8rem/1.5 var(--st-code-font); }
li + li { border-top: 1px solid color-mix(in srgb, var(--st-border-color) 45%, transparent); }
.body { display: grid; grid-template-columns: minmax(4.5rem, max-content) 1fr; gap: 0.7rem; width: 100%;
  box-sizing: border-box; padding: 0.16rem 0.6rem; border: 0; border-left: 3px solid transparent;
  background: none; color: inherit; font: inherit; text-align: left; user-select: text; }
button.body { cursor: pointer; }
button.body:hover, button.body:focus-visible { background: var(--st-secondary-background-color);
  border-left-color: var(--st-primary-color); outline: none; }
.offset { text-align: right; opacity: 0.6; user-select: none; font-variant-numeric: tabular-nums; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.note { display: inline-block; margin-right: 0.5rem; padding: 0 0.35rem; border-radius: 0.3rem;
  border: 1px solid currentColor; font: 400 0.72rem/1.4 var(--st-font); opacity: 0.85; }
.rejected .body { border-left: 3px dotted var(--st-red-color, #e0602c); }
.other .text { opacity: 0.6; }
.picked .body { border-left: 3px solid var(--st-primary-color); font-weight: 600;
  background: color-mix(in srgb, var(--st-primary-color) 14%, transparent); }
@media (max-width: 640px) { .body { grid-template-columns: 1fr; gap: 0; } .offset { text-align: left; } }
"""

Kind = Literal["record", "rejected", "other"]


@dataclass(frozen=True)
class Shown:
    """A line, or a record of several."""

    offset: int
    text: str
    """Of the log, with what steers or hides made visible."""
    kind: Kind
    at: str | None
    """What a click asks for; None: it leads nowhere."""
    note: str = ""
    """What is to be said of it; may hold text of the log."""
    is_picked: bool = False


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def context_lines(
    lines: Sequence[Shown], *, view: str, key: str, alt: str, on_open: Callable[[str], None]
) -> None:
    """Draw the lines; while `view` is the same the list stays where it was scrolled to."""

    def opened() -> None:
        at = st.session_state[key].open
        if at:
            on_open(str(at))

    component: Callable[..., Any] = st.components.v2.component(
        "context_lines", html=_HTML, css=_CSS, js=_script()
    )
    component(
        key=key,
        data={"lines": [asdict(line) for line in lines], "view": view, "alt": alt},
        height="content",
        on_open_change=opened,
    )
