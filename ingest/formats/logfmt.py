"""logfmt: `key=value key="quoted value"`, as Go services, Grafana, Loki and Heroku write it.

A line is logfmt when all of it is pairs, at least two, perhaps behind a time and a level. The names of
the keys say what is what, as in any JSON line. Messages of Raft are raft_text's.
Source: Brandur Leach, "logfmt"; go-logfmt.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats import raft_text
from ingest.formats.base import JsonFormat, Transcoder

_TIME: Final = (
    rb"\[?(?P<logfmt_time>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?"
    rb"(?:Z|[ ]?[+-]\d\d:?\d\d|[ ]UTC)?|\d{10,19}(?:\.\d+)?)\]?"
)
_LEVEL: Final = (
    rb"\[?(?P<logfmt_level>(?i:TRACE|DEBUG|DBUG|INFO|NOTICE|WARN|WARNING|ERROR|EROR|CRIT|CRITICAL|FATAL"
    rb"|PANIC))\]?:?"
)
_VALUE: Final = rb'"(?:[^"\\\n]|\\.)*+"(?=\s|\Z)|[^\s"]\S*+(?<!,)|(?=\s|\Z)'
_PAIR: Final = rb'[A-Za-z_@$][^\s="\'{}\[\](),:;]*+=(?:%b)' % _VALUE
_LEADING: Final = rb"(?:%b[ \t]++)?(?:%b[ \t]++)?" % (_TIME, _LEVEL)
# Whether a line may be one of Raft takes long to see: only what begins with a pair is asked.
_MAY_BE: Final = rb"(?=%b[A-Za-z_@$][^\s=\"'{}\[\](),:;]*+=)" % re.sub(rb"\?P<\w+>", b"?:", _LEADING)
_LINE: Final = rb"%b(?!%b)%b%b(?:[ \t]++%b)++[ \t]*+\r?(?:\n|\Z)" % (
    _MAY_BE, raft_text.STARTS, _LEADING, _PAIR, _PAIR,
)  # fmt: skip
_TOKEN: Final = re.compile(rb"(?P<pair>%b)(?!\S)|\S++" % _PAIR)
_HEAD: Final = re.compile(_LEADING)
_ESCAPE: Final = re.compile(r"\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))")
_SIMPLE: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", '"': '"',
}  # fmt: skip
_SURROGATES: Final = range(0xD800, 0xE000)
_PARTS: Final = re.compile(r'([^\s=]+)=("(?:[^"\\\n]|\\.)*+"|\S*)')


def _value(written: str) -> str:
    if not written.startswith('"'):
        return written
    inner = written[1:-1]
    return _ESCAPE.sub(_unescaped, inner) if "\\" in inner else inner


def _unescaped(found: re.Match[str]) -> str:
    """The character that Go writes like this; what is no escape stays."""
    if found[4] is not None:
        return _SIMPLE.get(found[4], found[0])
    code = int(found[1] or found[2] or found[3], 16)
    return found[0] if code in _SURROGATES or code > sys.maxunicode else chr(code)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    head = _HEAD.match(record)
    assert head is not None  # noqa: S101 - it matches nothing as well
    found: dict[str, Any] = {}
    for name in ("time", "level"):
        if written := head[f"logfmt_{name}"]:
            found[f"@{name}"] = written.decode()
    twice: dict[str, list[str]] = {}
    for key, written in _PARTS.findall(record.decode()[len(record[: head.end()].decode()) :]):
        value = _value(written)
        if key in found:
            twice.setdefault(key, [found[key]]).append(value)
        found[key] = value
    yield {**found, **twice}


def trailing_pairs(text: bytes) -> tuple[str, dict[str, str]]:
    """The pairs that a text of one line ends with, if they are two or more, and what stands before them.

    Of a name that is there twice the last.
    """
    start, count = 0, 0
    for part in _TOKEN.finditer(text) if text.count(b"=") > 1 else ():
        if part["pair"] is None:
            count = 0
        else:
            start, count = (start, count + 1) if count else (part.start(), 1)
    pairs = _PARTS.findall(text[start:].decode()) if count > 1 else []
    return text[:start].decode().strip(), {key: _value(written) for key, written in pairs}


FORMAT = Transcoder(
    name="logfmt",
    format=JsonFormat(name="logfmt", priority=0, match=lambda _: None, by_value=True),
    starts=_LINE,
    transcode=_transcode,
)
