"""Text from logs, made safe to look at: no control character reaches a terminal or a page."""

from __future__ import annotations

import re

# C0, DEL and C1 steer a terminal; the rest is invisible or turns the direction of what follows.
_INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""The text with every character that steers or hides written as an escape, `\u001b`.

    Line ends are such characters too. Inside a JSON string the escapes mean what they stand for.
    """
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def visible_lines(text: str) -> str:
    """As `visible`, but line ends stay."""
    return "\n".join(visible(line) for line in text.split("\n"))


def log_lines(data: bytes) -> str:
    """Bytes of a log as lines to look at: `visible_lines`, with tabs as spaces and no line end behind."""
    text = data.decode("utf-8", errors="backslashreplace").replace("\r\n", "\n").removesuffix("\n")
    return visible_lines(text.replace("\t", "    "))
