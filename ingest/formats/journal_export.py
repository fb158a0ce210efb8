"""systemd's journal as `journalctl -o export` writes it: a field per line, an empty line behind each entry.

A value that holds line ends or other control characters stands behind its name on a line, and its size as
eight bytes. Becomes what journald becomes. Source: systemd, "Journal Export Formats".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ingest.formats import journald
from ingest.formats.base import Transcoder

_STARTS: Final = rb"__(?:CURSOR=\S|REALTIME_TIMESTAMP=\d{16}\r?\n)"
_NAME: Final = re.compile(rb"[A-Z_][A-Z0-9_]*")
_FIELD: Final = re.compile(rb"[A-Z_][A-Z0-9_]*+\r?[=\n]")
_SIZE: Final = 8
_LARGEST: Final = 1 << 24
"""Bytes of a value; what says more was torn."""


def _behind_field(data: bytes, start: int) -> int | None:
    """Where the field ends that starts there; None: behind data."""
    line_end = data.find(b"\n", start)
    if line_end < 0:
        return None
    if _NAME.fullmatch(data, start, line_end) is None:
        return line_end + 1
    size = int.from_bytes(data[line_end + 1 : line_end + 1 + _SIZE], "little")
    if size > _LARGEST:
        return line_end + 1
    end = line_end + 1 + _SIZE + size + 1
    if end > len(data):
        return None
    return end if data[end - 1 : end] == b"\n" else line_end + 1


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:  # noqa: ARG001 - fields look like nothing else
    at = _behind_field(data, start)
    while at is not None and at < len(data):
        if data.startswith((b"\n", b"\r\n", b"__CURSOR="), at):
            return at
        if _FIELD.match(data, at) is None:
            return at if is_all or data.find(b"\n", at) >= 0 else None
        at = _behind_field(data, at)
    if not is_all:
        return None
    # A value that was torn may say that it goes on over the entries behind it.
    return data.find(b"\n__CURSOR=", start) + 1 or len(data)


def _text(value: bytes) -> str | list[int]:
    """As in JSON: the list of its bytes where it is no text."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return list(value)


def _fields(record: bytes) -> Iterator[tuple[str, str | list[int]]]:
    at = 0
    while at < len(record):
        end = _behind_field(record, at)
        if end is None:
            raise ValueError("a value is shorter than it says; a torn entry?")
        field = record[at:end]
        at = end
        name, separator, value = field.rstrip(b"\r\n").partition(b"=")
        first = field.find(b"\n")
        if _NAME.fullmatch(field[:first]):
            name, separator, value = field[:first], b"=", field[first + 1 + _SIZE : -1]
        if not separator or _NAME.fullmatch(name) is None:
            raise ValueError("a line is no field of the journal; a torn entry?")
        yield name.decode(), _text(value)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    entry: dict[str, Any] = {}
    for name, value in _fields(record):
        entry.setdefault(name, value)
    if "__REALTIME_TIMESTAMP" not in entry:
        raise ValueError("an entry of the journal without its time; a torn entry?")
    yield entry


FORMAT = Transcoder(
    name="journal_export",
    format=replace(
        journald.FORMAT,
        name="journal_export",
        match=lambda _: False,
        sender=(),
        beside=b"",
        format=replace(journald.FORMAT.format, name="journal_export"),
    ),
    starts=_STARTS,
    end=_end,
    needs=(b"__CURSOR=", b"__REALTIME_TIMESTAMP="),
    transcode=_transcode,
)
