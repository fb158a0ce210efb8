"""The diagnostic log of IBM Db2, `db2diag.log`: a head, fields with a colon, and data up to an empty line.

A record is a deadlock by its code, SQLP_LDED; it does not say who waits for whom, and the functions through
which the code goes up may each log it. Source: IBM Db2 documentation, "Interpretation of diagnostic log file
entries".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import Transcoder, made
from ingest.formats.given import given

_HEAD: Final = (
    rb"[12]\d{3}-\d\d-\d\d-\d\d\.\d\d\.\d\d\.\d{6}(?:[+-]\d{3})?[ \t]+[A-Z]\d+[A-Z]\d+[ \t]+LEVEL: \w"
)
_FIRST: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)-(?P<clock>\d\d\.\d\d\.\d\d)\.(?P<fraction>\d{6})(?P<zone>[+-]\d{3})?\s+"
    r"(?P<record>\w+)\s+LEVEL: (?P<level>\w+)[^\n]*"
)
_FIELD: Final = re.compile(
    r"(?:^|(?<=\s))(?P<name>PID|TID|PROC|INSTANCE|NODE|DB|APPHDL|APPID|UOWID|ACTID|AUTHID|HOSTNAME|EDUID"
    r"|EDUNAME)\s*: *(?P<value>\S.*?)(?=\s+[A-Z]{2,8}\s*: |\s*$)",
    re.MULTILINE,
)
_SAID: Final = re.compile(
    r"^(?:MESSAGE|START|STOP|CHANGE|IMPACT|RETCODE) *: *(.+(?:\n[ \t]+\S.*)*)", re.MULTILINE
)
_FUNCTION: Final = re.compile(r"^FUNCTION *: *(.+?)\s*$", re.MULTILINE)
_MORE: Final = re.compile(rb"[ \t]+\S|[A-Z][A-Z]+(?: #\d+)? *: ?")
_DATA: Final = re.compile(rb"(?:DATA|ARG|CALLSTCK|CHANGE)\b")
_DEADLOCK: Final = "SQLP_LDED"
_MINUTES: Final = 60
_LONGEST: Final = 256 << 10
"""Bytes of a record, when nothing ends it."""


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the empty line, or before one that cannot be of the record; data may look like anything."""
    at, is_data = data.find(b"\n", start) + 1, False
    while 0 < at < len(data) and at - start < _LONGEST:
        behind = data.find(b"\n", at) + 1
        if not behind and not is_all:
            return None
        if not data[at : behind or len(data)].strip():
            return behind or len(data)
        is_data = is_data or _DATA.match(data, at) is not None
        if another.match(data, at) is not None or not (is_data or _MORE.match(data, at)):
            return at
        at = behind or len(data)
    return at if at and (is_all or at - start >= _LONGEST) else None


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    text = record.decode().replace("\r\n", "\n").strip()
    first = _FIRST.match(text)
    if first is None:
        raise ValueError("no head of a record of db2diag.log; a torn record?")
    fields = {one["name"].lower(): one["value"].strip() for one in _FIELD.finditer(text, first.end())}
    function, said = _FUNCTION.search(text), _SAID.findall(text)
    level = first["level"]
    clock = first["clock"].replace(".", ":")
    made = {
        "time": f"{first['day']}T{clock}.{first['fraction']}{_zone(first['zone'])}",
        "level": level, "record": first["record"],
        "type": f"db2.{level.lower()}", **fields, "function": function[1] if function else None,
        "message": " ".join(said[0].split()) if said else function[1] if function else None, "text": text,
    }  # fmt: skip
    if _DEADLOCK in text:
        made |= {"type": "error.deadlock", "operation": "deadlock"}
    yield given(made)


def _zone(minutes: str | None) -> str:
    """An offset that is written in minutes, as times are read."""
    if minutes is None:
        return ""
    hours, rest = divmod(int(minutes[1:]), _MINUTES)
    return f"{minutes[0]}{hours:02}:{rest:02}"


FORMAT = Transcoder(
    name="db2_diag",
    format=made(
        name="db2_diag",
        fields={
            "occurred_at": "time",
            "service": "instance",
            "node": ("hostname", "node"),
            "entity": "db",
            "event_type": "type",
            "severity": "level",
            "message": "message",
        },
        inputs={"operation_made": ("operation",)},
        computed={"operation": "{operation_made}"},
        made=("operation",),
    ),
    starts=_HEAD,
    end=_end,
    transcode=_transcode,
)
