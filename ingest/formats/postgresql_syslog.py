"""PostgreSQL server log by way of syslog (`log_destination = 'syslog'`).

The server sends a report in chunks, one per line and 900 bytes, numbered `[report-chunk]` for each
process; chunks of several processes may stand between each other, and then are one record with
several events; lines of other programs that stand there are events with a text. A chunk that begins
with neither a tab nor a label goes on with the line before it. With `syslog_sequence_numbers = off` there
is the number of the chunk alone, with `syslog_split_messages = off` that of the report, whose line ends
are written `#012`.
Headers of RFC 3164, RFC 5424, rsyslog's with the time of ISO 8601, and Heroku's, which names the database;
control characters may be
written `#011`. A time without a year is no time unless `--year` is given: put %m into
`log_line_prefix`, which counts before the header. Source: PostgreSQL documentation,
`syslog_sequence_numbers`; elog.c; RFC 3164, RFC 5424.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ingest.formats.base import Transcoder
from ingest.formats.exact import whole
from ingest.formats.postgresql_labels import KEYS, OF_PARTS, PART_START, REPORT_START, is_odd_part, parted
from ingest.formats.postgresql_text import MAPPED, report
from ingest.formats.syslog_header import DATA, TIME

_OLD: Final = rb"(?:<\d{1,3}>)?%b \S+ [^\s:\[]+\[\d+\]: ?" % TIME
_NEW: Final = rb"<\d{1,3}>1 %b \S+ \S+ \d+ \S+ %b (?:\xef\xbb\xbf)?" % (TIME, DATA)
_HEROKU: Final = rb"%b app\[postgres\.\d+\]: \[[\w-]+\] " % TIME
_LINE: Final = re.compile(
    rb"(?P<before>(?:<(?P<priority>\d{1,3})>(?:1 )?)?(?P<time>%b) "
    rb"(?P<sender>(?:(?P<host>\S+) (?:(?P<tag>[^\s:\[]+)\[(?P<pid>\d+)\]: ?"
    rb"|(?P<app>\S+) (?P<procid>\d+) (?P<id>\S+) (?P<data>%b) (?:\xef\xbb\xbf)?)"
    rb"|app\[(?P<source>postgres)\.(?P<backend>\d+)\]: \[(?P<database>[\w-]+)\] )(?:\[(?P<report>\d+)-)?))"
    rb"(?:(?<=-)(?P<chunk>\d{1,9})\] (?(database) ?)|\[(?P<number>\d{1,9})\] )?(?P<text>[^\n]*+)"
    rb"(?(chunk)(?P<more>(?:\n(?P=before)(?:[2-9]|[1-9]\d{1,8})\] [^\n]*+)*+))" % (TIME, DATA)
)
"""A line, and as `more` those behind it that are chunks of the same report, with its time."""
_GOES_ON: Final = re.compile(rb"\t|#011|%b" % PART_START)
_WHOLE: Final = re.compile(REPORT_START)
_PART: Final = re.compile(OF_PARTS + b":  ")
_CONTROLS: Final = (("#011", "\t"), ("#012", "\n"), ("#015", ""))
"""The last may bring together what is none."""
_FIELDS: Final = {
    "priority": "priority", "time": "timestamp", "host": "host", "tag": "tag", "app": "tag", "pid": "pid",
    "procid": "pid", "id": "message_id", "data": "structured_data", "report": "report",
    "source": "tag", "backend": "pid", "database": "database",
}  # fmt: skip
"""Of a header, by the group: of two that are called the same one is there."""
_WINDOW: Final = 8 << 10
"""Bytes of other reports that may stand between two chunks of one."""


def _begins_a_part(text: bytes, prefix: bytes = b"") -> bool:
    """Whether it does, in a report whose message has this prefix, if it is known."""
    if prefix and text.startswith(prefix) and _PART.match(text, len(prefix)):
        return True
    return _GOES_ON.match(text) is not None or is_odd_part(text)


def _goes_on(line: re.Match[bytes]) -> bool:
    if line["chunk"] is not None:
        return int(line["chunk"]) > 1
    if _begins_a_part(line["text"]):
        return True
    # The number is that of a chunk; or of a report, which is whole then.
    is_chunk = line["number"] is not None and int(line["number"]) > 1
    return is_chunk and KEYS.get(parted(line["text"].decode(errors="replace"))[1]) != "message"


def _is_of_others(line: re.Match[bytes]) -> bool:
    """Whether it is a line of another program, and no event that is saved from a line of its own."""
    text = line["text"]
    is_report = line["chunk"] or line["number"] or _begins_a_part(text) or _WHOLE.match(text)
    return not is_report and b"{" not in text


class _Lines(dict[int, re.Match[bytes] | None]):
    """The lines of data by their starts, each matched once however often it is asked for."""

    def __init__(self, data: bytes):
        super().__init__()
        self._data = data

    def __missing__(self, at: int) -> re.Match[bytes] | None:
        self[at] = found = _LINE.match(self._data, at)
        return found


def _next_chunk(data: bytes, lines: _Lines, sender: bytes, start: int) -> int:
    """Where in the window from `start` on the line of a chunk stands that goes on; -1: nowhere."""
    at = start
    while (at := data.find(sender, at, start + _WINDOW)) >= 0:
        line = lines[data.rfind(b"\n", 0, at) + 1]
        if line is not None and line.start("sender") == at:
            return at if _goes_on(line) else -1
        at += 1
    return -1


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:  # noqa: ARG001 - as in base.py
    """Behind the last chunk of the report that starts at `start`, and of those that begin between."""
    lines = _Lines(data)
    senders: list[bytes] = []
    end = reach = start
    while True:
        between: list[bytes] = []
        behind = end
        while behind <= reach:
            line = lines[behind]
            if line is None:
                return end
            sender = line["sender"]
            is_known = sender in senders or sender in between
            if _goes_on(line):
                if senders and not is_known:
                    return end  # a chunk whose report is torn would spoil the others
            elif line["chunk"] or _WHOLE.match(line["text"]):
                between.append(sender)
                is_known = True
            elif senders and not _is_of_others(line):
                return end
            are_near = is_known and line.end("before") < behind + _WINDOW
            behind = data.find(b"\n", line.end() if are_near else line.end("text")) + 1
            if not behind:
                return len(data) if is_all else None
        senders += between
        end = behind
        if not senders:
            return end
        found = [at for sender in senders if (at := _next_chunk(data, lines, sender, end)) >= 0]
        if not found:
            return end if is_all or data.find(b"\n", end + _WINDOW) >= 0 else None
        reach = min(found)


@dataclass
class _Report:
    """The chunks of one report."""

    header: dict[str, Any]
    text: str = ""
    prefix: bytes = b""
    is_of_others: bool = False


def _header(line: re.Match[bytes]) -> dict[str, Any]:
    named = zip(_FIELDS.values(), line.group(*_FIELDS), strict=True)
    return {key: value.decode() for key, value in named if value and value != b"-"}


def _spelled(text: bytes) -> str:
    """With control characters as such."""
    spelled = text.decode()
    if "#0" in spelled:
        for written, control in _CONTROLS:
            spelled = spelled.replace(written, control)
    return spelled


def _added(chunks: Sequence[bytes], prefix: bytes) -> str:
    """The same of chunks that go on with others."""
    # A control character is spelled within one chunk; no chunk has line ends.
    joined = b"".join([b"\n" + one if _begins_a_part(one, prefix) else b"\r" + one for one in chunks])
    try:
        return _spelled(joined).replace("\r", "")
    except UnicodeDecodeError:
        return "".join(map(_spelled, chunks))  # which says where in its chunk


def _reports(record: bytes) -> list[_Report]:
    reports: dict[bytes, _Report] = {}
    done: list[_Report] = []
    data = b"\n".join(record.splitlines()) if b"\r" in record else record.removesuffix(b"\n")
    at = 0
    while at <= len(data):
        line = _LINE.match(data, at)
        if line is None:
            raise ValueError("a line without the header of syslog; a torn record?")
        sender, first, more = line.group("sender", "text", "more")
        text = _spelled(first)
        if done and _is_of_others(line):
            done.append(_Report(_header(line), text, is_of_others=True))
        elif not _goes_on(line):
            reports[sender] = _Report(_header(line), text, parted(text)[0].encode())
            done.append(reports[sender])
        elif sender not in reports:
            raise ValueError("goes on with a report that does not begin here; does the file begin within it?")
        else:
            reports[sender].text += _added([first], reports[sender].prefix)
        if more:
            _, *chunks = more.split(b"\n" + line["before"])
            margin = b" " if line["database"] else b""
            texts = [chunk.partition(b"] ")[2].removeprefix(margin) for chunk in chunks]
            reports[sender].text += _added(texts, reports[sender].prefix)
        at = line.end() + 1
    return done


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    for one in _reports(record):
        if one.is_of_others:
            said: dict[str, Any] = {"application_name": one.header["tag"], "message": one.text}
        else:
            said = report(one.text)
        said.setdefault("timestamp", one.header["timestamp"])
        said.setdefault("pid", whole(one.header["pid"]))
        said["syslog"] = one.header
        yield said


FORMAT = Transcoder(
    name="postgresql_syslog",
    format=replace(MAPPED, name="postgresql_syslog"),
    starts=rb"(?:%b|%b|%b)(?:\[\d+-\d+\] |%b)" % (_OLD, _NEW, _HEROKU, REPORT_START),
    end=_end,
    transcode=_transcode,
)
