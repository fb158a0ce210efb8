"""Dicts as Python prints them: `{'event_id': 'e1', 'cause': None, 'at': datetime.datetime(2026, 11, 23, 9)}`.

What stands alone on its line, or behind a time and a level (prefixed_json). `None`, `True`, tuples, bytes and
what is made of one text, such as `UUID('...')`, `Decimal('...')` and `ObjectId('...')`, are read; an object
that prints itself otherwise makes the line one that cannot be. Source: Python, "repr", "datetime objects".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from ingest.formats.base import Envelope, Transcoder, made

_TEXT: Final = rb"'(?:[^'\\\n]|\\.)*+'|\"(?:[^\"\\\n]|\\.)*+\""
_DATETIME: Final = (
    rb"\b(?:datetime\.)?datetime\((?P<time>\d++(?:, \d++){2,6})"
    rb"(?:, tzinfo=(?P<zone>[\w.=]++(?:\((?:[^()]++|\([^()]*+\))*+\))?))?(?:, fold=\d)?\)"
)
_TOKEN: Final = re.compile(
    rb"(?P<text>[bBuU]?(?:%b))|(?P<torn>['\"\\])|(?P<word>\b(?:None|True|False|nan|inf)\b)"
    rb"|(?P<comma>,(?=\s*[)\]}]))|%b|(?<![\w.])[A-Za-z_][\w.]*+\((?P<only>%b)\)|(?P<open>\()|(?P<close>\))"
    % (_TEXT, _DATETIME, _TEXT)
)
"""What is `torn` stands in no dict outside of its texts: to look on would cost the square of the length."""
_WORDS: Final = {
    b"None": b"null", b"True": b"true", b"False": b"false", b"nan": b'"nan"', b"inf": b'"inf"',
}  # fmt: skip
_SELDOM: Final = (b'"', b"\\", b"(")
_PLAIN: Final = re.compile(rb"'([^'\n]*+)'")
# No text ends before it: one begins behind a bracket or a space, and holds no quote.
_VALUES: Final = {
    word: re.compile(rb'(?<=[^\s\[{]": )%b(?=[,}])' % word) for word in (b"None", b"True", b"False")
}
_ZONE: Final = re.compile(rb"key='([\w/+-]+)'")
_OFFSET: Final = re.compile(rb"timedelta\((?:days=(-1))?(?:, )?(?:seconds=(\d+)|0)?\)")
_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600
_UTC: Final = re.compile(rb"(?i:utc)")
_NEEDS_CARE: Final = re.compile(rb"[\\\"]")


def as_json(text: bytes) -> bytes:
    """The JSON of a dict.

    Raises:
        ValueError: it is no dict of Python.
    """
    if not text.startswith((b"{'", b"{ '")):
        raise ValueError("not a dict as Python prints it")
    if (plain := _plainly(text)) is not None:
        return plain
    written = _TOKEN.sub(_written, text)
    try:
        orjson.loads(written)
    except orjson.JSONDecodeError as error:
        raise ValueError("something in it is no number, text, time, dict or list") from error
    return written


def _plainly(text: bytes) -> bytes | None:
    """The same in a fifth of the time, of most: texts without escapes, and words as values of keys."""
    if any(one in text for one in _SELDOM):
        return None
    written = _PLAIN.sub(rb'"\1"', text)
    for word, as_value in _VALUES.items():
        written = as_value.sub(_WORDS[word], written) if word in written else written
    try:
        orjson.loads(written)
    except orjson.JSONDecodeError:
        return None
    return written


def _written(token: re.Match[bytes]) -> bytes:
    kind = token.lastgroup
    if kind in {"text", "only"}:
        return _quoted(token[kind])
    if kind == "torn":
        raise ValueError("a quote or an escape outside of a text")
    if kind == "word":
        return _WORDS[token["word"]]
    if kind in ("time", "zone"):
        return b'"%b"' % _time(token["time"], token["zone"])
    return {"open": b"[", "close": b"]"}.get(kind or "", b"")


def _quoted(text: bytes) -> bytes:
    body = text[1:-1]
    if text.startswith((b"'", b'"')) and _NEEDS_CARE.search(body) is None:
        return b'"%b"' % body
    try:
        value = ast.literal_eval(text.decode())
    except SyntaxError as error:
        raise ValueError("a text with an escape that is none") from error
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValueError("a text with half of a character") from error


def _time(numbers: bytes, zone: bytes | None) -> bytes:
    year, month, day, *clock = map(int, numbers.split(b","))
    hour, minute, second, micros = (*clock, 0, 0, 0, 0)[:4]
    text = b"%04d-%02d-%02dT%02d:%02d:%02d.%06d" % (year, month, day, hour, minute, second, micros)
    if zone is None:
        return text
    if offset := _OFFSET.search(zone):
        seconds = int(offset[2] or 0) - (_DAY_S if offset[1] else 0)
        hours, rest = divmod(abs(seconds), _HOUR_S)
        return text + b"%b%02d:%02d" % (b"-" if seconds < 0 else b"+", hours, rest // 60)
    named = _ZONE.search(zone)
    if named is None and _UTC.search(zone) is None:
        raise ValueError("a time with a zone that does not say its name")
    return text + (b" " + named[1] if named else b"Z")


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    yield {"log": as_json(record.strip()).decode()}


FORMAT = Transcoder(
    name="python_dict",
    format=Envelope(
        name="python_dict",
        match=lambda _: False,
        held=("log",),
        format=made(name="python_dict", fields={"message": "log"}),
    ),
    starts=rb"[{] ?'[^'\n]*+' ?:",
    transcode=_transcode,
)
