"""Error log of MySQL and MariaDB as text, with the deadlocks that InnoDB prints into it.

`<time> <thread> [Note] [MY-012345] [InnoDB] text` (MySQL 8), `<time> <thread> [Note] InnoDB: text`
(MySQL 5.6 and 5.7, MariaDB), without thread before. With `innodb_print_all_deadlocks` a deadlock is
several such records in a row with lines between them that have no header: one event, from "deadlock
detected, dumping detailed information" to "WE ROLL BACK TRANSACTION". What other threads log
meanwhile are events of their own. A time without an offset is taken for UTC. Source: MySQL Reference
Manual, "Error Log Output Format"; MariaDB documentation, "Error Log".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import JsonFormat, Transcoder, behind_next, continued, made_once, simplest
from ingest.formats.given import given
from ingest.formats.innodb import DETECTED, ROLLED_BACK, deadlock

_TIME: Final = (
    rb"(?:\d{4}-\d\d-\d\d[T ][ \d]?\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?|\d{6} [ \d]\d:\d\d:\d\d)"
)
# Where the year has four digits a thread is named; without, it is a line of any program.
_LABELLED: Final = (
    rb"(?: (?P<thread>\d+|0x[0-9a-f]+)|(?<=\d{6} [ \d]\d:\d\d:\d\d))"
    rb" \[(?P<label>Note|Warning|ERROR|Error|System|Info)\]"
)
_HEADER: Final = re.compile(
    rb"(?P<time>%b)(?:%b(?: \[(?P<code>MY-\d+)\] \[(?P<subsystem>[^\]\n]+)\])?"
    rb"|(?: (?P<handle>[0-9a-f]+))? ?(?=InnoDB: )"
    rb"| (?=(?:mysqld|mariadbd)[-_]safe ))(?: ?(?P<system>InnoDB):)? ?(?P<text>[^\n]*)" % (_TIME, _LABELLED)
)
_STARTS: Final = re.sub(rb"\?P<\w+>", b"?:", _HEADER.pattern.removesuffix(rb" ?(?P<text>[^\n]*)"))
_DUMP: Final = re.compile(DETECTED)
_OPENING: Final = b"deadlock detected, dumping"
_ordinary_end: Final = continued(rb"[ \t]+\S|Version: '")
_LONGEST: Final = 256 << 10
"""Bytes of a dump, when nothing ends it."""


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the line, or behind the dump that follows it; a dump without its end is over where another
    thread goes on.
    """
    at = data.find(b"\n", start) + 1
    if not at:
        return None
    if not _begins_dump(_HEADER.match(data, start)):
        return _ordinary_end(data, start, another=another, is_all=is_all)
    if whole := _whole_end(data, start, at, another):
        return whole
    torn_at, thread = 0, _thread(_HEADER.match(data, start))
    while at - start < _LONGEST:
        follows = data.find(b"\n", at) + 1
        if not follows:
            if not is_all:
                return None
            follows = len(data)
        if follows <= at:
            break
        header = _HEADER.match(data, at)
        if header is None and another.match(data, at) and not data.startswith(b"***", at):
            break
        if _begins_dump(header):
            break
        if data.find(ROLLED_BACK, at, follows) >= 0:
            return follows
        if header is not None and _thread(header) != thread:
            torn_at = torn_at or at
        at = follows
    return torn_at or at


@made_once
def _foreign(another: re.Pattern[bytes]) -> re.Pattern[bytes]:
    """A line that begins like one of another record, and is none of the error log."""
    return re.compile(rb"\n(?!\*{3}|%b)(?=%b)" % (_STARTS, another.pattern))


def _whole_end(data: bytes, start: int, second: int, another: re.Pattern[bytes]) -> int:
    """Where a dump ends that is whole and holds lines of the error log only; 0: look closer."""
    last = data.find(ROLLED_BACK, second, start + _LONGEST)
    behind = data.find(b"\n", last) + 1
    if last < 0 or not behind or data.find(_OPENING, second, behind) >= 0:
        return 0
    end = behind_next(data, behind - 1)
    found = _foreign(simplest(another, data, second, end)).search(data, second - 1, end)
    return behind if found is None or found.end() >= behind else 0


def _thread(header: re.Match[bytes] | None) -> bytes | None:
    """Who wrote the line with this header."""
    return header and (header["thread"] or header["handle"])


def _begins_dump(header: re.Match[bytes] | None) -> bool:
    """Whether a dump follows the line with this header."""
    return header is not None and _DUMP.match(header["text"]) is not None


def _record_of(header: re.Match[bytes]) -> dict[str, Any]:
    """The fields of a line."""
    parts = {name: value.decode() for name, value in header.groupdict().items() if value}
    subsystem = parts.get("subsystem") or parts.get("system")
    fields = {
        "time": written(parts["time"]), "thread": parts.get("thread") or parts.get("handle"),
        "label": parts.get("label"), "err_code": parts.get("code"), "subsystem": subsystem,
        "msg": parts.get("text", "").rstrip("\r"),
    }  # fmt: skip
    return given(fields)


def written(time: str) -> str:
    """A time with the date and the hour in full: there is `120208  5:14:29` as well."""
    date, clock = time[: -len(" hh:mm:ss")], time[-len("hh:mm:ss") :]
    if len(date) == len("yymmdd"):
        return f"20{date[:2]}-{date[2:4]}-{date[4:]} {clock.replace(' ', '0')}"
    return re.sub(r"^(.{10}) +(\d):", r"\1 0\2:", time)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    first: dict[str, Any] = {}
    thread: bytes | None = None
    dump: list[bytes] = []
    meanwhile: list[dict[str, Any]] = []
    lines = record.splitlines()
    if not record.isascii():
        _check(lines)
    for line in lines:
        header = _HEADER.match(line)
        if header is None:
            dump.append(line)
        elif not first:
            first, thread = _record_of(header), _thread(header)
        elif _thread(header) == thread:
            dump.append(header["text"])
        else:
            meanwhile.append(_record_of(header))
    told = b"\n".join(dump).decode()
    if _DUMP.match(first["msg"].encode()):
        yield dumped(first, told)
    else:
        yield {**first, "msg": "\n".join([first["msg"], *([told] if dump else [])])}
    yield from meanwhile


def _check(lines: list[bytes]) -> None:
    """Raises ValueError for the first of its parts that is no UTF-8."""
    for line in lines:
        header = _HEADER.match(line)
        for part in [line] if header is None else header.groups(b""):
            part.decode()


def dumped(first: dict[str, Any], dump: str) -> dict[str, Any]:
    """The record of a deadlock: that before its dump, with what the dump tells."""
    told = deadlock(dump.strip("\n"))
    ids = [one["id"] for one in told["transactions"]]
    names = "+".join(ids) if all(ids) else ""
    time = first["time"]
    second = time[: len("yyyy-mm-dd hh:mm:ss")].replace("T", " ") if isinstance(time, str) else None
    is_named = names and second is not None
    made = {"id": f"innodb {second} {names}" if is_named else None, "operation": "deadlock"}
    return {**first, **{key: value for key, value in (made | told).items() if value not in (None, "", [])}}


def error_log(name: str, **other: Any) -> JsonFormat:
    """The format of records of the error log; their keys are those of `log_sink_json`."""
    settings: dict[str, Any] = {
        "name": name,
        "priority": 130,
        "match": lambda _: None,
        "by_name": False,
        "fields": {
            "event_id": (("id",),),
            "occurred_at": (("time",),),
            "severity": (("label",),),
            "message": (("msg",),),
            "lock_owner": (("victim",),),
            "lock_edges": (("lock_edges",),),
        },
        "inputs": {
            "thread": ("thread",),
            "code": ("err_code",),
            "subsystem": ("subsystem",),
            "operation_made": ("operation",),
        },
        "computed": {
            "node": "'thread ' || {thread}",
            "operation": "{operation_made}",
            "event_type": (
                "concat_ws('.', 'mysql', lower({severity}), CASE"
                " WHEN regexp_full_match({code}, '\\d+') THEN 'MY-' || lpad({code}, 6, '0') ELSE {code} END)"
            ),
        },
        "made": ("lock_edges", "operation", "id"),
    }
    return JsonFormat(**{**settings, **other})


FORMAT = Transcoder(
    name="mysql_text",
    format=error_log("mysql_text"),
    starts=_STARTS,
    end=_end,
    openings=(_OPENING,),
    transcode=_transcode,
)
