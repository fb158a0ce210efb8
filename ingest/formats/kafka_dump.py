"""Kafka records as `kafka-dump-log --print-data-log` prints them from the segments of a partition.

`| offset: 42 CreateTime: 1795514307083 keySize: 7 ... headerKeys: [a] key: order-7 payload: {...}`, of which
the payload is read again as a record of its own. What stands around records (batches, the name of the
segment) is about none of them. Neither the topic nor the values of headers are printed. Source: Apache Kafka,
DumpLogSegments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ingest.formats.base import Envelope, Transcoder
from ingest.formats.exact import whole
from ingest.formats.kafka_console import FORMAT as CONSOLE

_RECORD: Final = re.compile(
    r"(?:\| )?offset: (?P<offset>\d+) (?P<rest>.*?)(?:headerKeys: \[(?P<headers>[^\[\]]*+)\])?"
    r"(?: key: (?P<key>.*?))?(?: payload: (?P<value>.*))?",
    re.DOTALL,
)
_TOLD: Final = re.compile(r"(?<!\w)(\w++): (\S++)")
_NO_TIME: Final = "-1"


def _envelope() -> Envelope:
    around = CONSOLE.format
    assert isinstance(around, Envelope)  # noqa: S101 - it is one
    return replace(around, name="kafka_dump", format=replace(around.format, name="kafka_dump"))


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    found = _RECORD.fullmatch(record.decode().rstrip("\r\n"))
    if found is None:
        return
    told = dict(_TOLD.findall(found["rest"]))
    time = told.pop("CreateTime", None) or told.pop("LogAppendTime", None)
    made = {
        "value": found["value"],
        "offset": whole(found["offset"]),
        "time": whole(time) if time and time != _NO_TIME else None,
        "key": found["key"],
        **told,
        "headerKeys": found["headers"],
    }
    yield {name: value for name, value in made.items() if value not in (None, "")}


FORMAT = Transcoder(
    name="kafka_dump",
    format=_envelope(),
    starts=(
        rb"(?:\| offset: \d+ |offset: \d+ (?:position|isValid|isvalid|CreateTime|LogAppendTime): "
        rb"|baseOffset: \d+ lastOffset: |Dumping [^\n]*\d{20}\.log\r?(?=\n|\Z)"
        rb"|(?:Log s|S)tarting offset: \d+\r?(?=\n|\Z))"
    ),
    transcode=_transcode,
)
