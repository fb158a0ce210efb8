"""Files whose first line names their columns: CSV, W3C extended logs, Zeek's TSV.

What is a header depends on the first bytes of a file alone, so that every batch of it is read by the same
names. A row becomes an object with these names for keys; what an object means is told as of any JSON line.
Sources: RFC 4180; W3C, "Extended Log File Format"; Zeek, "Log formats".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import orjson

from ingest.bounds import MARK, Bounds, by_lines, without_inner
from ingest.identity import HEAD_BYTES
from ingest.vocabulary import GENERIC

_HOLLOW: Final = b"\0 \t\r\n"
_LEAST: Final = 3
"""So many names make a header; a time and a value alone are a series of measurements."""
_MOST_LINES: Final = 256
_MOST_BYTES: Final = 256 << 10
"""A row of more goes to quarantine line by line: most likely a quote was torn."""
_DELIMITERS: Final = ",;\t|"
_NAME: Final = re.compile(r"(?!.*\d\d:\d\d)[_@]?[^\W\d_][^,;|\"{}=<>\\\x00-\x1f]{0,63}")
_DIRECTIVE: Final = re.compile(
    rb"#(?:(?i:version|software|date|fields|remark|start-date|end-date|gmt-offset|system|log-type)[ \t]*:"
    rb"|separator[ \t]\\x[0-9a-fA-F]{2}\r?(?:\n|\Z))"
)
_SEPARATOR: Final = re.compile(rb"#separator[ \t]\\x([0-9a-fA-F]{2})\r?\n")
_FIELDS: Final = re.compile(rb"\n#(?:(?i:fields)[ \t]*:|fields[^\w:\n])([^\n]*)(?=\n)")
"""The directive that names columns, behind a line end; its own line is whole."""
_QUOTED: Final = rb'"[^"]*+(?:""[^"]*+)*+'
"""A field in quotes up to the one that closes it."""
_CLOCK: Final = re.compile(r"\d\d?:\d\d")
_TIME: Final = re.compile(rb'"?[12]\d{3}-\d\d-\d\d[T ]\d\d:\d\d')
_COUNT: Final = re.compile(r"0|[1-9]\d{0,17}")


class RowError(ValueError):
    """A row does not fit the header; says why."""


@dataclass(frozen=True)
class Columns:
    """How the rows of a file are cut, and what their fields are called."""

    names: tuple[str, ...]
    delimiter: str
    """Empty: tabs where a row has one, else spaces."""
    nothing: frozenset[str] = frozenset({""})
    """What stands where there is no value."""
    has_directives: bool = False
    """Lines that begin with # say something of the rows, and may name other columns."""

    @cached_property
    def _row(self) -> re.Pattern[bytes]:
        return re.compile(
            rb"(?:%b%b){%d}+%b\r?(?:\n|\Z)" % (*self._parts, len(self.names) - 1, self._parts[0])
        )

    @cached_property
    def _open(self) -> re.Pattern[bytes]:
        """A row that may be whole when more is there."""
        unquoted = rb"[^%b\r\n]*+" % self._parts[1]
        field, delimiter = self._parts
        return re.compile(
            rb"(?:%b%b){0,%d}(?:%b|%b|%b)\r?\Z"
            % (field, delimiter, len(self.names) - 1, field, _QUOTED, unquoted)
        )

    @cached_property
    def _parts(self) -> tuple[bytes, bytes]:
        """Patterns of a field and of what stands between two."""
        delimiter = re.escape(self.delimiter.encode())
        field = rb"(?:%b\"|[^\"%b\r\n][^%b\r\n]*+|)" % (_QUOTED, delimiter, delimiter)
        return field, delimiter

    @cached_property
    def _day_and_clock(self) -> tuple[str, str] | None:
        """The columns that are one time together."""
        by_name = {name.lower(): name for name in self.names}
        day, clock = by_name.get("date"), by_name.get("time")
        return (day, clock) if day and clock else None

    @cached_property
    def named_bytes(self) -> int:
        """What an object has that its row has not, about."""
        return 2 + sum(len(name.encode()) + len('"":""') for name in self.names)

    def fits(self, rest: bytes, *, is_all: bool) -> bool | None:
        """Whether the bytes behind a header begin with a row of as many fields; None: more must be known."""
        row = self._row.match(rest)
        if row is not None and row[0].endswith(b"\n"):
            return True
        may_go_on = self._open.match(rest) is not None
        if may_go_on and not is_all:
            return None
        return may_go_on

    def begins_with_a_time(self, rest: bytes) -> bool:
        """Whether a field of the first row is a time with its day."""
        row = self._row.match(rest)
        return row is not None and any(map(_TIME.match, re.split(self._parts[1], row[0])))

    def frames(self, data: bytes, *, is_all: bool = False) -> Bounds:
        """Where rows begin and end in bytes that begin with one, as `framing.frames` of other files.

        A row goes on over lines while a quote is open, and only if it comes to as many fields as there
        are names; so a torn quote costs its own line.
        """
        lines = by_lines(data)
        if self.has_directives or b'"' not in data:
            return lines
        codes = np.frombuffer(data, np.uint8)
        quotes = np.searchsorted(np.flatnonzero(codes == ord('"')), lines)
        starts: list[int] = []
        stops: list[int] = []
        done, last = 0, int(lines[-1])
        for number in np.flatnonzero(np.diff(quotes) % 2).tolist():
            start = int(lines[number])
            if start < done:
                continue
            row = self._row.match(data, start, _limit(lines, number))
            if row is not None and data[row.end() - 1 : row.end()] == b"\n":
                starts.append(start)
                stops.append(done := row.end())
            elif not is_all and self._may_go_on(data, lines, number):
                last = start
                break
        return without_inner(lines[: np.searchsorted(lines, last, "right")], starts, stops)

    def _may_go_on(self, data: bytes, lines: Bounds, number: int) -> bool:
        """Whether the row that begins with this line may end behind data."""
        start, end = int(lines[number]), int(lines[-1])
        may_be_longer = len(lines) - 1 - number < _MOST_LINES and end - start < _MOST_BYTES
        return may_be_longer and self._open.match(data, start, end) is not None

    def in_force(self, data: bytes) -> tuple[Columns, int]:
        """The columns of the rows that bytes begin with, and how far there are no others."""
        known, is_before = self, True
        for named in _FIELDS.finditer(b"\n" + data) if self.has_directives else ():
            found = self._named(named)
            if found.names == known.names:
                continue
            is_before = is_before and _is_directives(data[: named.start()])
            if not is_before:
                return known, named.start()
            known = found
        return known, len(data)

    def behind(self, data: bytes) -> Columns:
        """The columns of what follows these bytes, which begin with a line."""
        found = list(_FIELDS.finditer(b"\n" + data))
        return self._named(found[-1]) if found else self

    def _named(self, directive: re.Match[bytes]) -> Columns:
        return replace(self, names=_names_in(directive, self.delimiter))

    def objects(self, data: bytes, bounds: Bounds) -> Iterator[bytes | UnicodeDecodeError | RowError]:
        """What each record is: an object, nothing (empty), or no row for a reason."""
        header = list(self.names)
        for start, end in pairwise(bounds.tolist()):
            raw = data[start:end]
            try:
                fields = self._fields(raw)
                if fields is None or fields == header:
                    yield b""
                    continue
                yield self._object(fields)
            except (UnicodeDecodeError, RowError) as error:
                yield error

    def samples(self, data: bytes, bounds: Bounds) -> Iterator[bytes]:
        """Objects as `objects` gives them, with numbers that count something as such."""
        for found in self.objects(data, bounds):
            if isinstance(found, bytes) and found:
                record = orjson.loads(found)
                counted = {name: int(value) for name, value in record.items() if _COUNT.fullmatch(value)}
                yield orjson.dumps({**record, **counted})

    def _fields(self, raw: bytes) -> list[str] | None:
        """None: it is no row, and holds nothing."""
        raw = raw.removeprefix(MARK)
        if not raw.strip(_HOLLOW) or (self.has_directives and raw.startswith(b"#")):
            return None
        text = raw.decode().removesuffix("\n").removesuffix("\r")
        delimiter = self.delimiter or ("\t" if "\t" in text else " ")
        fields = text.split(delimiter)
        # Servers that write directives do not quote what they could not mean otherwise.
        if '"' not in text or (self.has_directives and len(fields) == len(self.names)):
            return fields
        try:
            [fields] = csv.reader([text], delimiter=delimiter, strict=True)
        except (csv.Error, ValueError) as error:
            raise RowError(f"no row of {len(self.names)} fields: {error}") from error
        return fields

    def _object(self, fields: Sequence[str]) -> bytes:
        if len(fields) != len(self.names):
            raise RowError(f"{len(fields)} fields where the header names {len(self.names)}")
        nothing = self.nothing
        found = {
            name: value
            for name, value in zip(self.names, fields, strict=True)
            if value not in nothing
        }  # fmt: skip
        if self._day_and_clock:
            day, clock = self._day_and_clock
            if day in found and _CLOCK.match(found.get(clock, "")):
                found[clock] = f"{found.pop(day)} {found[clock]}"
        return orjson.dumps(found) if found else b""


def _limit(lines: Bounds, number: int) -> int:
    """Where a row that begins with this line ends at the latest."""
    furthest = lines[min(number + _MOST_LINES, len(lines) - 1)]
    within = lines[np.searchsorted(lines, lines[number] + _MOST_BYTES, "right") - 1]
    return int(max(min(furthest, within), lines[number + 1]))


UNTOLD: Final = Columns((), "")
"""What follows tells whether there are columns."""


@lru_cache(maxsize=256)
def columns_of(head: bytes, *, is_all: bool = False) -> Columns | None:
    """What the first bytes of a file say of its columns; UNTOLD as long as they may say it yet.

    `is_all`: nothing follows them.
    """
    head = head[:HEAD_BYTES].rstrip(b"\0")  # what these stand for may be written over them
    is_all = is_all or len(head) == HEAD_BYTES
    head = head.removeprefix(MARK)
    if _DIRECTIVE.match(head):
        return _by_directives(head, is_all=is_all)
    line, end, rest = head.partition(b"\n")
    if not end:
        return None
    for delimiter in _DELIMITERS:
        names = _header(line.removesuffix(b"\r"), delimiter)
        if names is not None:
            columns = Columns(names, delimiter)
            fits = columns.fits(rest, is_all=is_all)
            if fits and not (_tell_a_time(names) or columns.begins_with_a_time(rest)):
                return None
            return UNTOLD if fits is None else columns if fits else None
    return None


def _header(line: bytes, delimiter: str) -> tuple[str, ...] | None:
    """The names in a first line, if it is one of names."""
    try:
        [names] = csv.reader([line.decode()], delimiter=delimiter, strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError):
        return None
    return tuple(names) if _are_names(names) else None


def _are_names(names: Sequence[str]) -> bool:
    return _LEAST <= len(names) == len(set(names)) and all(map(_NAME.fullmatch, names))


def _tell_a_time(names: Sequence[str]) -> bool:
    return "occurred_at" in GENERIC.roles((name,) for name in names)


def _by_directives(head: bytes, *, is_all: bool) -> Columns | None:
    named = _FIELDS.search(b"\n" + head)
    before = head if named is None else head[: named.start()]
    if not _is_directives(before):
        return None
    if named is None:
        return None if is_all else UNTOLD
    zeek = _SEPARATOR.match(head)
    delimiter = chr(int(zeek[1], 16)) if zeek else ""
    if not zeek and b"," in named[1] and b" " not in named[1].strip():
        delimiter = ","
    names = _names_in(named, delimiter)
    if len(names) < _LEAST or not _tell_a_time(names):
        return None
    nothing = {"", "-", "(empty)"} if zeek else {"", "-"}
    return Columns(names, delimiter, frozenset(nothing), has_directives=True)


def _names_in(directive: re.Match[bytes], delimiter: str) -> tuple[str, ...]:
    """None where they are not distinct: no row fits those."""
    written = directive[1].strip().decode(errors="replace")
    names = written.split(delimiter) if delimiter else written.split()
    return tuple(names) if len(set(names)) == len(names) and all(names) else ()


def _is_directives(data: bytes) -> bool:
    """Whether all lines, the last perhaps not whole, are directives or empty."""
    return all(line.startswith(b"#") or not line.strip(_HOLLOW) for line in data.split(b"\n"))
