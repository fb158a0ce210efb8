"""Deadlocks in the error log of SQL Server, as trace flags 1222 and 1204 write them.

Every line begins with a time and the process that writes. Of 1222 there is a line for each element: what they
say is that of the graph as XML (sqlserver_deadlock.py), so it is read as one, and the report ends with the
waiters of its last resource. That of 1204 (sqlserver_wait_graph.py) ends with the victim. Where both flags
are set, the same process writes one report right behind the other: they are one record, of one deadlock.
Source: SQL Server documentation, "Deadlocks guide", trace flags 1222 and 1204.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.sax.saxutils import escape, quoteattr

from ingest.formats import sqlserver_deadlock, sqlserver_wait_graph
from ingest.formats.base import JsonFormat, Transcoder

_HEAD: Final = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+[ \t]+(?P<se_spid>spid\d+s?)[ \t]+"
_LISTED: Final = rb"deadlock-list[ \t]*\r?\n"
_STARTS: Final = _HEAD + rb"(?:%b|%b[ \t]*\r?\n)" % (_LISTED, sqlserver_wait_graph.DETECTED)
_BEGINS: Final = re.compile(_STARTS)
_LONGEST: Final = 4 << 20
"""Bytes of a wait-for graph, when nothing ends it."""
_LINE: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)[ \t]+(?P<spid>spid\d+s?)[ \t]+(?P<said>.*)",
    re.ASCII,
)
_TORN: Final = re.compile(rb"\d{4}-\d\d-\d\d[\d :.]*(?:spid\d*s?[ \t]*)?\r?$", re.MULTILINE)
"""A line of the report that ends where its time does, or its process."""
_LINE_IN_BYTES: Final = re.compile(_LINE.pattern.encode())
_REPORTS: Final = re.compile(rb"(?m:^)(?=%b)" % _STARTS.replace(b"?P<se_spid>", b"?:"))
_RESOURCE: Final = r"\w+lock|exchangeEvent|threadpool|SyncPoint|resourceWait|\w+Event"
_ELEMENT: Final = re.compile(
    rf"(?P<name>deadlock-list|deadlock|process-list|process|executionStack|frame|inputbuf|resource-list"
    rf"|owner-list|owner|waiter-list|waiter|{_RESOURCE})(?P<about>(?: [\w.-]+=.*)?)"
)
_ATTRIBUTE: Final = re.compile(r" ([\w.-]+)=")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NO_XML: Final = re.compile(r"[^\t\n\r -\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""A character that is none of XML."""
_BEHIND_SQL: Final = re.compile(r"process|executionStack|frame|inputbuf|resource-list")
_LEVEL: Final = {
    "deadlock-list": 0, "deadlock": 1, "process-list": 2, "resource-list": 2, "process": 3,
    "executionStack": 4, "inputbuf": 4, "owner-list": 4, "waiter-list": 4,
    "frame": 5, "owner": 5, "waiter": 5,
}  # fmt: skip
_OF_RESOURCES: Final = 3


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the report, and the other one of the same process that stands right behind it."""
    first = _BEGINS.match(data, start)
    end = _report_end(data, start, another=another, is_all=is_all)
    if first is None or end is None:
        return end
    if not is_all and data.find(b"\n", end) < 0:
        return None  # the next line tells
    other = _BEGINS.match(data, end)
    if other is None or other["se_spid"] != first["se_spid"] or _is_listed(other) == _is_listed(first):
        return end
    return _report_end(data, end, another=another, is_all=is_all)


def _is_listed(first: re.Match[bytes]) -> bool:
    """Whether a report begins so that trace flag 1222 writes."""
    return b"deadlock-list" in first[0]


def _report_end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    if (first := _BEGINS.match(data, start)) is not None and not _is_listed(first):
        return _graph_end(data, first, another, is_all=is_all)
    return _list_end(data, start, another=another, is_all=is_all)


def _graph_end(
    data: bytes, first: re.Match[bytes], another: re.Pattern[bytes], *, is_all: bool
) -> int | None:
    """Behind the victim, or the last line before what another process writes."""
    at, is_last, is_sql = first.end(), False, False
    while at < len(data) and at - first.start() < _LONGEST:
        behind = data.find(b"\n", at) + 1
        if not behind and not is_all:
            return None
        line = _LINE_IN_BYTES.match(data, at)
        if line is None:
            is_blank = not data[at : behind or len(data)].strip()
            if not (is_blank or is_sql) or another.match(data, at) is not None or _TORN.match(data, at):
                return at
        elif line["spid"] != first["se_spid"] or _BEGINS.match(data, at):
            return at
        elif is_last and line["said"].strip():
            return behind or len(data)
        else:
            is_last |= line["said"].strip() == sqlserver_wait_graph.VICTIM
            is_sql = line["said"].lstrip().startswith(b"Input Buf:")
        at = behind or len(data)
    return at if is_all or at < len(data) else None


def _list_end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the last line of the process that writes it which the report can have."""
    at = data.find(b"\n", start) + 1
    first = _LINE_IN_BYTES.match(data, start)
    has_resources = False
    timed = first
    while first is not None and at:
        behind = data.find(b"\n", at) + 1
        if not behind and not is_all:
            return None
        line = _LINE_IN_BYTES.match(data, at)
        if line is None:
            # A statement of several lines; whatever else is written begins with a time.
            if has_resources or at == len(data) or _is_element(timed) or _TORN.match(data, at):
                return at
            if another.match(data, at) is not None:
                return at
        elif line["spid"] != first["spid"]:
            return at
        elif has_resources or b"-list" in line["said"]:
            found = _ELEMENT.fullmatch(line["said"].decode(errors="replace").strip())
            name = found["name"] if found else ""
            has_resources |= name == "resource-list"
            if name == "deadlock-list" or (has_resources and not name):
                return at
        timed = line or timed
        at = behind or len(data)
    return at or None


def _is_element(line: re.Match[bytes] | None) -> bool:
    """Whether no statement stands in this line."""
    return line is not None and _ELEMENT.fullmatch(line["said"].decode(errors="replace").strip()) is not None


class _Written:
    """Elements as XML, which a parser then may not take."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def start(self, name: str, attributes: list[tuple[str, str]]) -> None:
        """A tag."""
        about = "".join(f" {key}={quoteattr(value)}" for key, value in attributes)
        self._parts.append(f"<{name}{about}>")

    def data(self, text: str) -> None:
        """A text."""
        self._parts.append(escape(text))

    def end(self, name: str) -> None:
        """The tag at the end."""
        self._parts.append(f"</{name}>")

    def close(self) -> Element:
        """What they are in.

        Raises:
            ValueError: they are no XML.
        """
        return sqlserver_deadlock.parsed("".join(self._parts))


class _Built:
    """Elements as a parser would make them of XML."""

    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self.data, self.end = self._builder.data, self._builder.end
        self._builder.start("all", {})

    def start(self, name: str, attributes: list[tuple[str, str]]) -> None:
        """A tag; raises _UnfitError where a parser may not take it."""
        about = dict(attributes)
        if len(about) < len(attributes) or not (_is_name(name) and all(map(_is_name, about))):
            raise _UnfitError
        self._builder.start(name, about)

    def close(self) -> Element:
        """What they are in."""
        self._builder.end("all")
        return self._builder.close()


class _UnfitError(Exception):
    """What a parser may not take for XML."""


@lru_cache(1024)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    reports = _REPORTS.split(record)[1:]
    listed = next((one for one in reports if b"deadlock-list" in one.split(b"\n", 1)[0]), None)
    if listed is None:
        yield _graph(record)
        return
    text = (b"".join(reports) if len(reports) > 1 else record).decode()
    lines = [(line.strip(), _LINE.fullmatch(line)) for line in listed.decode().splitlines()]
    try:
        top = _elements(lines, _Written() if _NO_XML.search(text) else _Built())
    except _UnfitError:
        top = _elements(lines, _Written())
    time = next((written["time"] for _, written in lines if written), "")
    yield from sqlserver_deadlock.deadlocks(top, time, text)


def _graph(record: bytes) -> dict[str, Any]:
    lines = [_LINE.fullmatch(line) or line for line in record.decode().splitlines()]
    times = [line["time"] for line in lines if isinstance(line, re.Match)]
    said = "\n".join(line["said"] if isinstance(line, re.Match) else line for line in lines)
    return sqlserver_wait_graph.deadlock(said, times[0] if times else "")


def _elements(lines: list[tuple[str, re.Match[str] | None]], made: _Built | _Written) -> Element:
    """What is around the elements that lines are."""
    open_: list[str] = []
    for line, written in lines:
        said = written["said"].strip() if written else line
        found = _ELEMENT.fullmatch(said) if written else None
        is_sql = bool(open_) and open_[-1] in {"frame", "inputbuf"}
        if found is None or (is_sql and not _BEHIND_SQL.fullmatch(found["name"])):
            made.data(f"{said}\n")
            continue
        name = found["name"]
        level = _LEVEL.get(name, _OF_RESOURCES)
        while len(open_) > level:
            made.end(open_.pop())
        if len(open_) < level:
            raise ValueError(f"{name} without what it stands in; does the file begin within a record?")
        _, *parts = _ATTRIBUTE.split(found["about"])
        made.start(name, list(zip(parts[::2], parts[1::2], strict=True)))
        open_.append(name)
    for name in reversed(open_):
        made.end(name)
    return made.close()


_MAPPED: Final[JsonFormat] = sqlserver_deadlock.MAPPED

FORMAT = Transcoder(
    name="sqlserver_errorlog",
    format=replace(_MAPPED, name="sqlserver_errorlog"),
    starts=_STARTS,
    end=_end,
    transcode=_transcode,
)
