"""JSON documents that span lines: pretty-printed objects, and arrays of them."""

from __future__ import annotations

import re
from typing import Final

import orjson

STARTS: Final = rb"[{\[](?:[^\n{\[,]*+[{\[,])*+[ \t]*+\r?\n"
"""How the first line of one begins: a bracket that is not closed on it, where JSON may go on."""
_TOKEN: Final = re.compile(
    rb'[{}\[\]\n]|(?:[ \t\r]*+(?:"(?:[^"\\\n]|\\.)*+"|[^"{}\[\]\s]++))++|(?P<unclosed>")'
)
_OUTDENTED: Final = re.compile(rb"\n[^ \t\r\n}\]]")
_BLANK: Final = b" \t"
_INDENTED: Final = re.compile(rb"[ \t\r\n}\]]")
_NUMBER: Final = rb"-?+(?:\d++(?:\.\d*+)?+(?:[eE][+-]?+\d*+)?+)?+"
"""Of JSON, or what may become one; no day and no time of day."""
_FLUSH: Final = re.compile(
    rb'[ \t]*+(?:["{}\[\],\r\n]|%b[ \t]*+(?:[,\]}\r\n]|\Z)|true\b|false\b|null\b)' % _NUMBER
)
_KEY: Final = re.compile(rb'[ \t]*+["}\r\n]')
"""What a line within one begins with, printed with and without indentation."""
_NEAR: Final = 8


def document_end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Where the line ends on which its brackets close.

    A torn document would leave them open, so it ends before a line that JSON cannot have there or
    that starts another record, and behind a string that is not closed on its line.
    """
    opened = bytearray()
    second = data.find(b"\n", start) + 1
    inside = _INDENTED if data.startswith((b" ", b"\t"), second) else _FLUSH
    if inside is _INDENTED and (whole := _indented_end(data, start)):
        return whole
    for token in _TOKEN.finditer(data, start):
        mark, end = data[token.start()], token.end()
        if mark in b"{[":
            opened.append(mark)
        elif mark in b"}]":
            if opened:
                opened.pop()
        elif token.lastgroup:
            return data.find(b"\n", end) + 1 or None
        elif mark == ord(b"\n") and not opened:
            return end
        elif mark == ord(b"\n") and end < len(data):
            is_in_object = opened.endswith(b"{") and inside is _FLUSH
            is_value_due = data[max(start, end - _NEAR) : end].rstrip().endswith(b":")
            may_be = _KEY if is_in_object and not is_value_due else inside
            if data[end] not in _BLANK and another.match(data, end) is not None:
                return end
            if may_be.match(data, end) is None:
                # A line without its end may still become one that can be there.
                return end if is_all or data.find(b"\n", end) >= 0 else None
    return None


def _indented_end(data: bytes, start: int) -> int | None:
    """The same for a document that is whole and indented, ten times as fast; None: look closer."""
    closing = data.find(b"\n}" if data[start] == ord(b"{") else b"\n]", start)
    end = data.find(b"\n", closing + 1) + 1
    if closing < 0 or not end or _OUTDENTED.search(data, start, end - 1):
        return None
    try:
        orjson.loads(memoryview(data)[start:end])
    except orjson.JSONDecodeError:
        return None
    return end
