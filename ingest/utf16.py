"""UTF-16 as the UTF-8 it is read as: how it is told, and where characters end.

Nothing is left out: the byte order mark stays, as one of UTF-8, and so does half a surrogate pair,
which is no valid UTF-8 then and goes to quarantine with the line it stands in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LOOKED_AT: Final = 8
"""So many bytes at the beginning of a file tell."""
UNIT: Final = 2

_SHOWN: Final = rb"[\t\r\n -~]"
_STARTS: Final = {
    "utf-16-le": re.compile(rb"\xff\xfe|(?:%b\0){4}" % _SHOWN),
    "utf-16-be": re.compile(rb"\xfe\xff|(?:\0%b){4}" % _SHOWN),
}
"""A byte order mark, or four characters of ASCII: no log in UTF-8 has a NUL beside each of them."""
_UNTOLD: Final = re.compile(rb"[\xff\xfe]?|(?:%b\0){0,3}%b?|(?:\0%b){0,3}\0?" % (_SHOWN, _SHOWN, _SHOWN))


def encoding_of(start: bytes) -> str:
    """utf-16-le or utf-16-be, if the first LOOKED_AT bytes say so; empty: as it is."""
    return next((encoding for encoding, begins in _STARTS.items() if begins.match(start)), "")


def as_utf8(units: bytes, encoding: str) -> bytes:
    """Whole characters in UTF-8."""
    return units.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")


def whole_units(raw: bytes, encoding: str) -> int:
    """How many of the bytes are whole characters, as long as nothing tells what follows them."""
    end = len(raw) & ~1
    return end - UNIT if end and begins_pair(raw, end - UNIT, encoding) else end


def begins_pair(raw: bytes, at: int, encoding: str) -> bool:
    """Whether the unit there is the first one of a surrogate pair."""
    return 0xD8 <= _high(raw, at, encoding) <= 0xDB  # noqa: PLR2004 - as Unicode has them


def ends_pair(raw: bytes, at: int, encoding: str) -> bool:
    """Whether the unit there is the second one of a surrogate pair."""
    return 0xDC <= _high(raw, at, encoding) <= 0xDF  # noqa: PLR2004 - as above


def _high(raw: bytes, at: int, encoding: str) -> int:
    return raw[at + 1] if encoding == "utf-16-le" else raw[at]


@dataclass
class Stream:
    """Bytes that come in pieces, cut anywhere, as UTF-8."""

    rest: bytes = b""
    """What came and is no character yet, or does not tell yet what it is."""
    encoding: str | None = None
    """None: not told yet."""

    def feed(self, data: bytes) -> bytes:
        """What `data`, which comes next, and the rest before it give."""
        if self.encoding == "":
            return data
        data, self.rest = self.rest + data, b""
        if self.encoding is None:
            if _UNTOLD.fullmatch(data):
                self.rest = data
                return b""
            self.encoding = encoding_of(data)
            if not self.encoding:
                return data
        end = whole_units(data, self.encoding)
        self.rest = data[end:]
        return as_utf8(data[:end], self.encoding)

    def end(self) -> bytes:
        """What came and tells nothing, as it is, where nothing follows it."""
        if self.encoding is not None:
            return b""
        self.encoding, data, self.rest = "", self.rest, b""
        return data
