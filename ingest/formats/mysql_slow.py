"""Slow query log of MySQL and MariaDB: `# Time:`, `# User@Host:`, `# Query_time: ...` and the statement.

A record is the lines with `#` and the statement behind them, up to a line with `;` at its end. Names are
those of the table `mysql.slow_log`. Where the time has no zone, as before MySQL 5.7 and in MariaDB, or is
left out in the same second, that of `SET timestamp` counts, which is in UTC. A line says when a server
started. Source: MySQL Reference Manual, "The Slow Query Log"; MariaDB documentation, "Slow Query Log
Overview".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import JsonFormat, Transcoder
from ingest.formats.exact import whole
from ingest.formats.mysql_text import written

_TIME: Final = rb"# Time: (?:\d{4}-\d\d-\d\dT\d|\d{6} [ \d]\d:)[^\n]*+"
_USER: Final = rb"# User@Host: [^\s\[]*\[[^\n]*+"
_PATH: Final = rb"(?:/[\w./-]{0,200}/|[A-Z]:\\[\w. \\-]{0,200}\\)?"
_STARTED: Final = rb"%b(?:mysqld|mariadbd)[\w.-]{0,80}, Version: [^\n]*+" % _PATH
_HEAD: Final = re.compile(
    rb"(?:%b\n)?%b\n(?:#(?! (?:administrator|Time: |User@Host: ))[^\n]*+\n)*+" % (_TIME, _USER)
)
_BANNER: Final = re.compile(
    rb"%b\n(?:(?i:tcp port): [^\n]*+\n)?(?:Time +Id +Command +Argument[^\n]*+\n)?" % _STARTED
)
_SETTINGS: Final = re.compile(rb"(?:(?i:use [^;\n]+|set timestamp=[\d.]+);\r?\n)*+")
_OVER: Final = re.compile(rb";[ \t]*\r?\n?\Z")
_LONGEST: Final = 1 << 20
"""Bytes of a statement, when nothing ends it."""
_PAIR: Final = re.compile(r"(\w+):(?: +(?!\w+:(?: |$))(\S+))?(?: +|$)")
_NAMED: Final = re.compile(r"[A-Z]\w*:")
_FROM: Final = re.compile(r"# User@Host: ([^\s\[]*)\[[^\]\n]*\] @ +(\S*?) *\[([^\]\n]*)\]")
_USED: Final = re.compile(r"use ([^;\n]+);\r?\n", re.IGNORECASE)
_SET: Final = re.compile(r"SET timestamp=(\d+(?:\.\d+)?);\r?\n?", re.IGNORECASE)
_LOGGED: Final = "# Time: "
_NUMBER: Final = re.compile(r"-?\d+")


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the first line that ends a statement; a torn one ends where another record begins."""
    head = _HEAD.match(data, start)
    found = head or _BANNER.match(data, start)
    at = found.end() if found else data.find(b"\n", start) + 1
    has_statement = head is not None and _is_whole(head[0])
    if has_statement and (settings := _SETTINGS.match(data, at)):
        at = settings.end()
    while has_statement and at < len(data) and at - start < _LONGEST and another.match(data, at) is None:
        follows = data.find(b"\n", at) + 1 or len(data)
        if _OVER.search(data, at, follows):
            return follows if is_all or data.endswith(b"\n", at, follows) else None
        at = follows
    # What is not there yet may belong to it.
    return at if at and (is_all or data.find(b"\n", at) >= 0) else None


def _is_whole(head: bytes) -> bool:
    """Whether a statement follows: what it took was told, and the last line is not torn."""
    last = head.rstrip().rpartition(b"\n")[2].decode(errors="replace").removeprefix("# ")
    is_torn = _NAMED.match(last) is not None and bool(_PAIR.sub("", last).strip() or last.endswith(":"))
    return b"\n# Query_time: " in head and not is_torn


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    head = _HEAD.match(record)
    if head is None:
        text = record.decode().rstrip("\r\n")
        if _BANNER.match(record + b"\n") is None:
            raise ValueError("a slow query of MySQL without its head; a torn record?")
        yield {"type": "mysql.started", "msg": text}
        return
    lines, statement = head[0].decode().splitlines(), record[head.end() :].decode()
    told: dict[str, Any] = {"type": "mysql.slow_query"}
    for line in lines:
        told |= _of_line(line, told.setdefault("comments", []))
    if used := _USED.match(statement):
        told["schema"], statement = used[1].strip("`"), statement[used.end() :]
    if at := _SET.match(statement):
        told["timestamp"], statement = at[1], statement[at.end() :]
    if "T" not in told.get("time", "T"):
        told["time" if at is None else "logged"] = written(told.pop("time"))
    told["sql_text"] = statement.removeprefix("# ").strip()
    yield {name: _value(value) for name, value in told.items() if value}


def _of_line(line: str, others: list[str]) -> dict[str, str]:
    """What a line with `#` says; other words go to `others`."""
    if line.startswith(_LOGGED):
        return {"time": line.removeprefix(_LOGGED).strip()}
    told: dict[str, str] = {}
    rest = line.removeprefix("#").strip()
    if found := _FROM.match(line):
        told, rest = {"user": found[1], "host": found[2] or found[3]}, line[found.end() :].strip()
    if _PAIR.sub("", rest):
        others.append(rest)
        return told
    return told | {name.lower(): value for name, value in _PAIR.findall(rest)}


def _value(text: Any) -> Any:
    return whole(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else text


FORMAT = Transcoder(
    name="mysql_slow",
    format=JsonFormat(
        name="mysql_slow",
        priority=130,
        match=lambda _: None,
        by_name=False,
        fields={
            "occurred_at": (("time",), ("timestamp",)),
            "event_type": (("type",),),
            "entity": (("schema",),),
            "message": (("sql_text",), ("msg",)),
        },
        inputs={"thread": ("id",), "thread_id": ("thread_id",)},
        computed={"node": "'thread ' || coalesce({thread}, {thread_id})"},
    ),
    starts=rb"(?:%b|%b|%b)" % (_TIME, _USER, _STARTED),
    end=_end,
    is_code=True,
    transcode=_transcode,
)
