"""Logs of everything that may stand in one: whole records of all formats, and garbage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from ingest.framing import frames

FORMATS: Final = Path(__file__).parent / "formats"


@dataclass(frozen=True)
class Piece:
    """A part of a log."""

    data: bytes
    format: str = ""
    """Of a whole record; empty: garbage."""


_PARTIAL: Final = re.compile(rb" std(?:out|err) P [^\n]*\n?\Z")
"""A part of a line of a container, of which more is to come: no whole record."""
_AROUND: Final = re.compile(rb"<\?xml |<!--|<log |</log>|Dumping |Log starting |baseOffset: ")
"""What stands around records of XES and in segments of Kafka, and is none."""


@cache
def records() -> tuple[Piece, ...]:
    """Every record of every format, as `formats/` has them."""
    found = {}
    for path in sorted(FORMATS.glob("*/*")):
        if path.name.endswith(".expected.json"):
            continue
        content = path.read_bytes()
        for start, end in pairwise(frames(content, is_all=True).tolist()):
            raw = content[start:end]
            is_open = raw.startswith(b"[") and not raw.rstrip().endswith(b"]")
            if raw.strip() and not is_open and not _PARTIAL.search(raw) and not _is_around(raw):
                found[raw] = Piece(_ended(raw), path.parent.name)
    return tuple(found.values())


def _is_around(raw: bytes) -> bool:
    return _AROUND.match(raw) is not None and b"<trace>" not in raw and b"<events>" not in raw


def _ended(data: bytes) -> bytes:
    return data if data.endswith(b"\n") else data + b"\n"


_PART: Final = rb"[^\n]*\b(?:DETAIL|HINT|QUERY|CONTEXT|LOCATION|BACKTRACE|STATEMENT):  "
_MORE_TEXT: Final = rb"[ \t]|[A-Za-z(|>#+\x80-\xff-]|[}\]]|\r?\n[TDcg]"
_GOES_ON: Final = {
    "postgresql_text": rb"\t|    |Process \d|" + _PART,  # tabs may have become spaces, or nothing
    "docker_json": rb'\{"log":',
    "journald": rb'\{"(?:__|_|MESSAGE)',
    "cri_log": rb"\S+ std(?:out|err) ",
    "postgresql_syslog": rb"[^\n]*(?:\[\d+-\d+\] |#011|\t|%b)" % _PART,
    "mysql_text": rb"[ \t]|Version: '",
    "java_thread_dump": rb'["\t }\r\n=]|0x|_|JNI|Thr|Java|Found|Heap',
    "javacore": b"NULL|[1-9][A-Z]{2}|0SECTION",
    "oracle_trace": rb"[ \t\r\n]|\*\*\*|[=-]{5}|[A-Za-z]",
    "innodb_status": b"=",
    "rabbitmq_trace_text": b"",  # a payload may be anything
    "timestamped_text": _MORE_TEXT,
    "terminal_colours": _MORE_TEXT,
}
"""Format -> how lines begin that its records go on with, if they follow: nobody can tell."""
_TAKES_ANYTHING: Final = frozenset(
    {"mysql_text", "innodb_status", "rabbitmq_trace_text", "oracle_trace", "db2_diag"}
)
"""Formats of which a torn record may hold any line, so that it takes what follows for its own."""
TEXTS: Final = (
    "plain text", "    at com.example.Main(Main.java:3)", "\ttext", "}", "]", "{", "[", "{}", "[]", "null",
    '"', '"a": 1,', "", " ", "\r", "====", "=" * 80, "=" * 37, "<a>", "</event>", "Payload:", "***", "-",
    ",", "'",     "2026-03-10 00:00:06", '{"a":1}x', '{"a"',
    '<14>1 x - [1-1] ', '10.0.0.7 - - [10/Mar/2026:00:00:06] "GET /"',
)  # fmt: skip
"""Lines of nothing that is known."""


def goes_on(record: Piece, following: bytes) -> bool:
    """Whether garbage that follows a record reads as more of it."""
    more = _GOES_ON.get(record.format)
    return more is not None and re.compile(rb"\0*(?:%b)" % more).match(following) is not None


def _torn(record: Piece, share: float) -> bytes:
    return record.data[: int(len(record.data) * share)]


def _half(record: Piece, share: float, is_second: bool) -> bytes:
    lines = record.data.splitlines(keepends=True)
    at = max(1, int(len(lines) * share))
    return b"".join(lines[at:] if is_second else lines[:at])


def garbage() -> st.SearchStrategy[Piece]:
    """What is no whole record, up to a line end; a hole ends without one."""
    whole = st.sampled_from([record for record in records() if record.format not in _TAKES_ANYTHING])
    share = st.floats(0, 1, exclude_max=True)
    torn = st.builds(_torn, whole, share)
    half = st.builds(_half, whole, share, st.booleans())
    glued = st.builds(lambda head, tail: head + tail.data, torn, whole)
    tail = st.builds(lambda record, part: record.data[int(len(record.data) * part) :], whole, share)
    noise = st.binary(max_size=60) | st.sampled_from(TEXTS).map(str.encode)
    hole = st.integers(1, 60).map(lambda count: Piece(b"\0" * count))
    return st.one_of(torn, glued, half, tail, noise).map(lambda data: Piece(_ended(data))) | hole


def mixtures(most: int) -> st.SearchStrategy[list[Piece]]:
    """Up to so many pieces of a log, as they follow each other."""
    return st.lists(st.sampled_from(records()) | garbage(), min_size=1, max_size=most)
