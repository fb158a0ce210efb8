"""Vector-clock logs as text: ShiViz, TSViz and GoVector.

A clock is an object of host -> count. It stands on a line with its host, and perhaps a time before
it; the text is the line behind (GoVector) or the line before (the default of ShiViz). Or all of it
stands on one line, the host right before its clock. Text and clock cannot be told apart by what
comes later, so the first line of a record decides; a line of `===` parts executions. Becomes
vector_clock_json. Source: ShiViz, "Input format" and its default regular expressions; GoVector, TSViz.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import orjson

from ingest.formats import vector_clock_json
from ingest.formats.base import Transcoder, none_of

_CLOCK: Final = (
    rb'\{[ \t]*+"[^"\n]*+"[ \t]*+:[ \t]*+\d++[ \t]*+(?:,[ \t]*+"[^"\n]*+"[ \t]*+:[ \t]*+\d++[ \t]*+)*+\}'
)
_TIME: Final = rb"(?:\d{9,19}|\d{4}-\d\d-\d\d(?:T| +)\d\d:\d\d:\d\d\S*)"


def _named(group: str) -> bytes:
    """A look ahead at a clock that has the host of this group."""
    return rb'(?=\{[^{}\n]*"(?P=%b)"[ \t]*:)%b' % (group.encode(), _CLOCK)


def _clock_line(group: str) -> bytes:
    """A line of a time or none, the host, its clock, and nothing else."""
    host = rb"(?P<%b>(?>[^\s{](?:[^\n{]*[^\s{])?))" % group.encode()
    return rb"[ \t]*+(?:%b[ \t]+)?%b[ \t]*%b[ \t]*(?:\r?\n|\Z)" % (_TIME, host, _named(group))


_RULE: Final = rb"(?!\s*(?:={3}|[}\]]))"
# Not the last line of an XML document, of an array or of a record of CSV.
_TEXT: Final = rb"%b(?![ \t]*</|\[[ \t]*\{|[^\n]*\",[\",])(?=[^\n]*\S)[^\n]*\n" % _RULE
_FIRST, _LAST = _clock_line("vc_first"), _TEXT + _clock_line("vc_last")
# From the brace back: the last word before the clock.
_WITHIN: Final = rb"(?:[^\n{]*[^\w.:\n{-])?(?P<vc_within>[\w.:-]+)[^\w\n{]{0,3}%b[^\n]*" % _named("vc_within")
# Every line of every text log is asked: without a brace on it or on the next one there is no clock, and what
# stands before a clock has none.
_NO_BRACE: Final = none_of(b"\n{")
_BRACED: Final = rb"(?=%b*+(?:\n%b*+)?+\{)" % (_NO_BRACE, _NO_BRACE)
_OPENED: Final = rb'%b*+\{[ \t]*+"[^"\n]*+"[ \t]*+:[ \t]*+\d' % _NO_BRACE
_STARTS: Final = rb"(?!\{)%b(?:(?=%b)(?:%b|%b)|(?=[^\n]*+\n%b)%b)" % (
    _BRACED, _OPENED, _FIRST, _WITHIN, _OPENED, _LAST,
)  # fmt: skip
_LAYOUT: Final = re.compile(_STARTS)
_ANY_CLOCK_LINE: Final = re.compile(_clock_line("vc_next"))
_OBJECT: Final = re.compile(_CLOCK)
_LEADING_TIME: Final = re.compile(rb"[ \t]*(%b)[ \t]+" % _TIME)
_TOLD_TIME: Final = re.compile(
    r"(?P<number>\d{13}|\d{16}|\d{19})[ \t]"
    r"|(?:\S+[ \t]+)?[\[(]?(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d\d?/\d\d?/\d{4},? \d\d?:\d\d:\d\d(?:[.,]\d+)?(?: [AaPp][Mm])?)(?=[\s\]),]|\Z)"
)
"""In the text, where it is the first or the second thing it says."""
_LEVEL: Final = re.compile(r"(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\s+(?=\S)")
_HEADER: Final = rb"[^\n{(]*+(?:\((?!\?<(?:host|clock|event|trace)>)[^\n{(]*+)*+\("


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:  # noqa: ARG001 - what follows a clock is its text, whatever it looks like
    first = data.find(b"\n", start) + 1
    if not first:
        return None
    found = _LAYOUT.match(data, start)
    if found is None or found["vc_within"] is not None:
        return first
    if found["vc_last"] is not None:
        return found.end() if is_all or data.endswith(b"\n", 0, found.end()) else None
    if _ANY_CLOCK_LINE.match(data, first):
        return first
    return data.find(b"\n", first) + 1 or (len(data) if is_all else None)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    found = _LAYOUT.match(record)
    if found is None:
        raise ValueError("says how ShiViz cuts this log; it is no event")
    group = next(name for name in ("vc_first", "vc_within", "vc_last") if found[name] is not None)
    clock = _OBJECT.search(record, found.end(group))
    assert clock is not None  # noqa: S101 - the layout has one
    begin = record.rfind(b"\n", 0, clock.start()) + 1
    before = record[begin : found.start(group)]
    around = {
        "vc_first": record[found.end() :],
        "vc_within": record[clock.end() :],
        "vc_last": record[:begin],
    }
    text = around[group].decode().strip("\r\n")
    event: dict[str, Any] = {"host": found[group].decode(), "clock": orjson.loads(clock[0])}
    if time := _LEADING_TIME.match(before):
        event["timestamp"], before = time[1].decode(), before[time.end() :]
    if group == "vc_within":
        text, before = text.strip() or before.decode().strip(), before if text.strip() else b""
    if before.strip():
        event["prefix"] = before.decode().strip()
    if told := _TOLD_TIME.match(event.get("prefix", text)):
        event.setdefault("timestamp", told["number"] or told["time"])
    if level := _LEVEL.match(text):
        event["severity"], text = level[1], text[level.end() :]
    yield {**event, "event": text}


FORMAT = Transcoder(
    name="vector_clock_log",
    format=replace(vector_clock_json.FORMAT, name="vector_clock_log"),
    starts=rb"(?:%b|%b)" % (_STARTS, _HEADER),
    needs=(b"{", b"(?<"),
    end=_end,
    may_start=_TEXT,
    transcode=_transcode,
)
