"""RabbitMQ tracing plugin (`rabbitmq_tracing`), text log format: the records of the JSON format.

A record is a ruler of 80 `=`, a line with the time and what happened, fields, properties as Erlang
terms, and the payload as it was sent, which is told from what follows by the next ruler. Source:
rabbit_tracing_consumer.erl.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import orjson

from ingest.formats import erlang_terms, rabbitmq_trace
from ingest.formats.base import Transcoder
from ingest.formats.exact import whole
from ingest.formats.given import given

_RULER: Final = b"=" * 80
_HEADING: Final = rb"\d{4}-\d\d-\d\d[T ]\d{1,2}:\d\d:\d\d\S*: Message (?:published|received)"
_NAMES: Final = (
    rb"Node|Connection|Virtual host|User|Channel|Exchange|Routing keys|Queue|Routed queues|Properties"
)
# What stands before the payload; a term goes on in lines that begin with a space.
_HEAD: Final = re.compile(
    rb"(?:={80}[ \t]*\r?\n)?%b\r?\n(?:[ \t\r][^\n]*+\n|\n|(?:%b):[^\n]*+\n)*+" % (_HEADING, _NAMES)
)
_COLONS: Final = 3
_PAYLOAD: Final = re.compile(rb"Payload:[ \t]*\r?\n")
# A whole record as the plugin writes it; fields that are not always there may be missing.
_RECORD: Final = re.compile(
    r"(?:=++\s++)?([^\s=]\S{0,80} ?\S{0,80}): Message (\w++)\s*+"
    r"(?:Node:[ \t]*+([^\r\n]*+)\r?\n)?(?:Connection:[ \t]*+([^\r\n]*+)\r?\n)?"
    r"(?:Virtual host:[ \t]*+([^\r\n]*+)\r?\n)?"
    r"(?:User:[ \t]*+([^\r\n]*+)\r?\n)?(?:Channel:[ \t]*+(\d*+)[^\n]*+\n)?"
    r"(?:Exchange:[ \t]*+([^\r\n]*+)\r?\n)?"
    r"(?:Queue:[ \t]*+([^\r\n]*+)\r?\n)?(?:Routing keys:([^\n]*+\n(?:[ \t][^\n]*+\n)*+))?"
    r"(?:Queue:[ \t]*+([^\r\n]*+)\r?\n)?(?:Routed queues:([^\n]*+\n(?:[ \t][^\n]*+\n)*+))?"
    r"Properties:([^\n]*+\n(?:[ \t][^\n]*+\n)*+)Payload:[^\n]*+\n"
)


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Before the next ruler, or any line that starts a record of another kind.

    The first line of the payload may look like that, but for a ruler and what stands behind a hole. A
    torn record ends where its fields do.
    """
    head = _HEAD.match(data, start)
    if head is None:  # the ruler alone, or a ruler of something else
        second = data.find(b"\n", start) + 1
        whole = is_all or data.find(b"\n", second) >= 0
        return second if whole else None
    payload = _PAYLOAD.match(data, head.end())
    if payload is None:
        whole = is_all or data.find(b"\n", head.end()) >= 0
        return head.end() if whole else None
    at = payload.end()
    if not (data.startswith((_RULER, b"\0"), at) and another.match(data, at)):
        at = data.find(b"\n", at) + 1
    while at:
        if data.startswith(_RULER, at) or another.match(data, at):
            return at
        at = data.find(b"\n", at) + 1
    return len(data) if is_all else None


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    text = record.decode("utf-8", "surrogateescape")
    found = _RECORD.match(text)
    if found is None:
        raise ValueError(_reason(text))
    (
        time,
        kind,
        node,
        connection,
        vhost,
        user,
        channel,
        exchange,
        early_queue,
        keys,
        queue,
        routed,
        properties,
    ) = found.groups()
    event = {
        "timestamp": _iso(time),
        "type": kind,
        "node": node,
        "connection": connection,
        "vhost": vhost,
        "user": user,
        "channel": whole(channel) if channel else None,
        "exchange": exchange,
        "queue": queue or early_queue or "none",
        "routed_queues": erlang_terms.strings(routed) if routed else "none",
        "routing_keys": erlang_terms.strings(keys) if keys else [],
        "properties": erlang_terms.table(properties),
        "payload": _line_ended(text[found.end() :]),
    }
    if not text.isascii():
        _keep_bytes(event)
    # Older servers say neither connection nor channel.
    yield event if channel else given(event)


def _keep_bytes(event: dict[str, Any]) -> None:
    """Write what is no UTF-8 in a way that can be read back: the payload in base64, as in the JSON format."""
    raw = event["payload"].encode("utf-8", "surrogateescape")
    try:
        raw.decode()
    except UnicodeDecodeError:
        event["payload"] = base64.b64encode(raw).decode()
        event["payload_encoding"] = "base64"
    try:
        orjson.dumps(event)
    except orjson.JSONEncodeError as error:
        raise ValueError("fields that are not UTF-8") from error


def _iso(time: str) -> str:
    """`2026-03-10 0:00:06:123`, as older servers write, in a notation that is read faster."""
    day, _, clock = time.partition(" ")
    if clock.count(":") != _COLONS:
        return time
    clock, _, fraction = clock.rpartition(":")
    return f"{day}T{clock:0>8}.{fraction}Z"


def _reason(record: str) -> str:
    """Why a record cannot be read."""
    if not re.match(rf"(?:=++\s++)?{_HEADING.decode()}\s", record):
        return "no heading with a time"
    if "\nPayload:" not in record:
        return "no payload; a torn record?"
    return (
        "fields in an order that is not known"
        if "\nProperties:" in record
        else "no properties; a torn record?"
    )


def _line_ended(text: str) -> str:
    """Without the line end that the plugin puts behind it, and the empty line before the next record."""
    text = text.removesuffix("\n").removesuffix("\r")
    return text.removesuffix("\n").removesuffix("\r")


FORMAT = Transcoder(
    name="rabbitmq_trace_text",
    format=replace(rabbitmq_trace.FORMAT, name="rabbitmq_trace_text"),
    starts=rb"(?:={80}|%b)[ \t]*\r?\n" % _HEADING,
    end=_end,
    transcode=_transcode,
)
