"""Deadlocks in trace files of Oracle Database (ORA-00060), from the time above to the end of the report.

Each line of the graph is a resource, who has it and who waits for it; who gives way is whose trace it is: the
session that is told above, or the only one that is not among "the OTHER waiting sessions". The dump of the
process behind the report is part of it. Of other parts of a trace those lines are read that say when, or
which file it is. Source: Oracle Database, "Monitoring Errors with Trace Files and the Alert Log"; My Oracle
Support, note 62365.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import Transcoder, made
from ingest.formats.given import given

_TIME: Final = rb"[12]\d{3}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{3,9}(?:[+-]\d\d:\d\d)?"
_AT: Final = rb"(?:\*\*\* %b(?: \([^\n]*\))?|%b\*:\w+\.c@\d+:\w+\(\):)[ \t]*\r?\n" % (_TIME, _TIME)
_ABOUT: Final = rb"\*\*\* [A-Z ]{2,20}:\([^\n]*\) %b" % _TIME
_SAID: Final = "DEADLOCK DETECTED ( ORA-00060 )"
_DETECTED: Final = re.escape(_SAID.encode())
_FILE: Final = rb"Trace file [^\n]+\.tr[cm][ \t]*\r?\n"
_STARTS: Final = rb"%b|%b|%b|%b" % (_AT, _ABOUT, _DETECTED, _FILE)
_HEADER: Final = re.compile(rb"(?:%b|%b[^\n]*\n|[ \t]*\r?\n)*+(?=%b)" % (_AT, _ABOUT, _DETECTED))
_HEADER_ALONE: Final = re.compile(rb"(?:%b|%b[^\n]*\n)++" % (_AT, _ABOUT))
_HEADER_SO_FAR: Final = re.compile(rb"(?:%b|%b[^\n]*\n|[ \t]*\r?\n)*+[^\n]*\Z" % (_AT, _ABOUT))
_OF_FILE: Final = re.compile(
    rb"[A-Z][\w ]{2,30}:[^\n]*\n|(?:Oracle|Version|With|Build|and) [^\n]*\n|ORACLE_HOME[^\n]*\n"
)
_OF_REPORT: Final = re.compile(
    rb"[ \t]+\S|[ \t]*\r?\n|See Note |\[\w+ Deadlock\]|The following|deadlock due |to user error |or from "
    rb"|information |Deadlock graph:|Resource Name |[A-Z]{2}-[0-9A-Fa-f]{2,}-|[Ss]ession \d+:"
    rb"|Rows waited on:|-----|Information |[Cc]urrent SQL"
)
_SQL: Final = re.compile(rb"[ \t-]*[Cc]urrent SQL\b[^\n]*[:-][ \t]*\r?\n")
_RULER: Final = re.compile(rb"={20,}[ \t]*\r?\n")
_DUMP: Final = b"PROCESS STATE"
_LONGEST: Final = 4 << 20
"""Bytes of a report and the dump behind it."""
_WAIT: Final = re.compile(
    r"^(?P<resource>[A-Z]{2}-[0-9A-Fa-f-]+)\s+\d+\s+(?P<holder>\d+)(?:\s+[A-Z]+)*(?:\s+\d+)?"
    r"\s+\d+\s+(?P<waiter>\d+)(?:\s+[A-Z]+)*\s+(?P<mode>[A-Z]+)(?:\s+\d+)?\s*$",
    re.MULTILINE,
)
_SESSION: Final = re.compile(r"\s*Session (\d+):\s*$")
_SESSION_ID: Final = re.compile(r"\*\*\* SESSION ID:\((\d+)\.")
_OTHERS: Final = re.compile(r"(?i)information (?:for|on) the other waiting sessions")


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the report; behind the lines that say when, or which file it is, where none follows."""
    if data.startswith(b"Trace file ", start):
        return _lines(data, start, _OF_FILE, is_all=is_all)
    header = _HEADER.match(data, start)
    if header is None:
        alone = _HEADER_ALONE.match(data, start)
        is_open = not is_all and _HEADER_SO_FAR.match(data, start) is not None
        return None if is_open or alone is None else alone.end()
    at, limit = data.find(b"\n", header.end()) + 1, start + _LONGEST
    is_sql = is_dump = False
    while 0 < at < min(limit, len(data)):
        behind = data.find(b"\n", at) + 1
        if not behind and not is_all:
            return None
        if another.match(data, at) is not None:
            return at
        if _RULER.match(data, at) and not is_dump:
            if len(data) < behind + len(_DUMP) and not is_all:
                return None
            if not data.startswith(_DUMP, behind):
                return behind
            is_dump = True
        is_blank = not data[at : behind or len(data)].strip()
        is_sql = _SQL.match(data, at) is not None or (is_sql and not is_blank)
        if not (is_dump or is_sql or _OF_REPORT.match(data, at)):
            return at
        at = behind or len(data)
    return (at or len(data)) if is_all or at >= limit else None


def _lines(data: bytes, start: int, like: re.Pattern[bytes], *, is_all: bool) -> int | None:
    """Behind the first line and those like this that follow it."""
    at = data.find(b"\n", start) + 1
    while at and (found := like.match(data, at)) is not None:
        at = found.end()
    return at if is_all or data.find(b"\n", at) >= 0 else None


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    text = record.decode()
    head, detected, report = text.partition(_SAID)
    times = re.findall(_TIME.decode(), head)
    told = {"time": times[-1]} if times else {}
    if not detected:
        yield {**told, "type": "oracle.trace", "message": text.strip()}
        return
    waits = list(_WAIT.finditer(report))
    if not waits:
        raise ValueError("a deadlock without its graph; a torn report?")
    sessions = {one["waiter"] for one in waits}
    statements, victim = _statements(report), _victim(head, report, sessions)
    if victim and "" in statements:
        statements.setdefault(victim, statements.pop(""))
    made = {
        **told, "id": f"oracle {times[-1]} {'+'.join(sorted(sessions))}" if times else None,
        "type": "oracle.deadlock", "operation": "deadlock", "message": detected, "victim": victim,
        "lock_edges": [_edge(one, statements) for one in waits], "report": text.strip(),
    }  # fmt: skip
    yield given(made)


def _edge(wait: re.Match[str], statements: dict[str, str]) -> dict[str, Any]:
    edge = {
        "owner": wait["waiter"], "resource": wait["resource"], "mode": wait["mode"],
        "blocked_by": wait["holder"], "statement": statements.get(wait["waiter"]),
    }  # fmt: skip
    return given(edge)


def _victim(head: str, report: str, sessions: set[str]) -> str | None:
    """Whose trace it is."""
    own = [one for one in _SESSION_ID.findall(head) if one in sessions]
    _, *others = _OTHERS.split(report, maxsplit=1)
    named = {found[1] for one in others for line in one.splitlines() if (found := _SESSION.match(line))}
    left = own[-1:] or [one for one in sessions - named if named]
    return left[0] if len(left) == 1 else None


def _statements(report: str) -> dict[str, str]:
    """Session -> what it runs; of whose trace it is under no name."""
    found: dict[str, list[str]] = {}
    session, is_sql = "", False
    for line in report.splitlines():
        if named := _SESSION.match(line):
            session, is_sql = named[1], False
            continue
        if "this session" in line.lower():
            session = ""
        if re.match(r"[\s-]*[Cc]urrent SQL\b", line):
            is_sql = True
            found[session] = []
        elif not line.strip() or line.startswith(("-----", "=====")):
            is_sql = False
        elif is_sql:
            found[session].append(line.strip())
    return {name: "\n".join(lines) for name, lines in found.items() if lines}


FORMAT = Transcoder(
    name="oracle_trace",
    format=made(
        name="oracle_trace",
        fields={
            "event_id": "id",
            "occurred_at": "time",
            "event_type": "type",
            "message": "message",
            "lock_owner": "victim",
            "lock_edges": "lock_edges",
        },
        inputs={"operation_made": ("operation",)},
        computed={"operation": "{operation_made}"},
        made=("id", "operation", "lock_edges"),
    ),
    starts=_STARTS,
    end=_end,
    transcode=_transcode,
)
