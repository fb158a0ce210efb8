"""Text from logs, made harmless for the place it is shown in.

Whoever can write a log line must not be able to make the dashboard load an image or show a
link. `st.text`, `st.code`, `st.json` and `st.dataframe` show text as it is; Markdown and Plotly
interpret it, and log text goes there only through this module.
"""

from __future__ import annotations

import re
from typing import Final

from stormwatch.plain import visible

LABEL_LIMIT: Final = 60
"""Characters a label in a chart may have before it is cut."""

_BACKTICKS = re.compile(r"`+")


def one_line(text: str) -> str:
    """The text on one line; control and direction characters show as escapes."""
    spaced = text.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    return visible(spaced)


def shorten(text: str, limit: int = LABEL_LIMIT) -> str:
    """The text, with its middle left out when it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def safe_md(text: object, limit: int = 200) -> str:
    """A Markdown code span that shows `text` and interprets none of it.

    A code span is the only inline form in which no Markdown extension looks for links, images,
    emoji or directives; its fence is longer than any run of backticks inside.
    """
    plain = shorten(one_line(str(text)), limit)
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(plain)), default=0))
    padding = " " if plain.startswith("`") or plain.endswith("`") or not plain.strip() else ""
    return f"{fence}{padding}{plain}{padding}{fence}"


def safe_plotly(text: object, limit: int = LABEL_LIMIT) -> str:
    """`text` for a Plotly label, hover or legend, which all interpret some HTML."""
    plain = shorten(one_line(str(text)), limit)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
