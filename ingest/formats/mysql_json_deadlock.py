"""The parts of one InnoDB deadlock, which `log_sink_json` writes as several JSON lines in a row.

From "Transactions deadlock detected" to "WE ROLL BACK TRANSACTION", as far as they are of one
thread; what other threads log meanwhile are events of their own. Source: MySQL Reference Manual,
"Error Logging in JSON Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats import exact
from ingest.formats.base import Transcoder
from ingest.formats.innodb import DETECTED, ROLLED_BACK
from ingest.formats.mysql_text import dumped, error_log

_STARTS: Final = rb'\{(?=[^\n]*"err_code")[^\n]*"msg" ?: ?"(?:InnoDB: )?%b' % DETECTED
_DUMP: Final = re.compile(_STARTS)
_EVENT: Final = re.compile(rb'\{(?=[^\n]*"err_code")[^\n]*"msg" ?: ?"')
_OPENING: Final = b"deadlock detected, dumping detailed information"
_LINES: Final = 1_000


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:  # noqa: ARG001 - its own lines look like others
    """Behind the line that says who is rolled back; behind the first one when none does."""
    at = first = data.find(b"\n", start) + 1
    if not first:
        return None
    for _ in range(_LINES):
        follows = data.find(b"\n", at) + 1
        if not follows and not is_all:
            return None
        if not _EVENT.match(data, at):
            return first
        if data.find(_OPENING, at, follows or len(data)) >= 0 and _DUMP.match(data, at):
            return first
        if data.find(ROLLED_BACK, at, follows or len(data)) >= 0:
            return follows or len(data)
        if not follows:
            return first
        at = follows
    return first


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    first: dict[str, Any] = {}
    dump: list[str] = []
    parts: list[dict[str, Any]] = []
    meanwhile: list[dict[str, Any]] = []
    for line in record.splitlines():
        fields = exact.loads(line)
        if not first:
            first = fields
        elif fields.get("thread") == first.get("thread"):
            dump.append(str(fields.pop("msg", "")))
            parts.append(fields)
        else:
            meanwhile.append(fields)
    yield {**dumped({"time": "", **first}, "\n".join(dump)), "parts": parts}
    yield from meanwhile


FORMAT = Transcoder(
    name="mysql_json_deadlock",
    format=error_log("mysql_json_deadlock"),
    starts=_STARTS,
    end=_end,
    openings=(_OPENING,),
    transcode=_transcode,
)
