"""Pairs with a mark between them: `ts=...|event=...|id=...`, also `;`, `, ` or a tab, and LTSV (`key:value`).

A line is such when all of it is pairs, three at least. The names of the keys say what is what, as in any JSON
line. Source: ltsv.org, "Labeled Tab-separated Values"; what programs write that know of no logfmt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import JsonFormat, Transcoder

_KEY: Final = rb"[A-Za-z_@$][\w.@$-]{0,80}+"
_MARKS: Final = {b"|": b"=", b";": b"=", b",": b"=", b"\t": b"[=:]"}
"""Between pairs -> within them."""
_PAIRS: Final = [
    rb"{key}{within}[^{mark}\n]*+(?:{mark}[ ]?{key}{within}[^{mark}\n]*+)".replace(b"{key}", _KEY)
    .replace(b"{within}", within)
    .replace(b"{mark}", re.escape(mark))
    + rb"{2,}+%b?[ ]?\r?(?:\n|\Z)" % re.escape(mark)
    for mark, within in _MARKS.items()
]
# CEF's header has marks of its own before its pairs.
STARTS: Final = rb"(?!(?:CEF|LEEF):)(?:%b)" % rb"|".join(_PAIRS)
_LINE: Final = re.compile(STARTS)
_MARK: Final = re.compile(rb"%b[=:][^|;,\t\n]*+([|;,\t])" % _KEY)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    mark = _MARK.match(record)
    if mark is None:
        raise ValueError("no pairs with a mark between them")
    found: dict[str, Any] = {}
    twice: dict[str, list[str]] = {}
    for part in record.rstrip(b"\r\n").split(mark[1]):
        key, value = _pair(part.strip(b" ").decode())
        if key in found:
            twice.setdefault(key, [found[key]]).append(value)
        elif key:
            found[key] = value
    yield {**found, **twice}


def _pair(part: str) -> tuple[str, str]:
    key = re.split(r"[=:]", part, maxsplit=1)[0]
    value = part[len(key) + 1 :]
    is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return key, value[1:-1] if is_quoted else value


def separated_fields(line: bytes) -> dict[str, Any]:
    """The fields of such a line; none of another."""
    return next(_transcode(line)) if _LINE.match(line) else {}


FORMAT = Transcoder(
    name="separated_pairs",
    format=JsonFormat(name="separated_pairs", priority=0, match=lambda _: None, by_value=True),
    starts=STARTS,
    transcode=_transcode,
)
