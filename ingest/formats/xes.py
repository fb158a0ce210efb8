"""XES (IEEE 1849), the event logs of process mining: `<event>` within `<trace>` within `<log>`.

A trace is a record, so that a log is read as it grows. Each of its events has the attributes of the trace
as well, with `case:` before their keys, as in tables that are exported from XES. What stands around traces
(extensions, classifiers, attributes of the log) holds no event. Source: IEEE 1849-2023.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element

from ingest.formats.base import Transcoder, made
from ingest.formats.sqlserver_deadlock import element_end, parsed

_DECLARED: Final = rb"(?:<\?xml [^\n>]*\?>[ \t]*)?"
_HEAD: Final = re.compile(rb"[ \t]*%b<log[\s>]" % _DECLARED)
_TRACE: Final = re.compile(rb"<trace[\s>]")
_END_OF_TRACE: Final = b"</trace>"
_BEHIND_HEAD: Final = re.compile(rb"<trace[\s/>]|</log>|(?<=\n)%b<log[\s>]" % _DECLARED)
_BEHIND: Final = re.compile(rb"[ \t]*(?:</log>|<!--)[^\n]*")
_LONGEST_HEAD: Final = 1 << 20
_NUMBERS: Final = {"int": int, "float": float}


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind a trace, or before the line with the first one."""
    line = data.find(b"\n", start) + 1
    head = _HEAD.match(data, start)
    if head is None:
        if line and _BEHIND.match(data, start):
            return line
        return element_end(data, start, another=another, is_all=is_all)
    first = _BEHIND_HEAD.search(data, head.end(), start + _LONGEST_HEAD)
    if first is None:
        may_come = not is_all and len(data) - start < _LONGEST_HEAD
        return None if may_come else line or len(data)
    if 0 < line <= first.start():
        return data.rfind(b"\n", start, first.start()) + 1
    return line or (len(data) if is_all else None)


def _value(attribute: Element) -> Any:
    """Of an attribute: with those within it, if it has any."""
    text = attribute.get("value")
    try:
        value: Any = _NUMBERS.get(attribute.tag, str)(text) if text is not None else None
    except ValueError:
        value = text
    inner = _attributes(attribute)
    if attribute.tag == "boolean" and text in ("true", "false"):
        value = text == "true"
    return value if not inner else inner if value is None else {"value": value, **inner}


def _attributes(holder: Element) -> dict[str, Any]:
    found = ((one.get("key"), _value(one)) for one in holder if one.tag != "event")
    return {key: value for key, value in found if key is not None}


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    *closed, behind = record.split(_END_OF_TRACE)
    traces = [part[begin.start() :] for part in closed if (begin := _TRACE.search(part))]
    if not traces and _TRACE.search(behind):
        raise ValueError("a torn trace")
    for trace in traces:
        [top] = parsed((trace + _END_OF_TRACE).decode())
        about = {f"case:{key}": value for key, value in _attributes(top).items()}
        for event in top.findall("event"):
            yield {**about, **_attributes(event)}


FORMAT = Transcoder(
    name="xes",
    format=made(
        name="xes",
        fields={
            "event_id": "identity:id",
            "occurred_at": "time:timestamp",
            "event_type": "concept:name",
            "node": "org:resource",
            "correlation_id": "case:concept:name",
            "stream_key": "case:concept:name",
        },
    ),
    starts=rb"[ \t]*(?:%b<log[\s>]|<trace[\s>]|</log>|<!--[^\n]*-->[ \t\r]*(?=\n|\Z))" % _DECLARED,
    end=_end,
    transcode=_transcode,
)
