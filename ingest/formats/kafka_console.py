"""Kafka records as `kafka-console-consumer` prints them with `print.timestamp` and its like: tabs between.

`CreateTime:1795514307083 TAB Partition:0 TAB Offset:42 TAB headers TAB key TAB value`, of which any may be
left out. The value is read again as a record of its own; headers mean what their names say. The topic is
not printed, without which an offset numbers nothing. Source: Apache Kafka, DefaultMessageFormatter of the
console consumer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import Envelope, Transcoder, made
from ingest.formats.exact import whole
from ingest.formats.kcat import KEY, TRACE

_PLACES: Final = (
    ("time", re.compile(r"(?:CreateTime|LogAppendTime):(\d+)|NO_TIMESTAMP")),
    ("partition", re.compile(r"Partition:(\d+)")),
    ("offset", re.compile(r"Offset:(\d+)")),
)
_HEADERS: Final = re.compile(r"NO_HEADERS|[\w.-]+:[^,]*(?:,[\w.-]+:[^,]*)*")
_BOTH: Final = 2

_ENVELOPE: Final = Envelope(
    name="kafka_console",
    match=lambda _: False,
    held=("value",),
    format=made(
        name="kafka_console",
        fields={"occurred_at": "time", "stream_key": "key", "message": "value"},
        inputs={"partition": ("partition",)},
        derived={"stream_key": "coalesce({stream_key}, {partition})"},
    ),
    about={
        "occurred_at": "{time}",
        "stream_key": "{partition}",
        "correlation_id": TRACE,
    },
    above={"stream_key": KEY},
    headers="headers",
    inputs={
        "time": ("time",),
        "partition": ("partition",),
        "key": ("key",),
        "traceparent": ("headers", "traceparent"),
    },
)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    columns = record.decode().rstrip("\r\n").split("\t")
    told: dict[str, Any] = {}
    for name, pattern in _PLACES:
        if columns and (found := pattern.fullmatch(columns[0])):
            columns.pop(0)
            told |= {name: whole(found[1])} if found[1] else {}
    begins = [number for number, column in enumerate(columns) if column.startswith("{")]
    # A key may be an object as well.
    value = begins[min(1, len(begins) - 1)] if begins and begins[0] <= _BOTH else len(columns) - 1
    before = columns[: max(0, value)]
    if len(before) == _BOTH or "NO_HEADERS" in before:
        headers = before.pop(0)
        if _HEADERS.fullmatch(headers) and headers != "NO_HEADERS":
            told["headers"] = dict(one.split(":", 1) for one in headers.split(","))
    if before and before[0] != "null":
        told["key"] = "\t".join(before)
    yield {"value": "\t".join(columns[max(0, value) :]), **told}


FORMAT = Transcoder(
    name="kafka_console",
    format=_ENVELOPE,
    starts=rb"(?:(?:CreateTime|LogAppendTime):\d+|NO_TIMESTAMP|Partition:\d+|Offset:\d+)\t",
    transcode=_transcode,
)
