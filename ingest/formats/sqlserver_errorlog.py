"""Deadlocks in the error log of SQL Server, as trace flag 1222 writes them: a line for each element.

What its elements say is that of the graph as XML (sqlserver_deadlock.py), so it is read as one. Every line
begins with a time and the process that writes; the report ends with the waiters of its last resource.
Source: SQL Server documentation, "Deadlocks guide", trace flag 1222.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from ingest.formats import sqlserver_deadlock
from ingest.formats.base import JsonFormat, Transcoder

_HEAD: Final = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+[ \t]+(?P<se_spid>spid\d+s?)[ \t]+"
_STARTS: Final = _HEAD + rb"deadlock-list[ \t]*\r?$"
_LINE: Final = re.compile(
    rb"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)[ \t]+(?P<spid>spid\d+s?)[ \t]+(?P<said>.*)"
)
_RESOURCE: Final = r"\w+lock|exchangeEvent|threadpool|SyncPoint|resourceWait|\w+Event"
_ELEMENT: Final = re.compile(
    rf"(?P<name>deadlock-list|deadlock|process-list|process|executionStack|frame|inputbuf|resource-list"
    rf"|owner-list|owner|waiter-list|waiter|{_RESOURCE})(?P<about>(?: [\w.-]+=.*)?)"
)
_ATTRIBUTE: Final = re.compile(r" ([\w.-]+)=(.*?)(?= [\w.-]+=|$)")
_BEHIND_SQL: Final = re.compile(r"process|executionStack|frame|inputbuf|resource-list")
_LEVEL: Final = {
    "deadlock-list": 0, "deadlock": 1, "process-list": 2, "resource-list": 2, "process": 3,
    "executionStack": 4, "inputbuf": 4, "owner-list": 4, "waiter-list": 4,
    "frame": 5, "owner": 5, "waiter": 5,
}  # fmt: skip
_OF_RESOURCES: Final = 3


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the last line of the process that writes it which the report can have."""
    at = data.find(b"\n", start) + 1
    first = _LINE.match(data, start)
    has_resources = False
    while first is not None and at:
        behind = data.find(b"\n", at) + 1
        if not behind and not is_all:
            return None
        line = _LINE.match(data, at)
        if line is None:
            # A statement of several lines; whatever else is written begins with a time.
            if has_resources or at == len(data) or another.match(data, at) is not None:
                return at
        elif line["spid"] != first["spid"]:
            return at
        else:
            found = _ELEMENT.fullmatch(line["said"].decode(errors="replace").strip())
            name = found["name"] if found else ""
            has_resources |= name == "resource-list"
            if name == "deadlock-list" or (has_resources and not name):
                return at
        at = behind or len(data)
    return at or None


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    text = record.decode()
    time = ""
    open_: list[str] = []
    parts: list[str] = []
    for line in text.splitlines():
        written = _LINE.fullmatch(line.encode())
        said = (written["said"].decode() if written else line).strip()
        if written and not time:
            time = written["time"].decode()
        found = _ELEMENT.fullmatch(said) if written else None
        is_sql = bool(open_) and open_[-1] in {"frame", "inputbuf"}
        if found is None or (is_sql and not _BEHIND_SQL.fullmatch(found["name"])):
            parts.append(escape(said) + "\n")
            continue
        name = found["name"]
        level = _LEVEL.get(name, _OF_RESOURCES)
        while len(open_) > level:
            parts.append(f"</{open_.pop()}>")
        if len(open_) < level:
            raise ValueError(f"{name} without what it stands in; does the file begin within a record?")
        about = "".join(f" {key}={quoteattr(value)}" for key, value in _ATTRIBUTE.findall(found["about"]))
        parts.append(f"<{name}{about}>")
        open_.append(name)
    parts += [f"</{name}>" for name in reversed(open_)]
    yield from sqlserver_deadlock.deadlocks(sqlserver_deadlock.parsed("".join(parts)), time, text)


_MAPPED: Final[JsonFormat] = sqlserver_deadlock.MAPPED

FORMAT = Transcoder(
    name="sqlserver_errorlog",
    format=replace(_MAPPED, name="sqlserver_errorlog"),
    starts=_STARTS.replace(rb"\r?$", rb"\r?\n"),
    end=_end,
    transcode=_transcode,
)
