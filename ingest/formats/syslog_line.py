"""Lines by way of syslog: what stands behind the header is read as if it stood in a file by itself.

So are records of several lines, where those of one process in one minute follow each other; tabs at their
beginning may be written `#011`.

The host is the node and the program the service, where the line does not name them; what is no record
of a known format becomes an event with a text.
What an application says in structured data are fields, by their names, and the text is their message. The
cookie `@cee:` says only that JSON follows. A time without a year is no time unless `--year` is
given. PostgreSQL, whose reports come in chunks, has a format of its own.
Source: RFC 3164; RFC 5424; rsyslog, "mmjsonparse".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from ingest.formats.base import Envelope, Held, Transcoder, made
from ingest.formats.syslog_header import DATA, TIME
from ingest.formats.text_layouts import LEVEL

_NEW: Final = rb"<\d{1,3}>1 (?:%b|-) \S+ \S+ \S+ \S+ %b(?: |\r?(?:\n|\Z))" % (TIME, DATA)
# Loggers write `<time> INFO name: text` and `<time> name ERROR: text`.
_OLD: Final = rb"(?:<\d{1,3}>)?%b (?!%b )[^\s:\[][^\s:]* (?!%b:)[^\s:\[\]{}\"=]+(?:\[\d+\])?: " % (
    TIME, LEVEL.encode(), LEVEL.encode()
)  # fmt: skip
_LINE: Final = re.compile(
    rb"(?:<(?P<priority>\d{1,3})>(?:1 )?)?(?P<time>%b|-) (?P<host>\S+) "
    rb"(?:(?P<tag>[^\s:\[\]{}\"=]+)(?:\[(?P<pid>\d+)\])?: "
    rb"|(?P<app>\S+) (?P<procid>\S+) (?P<id>\S+) (?P<data>%b)(?: |$)(?:\xef\xbb\xbf)?)(?:@cee: ?(?=\{))?"
    rb"(?P<tabs>(?:#011)*)(?P<text>[^\n]*)" % (TIME, DATA)
)
_ELEMENT: Final = re.compile(r'\[(?P<id>[^ =\[\]"]++)(?P<params>(?: [^ =\]"]+="(?:[^"\\\]]|\\.)*+")*+)\]')
_PARAM: Final = re.compile(r' ([^ =\]"]+)="((?:[^"\\\]]|\\.)*+)"')
_ESCAPED: Final = re.compile(r'\\(["\\\]])')
_MESSAGE: Final = "message"
_TAB: Final = b"#011"
_SEVERITIES: Final = ("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG")
_ABOUT: Final = {
    "occurred_at": "{time}", "node": "{host}", "service": "{tag}", "severity": "{severity}",
}  # fmt: skip

_ENVELOPE: Final = Envelope(
    name="syslog_line",
    match=lambda _: False,
    held=("log",),
    format=made(
        name="syslog_line",
        fields={
            "occurred_at": "time", "node": "host", "service": "tag",
            "severity": "severity", "message": "log",
        },
    ),
    about=_ABOUT,
    inputs={name: (name,) for name in ("time", "host", "tag", "severity")},
)  # fmt: skip


def _peel(lines: Sequence[bytes]) -> list[Held | None]:
    return [found and (_sender(found), _text(found) + b"\n") for found in map(_LINE.match, lines)]


def _sender(line: re.Match[bytes]) -> tuple[Any, ...]:
    # What a process writes much later does not go on with the text before it.
    minute = line["time"].split(b":", 2)[:2]
    return (*minute, *line.group("host", "tag", "pid", "app", "procid"))


def _text(line: re.Match[bytes]) -> bytes:
    tabs, text = line.group("tabs", "text")
    if line["data"] and not text.startswith(b"{") and (params := _params(line["data"].decode())):
        return orjson.dumps({**params, _MESSAGE: text.rstrip(b"\r").decode()})
    return b"\t" * (len(tabs) // len(_TAB)) + text.rstrip(b"\r")


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    lines = [_LINE.match(line) for line in record.removesuffix(b"\n").split(b"\n")]
    found = [line for line in lines if line is not None]
    if len(found) < len(lines):
        raise ValueError("a line without the header of syslog")
    line, *more = found
    named = {
        "time": line["time"], "host": line["host"], "tag": line["tag"] or line["app"],
        "pid": line["pid"] or line["procid"], "message_id": line["id"], "structured_data": line["data"],
        "priority": line["priority"],
    }  # fmt: skip
    about: dict[str, Any] = {
        name: value.decode() for name, value in named.items() if value not in (None, b"-")
    }
    if line["priority"]:
        about["severity"] = _SEVERITIES[int(line["priority"]) % 8]
    if any(other["time"] != line["time"] for other in more):
        about["times"] = [one["time"].decode() for one in found]
    yield {"log": b"\n".join(map(_text, found)).decode(), **about}


def _params(data: str) -> dict[str, str]:
    """What an application says in elements of its own; those without an @ are of syslog."""
    found: dict[str, str] = {}
    for element in _ELEMENT.finditer(data):
        if "@" in element["id"]:
            found |= {name: _ESCAPED.sub(r"\1", value) for name, value in _PARAM.findall(element["params"])}
    return found


FORMAT = Transcoder(
    name="syslog_line",
    format=_ENVELOPE,
    starts=rb"(?:%b|%b)" % (_OLD, _NEW),
    peel=_peel,
    transcode=_transcode,
)
