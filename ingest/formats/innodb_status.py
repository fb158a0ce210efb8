"""SHOW ENGINE INNODB STATUS, as a client or the monitor (`innodb_status_output`) prints it.

One event for the output; one more for its LATEST DETECTED DEADLOCK, at the time that stands there, so
that the deadlock which is printed again and again is one. Where the part about the deadlock stands
alone, as in the error log of version 5.5, only that. `mysql --batch` prints all of it in one line.
Source: MySQL Reference Manual, "InnoDB Standard Monitor and Lock Monitor Output".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import Transcoder, lines_with
from ingest.formats.innodb import ROLLED_BACK
from ingest.formats.mysql_text import dumped, error_log, written

_TIME: Final = rb"\d{4}-\d\d-\d\d [ \d]?\d:\d\d:\d\d|\d{6} [ \d]\d:\d\d:\d\d"
_HEAD: Final = re.compile(rb"(?P<time>%b) ?(?:(?:0x)?[0-9a-f]+ )?INNODB MONITOR OUTPUT" % _TIME)
_SECTION: Final = b"LATEST DETECTED DEADLOCK"
_TRANSACTION: Final = b"*** (1) TRANSACTION:"
_DETECTED_IN_5_5: Final = b"InnoDB: transactions deadlock detected, dumping detailed information."
"""Without a time, which stands on the next line."""
_ALONE: Final = rb"(?:%b|%b)\r?\n|%b" % (
    _SECTION, re.escape(_DETECTED_IN_5_5), re.escape(_TRANSACTION),
)  # fmt: skip
_RULE: Final = rb"={37}\r?\n"
_ROW: Final = rb"\*{27} \d+\. row \*{27}\r?\n"
_NAMES: Final = b"Type\tName\tStatus"
_BATCH: Final = rb"(?:%b\r?\n)?InnoDB\t[^\t\n]*\t(?:\\n)?={37}\\n" % _NAMES
_STARTS: Final = rb"%b|%b|%b|%b|%b" % (
    _HEAD.pattern.replace(b"?P<time>", b"?:"), _ROW, _RULE, _ALONE, _BATCH,
)  # fmt: skip
_ESCAPE: Final = re.compile(rb"\\([nt0\\])")
_ESCAPED: Final = {b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}
_ROLLED_BACK: Final = re.compile(rb"%b\d+\)(?P<rule>[^\n]*(?:\n|\Z))" % re.escape(ROLLED_BACK))
# A search that begins with a literal skips to it.
_LAST: Final = re.compile(
    rb"END OF INNODB MONITOR OUTPUT(?<=\nEND OF INNODB MONITOR OUTPUT)[^\n]*(?:\n|\Z)"
    rb"(?P<rule>=+[^\n]*(?:\n|\Z))?"
)
_DETECTED: Final = re.compile(
    rb"(?:%b|%b)\s+(?:-+\s+)?(?:(?P<time>%b)[^\n]*\n)?" % (_SECTION, re.escape(_DETECTED_IN_5_5), _TIME)
)
_LAST_OF_DUMP: Final = re.compile(rb"%b\d+\)" % re.escape(ROLLED_BACK))
_NEXT_SECTION: Final = re.compile(rb"\n-+\r?\n[A-Z][A-Z /]+\r?\n-+\r?\n|\nEND OF INNODB MONITOR OUTPUT")
_LINES_BEFORE: Final = 6
_LONGEST: Final = 4 << 20
"""Bytes."""


def _line_end(data: bytes, start: int) -> int:
    return data.find(b"\n", start) + 1 or len(data)


def _torn_at(data: bytes, start: int, end: int, another: re.Pattern[bytes], own: tuple[bytes, ...]) -> int:
    """Where a line before `end` starts a record that is no part of this one: each of `own` is, once."""
    left = list(own)
    for at in lines_with(another, data, start, end):
        part = next((one for one in left if data.startswith(one, at)), None)
        if part is None:
            return at
        left.remove(part)
    return end


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the output or the part of it; behind the first line when it is not whole."""
    head, first = start, _line_end(data, start)
    if data.startswith((b"InnoDB\t", _NAMES), start):
        behind = start if data.startswith(b"InnoDB\t", start) else first
        return data.find(b"\n", behind) + 1 or (len(data) if is_all else None)
    parts = (_SECTION, _DETECTED_IN_5_5)
    if data.startswith((*parts, b"***"), start) and not data.startswith(b"****", start):
        own: tuple[bytes, ...] = (_TRANSACTION,) if data.startswith(parts, start) else ()
        behind, last = first, _ROLLED_BACK
    else:
        lines, most = 0, _LINES_BEFORE if data.startswith(b"*", start) else 1
        while not _HEAD.match(data, head):
            head, lines = _line_end(data, head), lines + 1
            if head >= len(data) and not is_all:
                return None
            if lines > most or head >= len(data):
                return first
        own = (b"=" * 37, _SECTION, _TRANSACTION)
        behind, last = _line_end(data, head), _LAST
    found = last.search(data, head, behind + _LONGEST)
    limit = _torn_at(data, behind, found.end() if found else behind + _LONGEST, another, own)
    if found is not None and limit < found.end():
        found = last.search(data, head, limit)
    if found is None:
        return first if is_all or len(data) > limit else None
    # The end of the last line, or the rule below it, may not be there yet.
    is_whole = found[0].endswith(b"\n") and (found["rule"] is not None or data.find(b"\n", found.end()) >= 0)
    return found.end() if is_whole or is_all else None


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    if record.startswith((b"InnoDB\t", _NAMES)):
        *_, status = record.rstrip(b"\r\n").split(b"\t")
        record = _ESCAPE.sub(lambda found: _ESCAPED[found[1]], status)
    head = _HEAD.search(record)
    if head is not None:
        yield {
            "time": written(head["time"].decode()),
            "msg": "INNODB MONITOR OUTPUT",
            "status": record.decode().strip(),
        }
    found = _DETECTED.search(record)
    if found is None and head is None and not record.startswith(b"***"):
        raise ValueError("no output of the InnoDB monitor")
    if found is not None or head is None:
        begin = found.end() if found else 0
        last = _LAST_OF_DUMP.search(record, begin) if found else None
        # Some never say who was rolled back: a whole output goes on with another section.
        beyond = None if last or head is None else _NEXT_SECTION.search(record, begin)
        dump = record[begin : last.end() if last else beyond.start() if beyond else len(record)]
        told, time = dump.decode(), found["time"] if found else None
        if ROLLED_BACK not in dump and beyond is None:
            raise ValueError("a deadlock without its end; a torn record?")
        first = {"time": written(time.decode()) if time else "", "msg": "LATEST DETECTED DEADLOCK"}
        yield dumped(first, told)


FORMAT = Transcoder(
    name="innodb_status",
    format=error_log("innodb_status"),
    starts=_STARTS,
    end=_end,
    openings=(b"=" * 37, b"INNODB MONITOR OUTPUT", _SECTION, _TRANSACTION),
    transcode=_transcode,
)
