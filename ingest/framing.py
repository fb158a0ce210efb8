"""Where records end in a run of bytes.

How a record is found is told by the line it starts with, not by the file: files get mixed, and a
file may start in the middle of a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from ingest import documents
from ingest.formats import transcoders
from ingest.formats.base import End, one_of

_NEWLINE = 10
_RETURN, _OPEN, _CLOSE = b"\r{}"
_NOTHING = tuple(b"\r\n\0")
"""What a line starts with that says nothing."""
_DOCUMENT: Final = "json_document"
_ON_A_LINE: Final = rb"(?:\[[ \t]*+)?\{[ \t]*+\"[^\",\s]"
"""How an object begins, or an array of them."""
_ON_LINES: Final = rb"(?:\[\s*+)?\{\s*+\"[^\",\s]"
"""The same on one line or several."""
_STEP: Final = 256 << 10
_NUL = b"\0"
_HOLE = re.compile(rb"\0+")


Bounds = npt.NDArray[np.int64]
"""Record i is bytes [bounds[i], bounds[i + 1]); what follows the last bound is not whole yet."""


def whole(data: bytes) -> Bounds:
    """All of it as one record."""
    return np.array([0, len(data)], np.int64)


def frames(data: bytes, *, is_all: bool = False) -> Bounds:
    """Records in bytes that start at the start of one: lines, and what a format says spans them.

    `is_all`: nothing follows data, so a record that may go on ends with it. A last line without its
    end is then part of such a record, or behind the last bound.
    """
    lines = by_lines(data)
    if not is_all and len(lines) > 1 and _may_start_another(data, int(lines[-2])):
        lines = lines[:-1]
    pattern, ends = _spanning()
    starts: list[int] = []
    stops: list[int] = []
    done, last = 0, len(data)
    for start in _unusual(data, lines).tolist():
        if start < done or (found := pattern.match(data, start)) is None:
            continue
        kind = found.lastgroup or ""
        if kind in _doubtful() and _alone().match(data, start):
            continue
        # Printed flush, the objects in a document begin as documents do.
        another = _record_start(_ON_A_LINE if kind == _DOCUMENT else _ON_LINES)
        end = ends[kind](data, start, another=another, is_all=is_all)
        if end is None:
            last = start
            break
        starts.append(start)
        stops.append(end)
        done = end
    return _without_inner(lines[: np.searchsorted(lines, last, "right")], starts, stops)


def _without_inner(lines: Bounds, starts: list[int], stops: list[int]) -> Bounds:
    """The line ends without those within records, and with the ends of these."""
    if not stops:
        return lines
    begins, ends = np.array(starts, np.int64), np.array(stops, np.int64)
    # The last of these records that starts before a line end.
    around = np.searchsorted(begins, lines, "left") - 1
    outside = lines[(around < 0) | (lines >= ends[around])]
    places = np.minimum(np.searchsorted(outside, ends), len(outside) - 1)
    others = ends[outside[places] != ends]
    return np.union1d(outside, others) if len(others) else outside


def _may_start_another(data: bytes, last: int) -> bool:
    """Whether the last whole line may be the first of a record, if the line behind it says so."""
    if data.startswith((b"{", b"[", b"\n", b"\r", b"\0"), last):
        return False
    return _may_start().match(data, last) is not None and _known_line().match(data, last) is None


def _unusual(data: bytes, lines: Bounds) -> Bounds:
    """Where lines start that are neither an object from brace to brace nor nothing."""
    codes = np.frombuffer(data, np.uint8)
    starts, lasts = lines[:-1], np.maximum(lines[1:] - 2, 1)
    if len(data) < len(b"{}"):
        return starts
    first = codes[starts]
    last = codes[lasts]
    last = np.where(last == _RETURN, codes[lasts - 1], last)
    is_object = (first == _OPEN) & (last == _CLOSE)
    last_bound = int(lines[-1])
    if holding := [place for opening in _openings() for place in _lines_with(opening, data, last_bound)]:
        is_object[np.searchsorted(starts, holding, "right") - 1] = False
    unusual: Bounds = starts[~(is_object | np.isin(first, _NOTHING))]
    return unusual


def _lines_with(opening: bytes, data: bytes, end: int) -> Iterator[int]:
    """A place in each line before `end` that holds `opening`."""
    at = data.find(opening, 0, end)
    while at >= 0:
        yield at
        at = data.find(opening, data.index(b"\n", at), end)


def last_start(data: bytes) -> int:
    """Where the last record of data starts, which itself may start within one; 0: not found."""
    at = len(data)
    while at := data.rfind(b"\n", 0, at) + 1:
        if _record_start(_ON_LINES).match(data, at):
            bounds = frames(data[at:] + b"\n")
            return at + int(bounds[bounds <= len(data) - at][-1])
        at -= 1
    return data.rfind(b"\n") + 1


@cache
def _record_start(json: bytes) -> re.Pattern[bytes]:
    """What no line within a record starts with, not even where its quotes are open: in CSV the
    quotes of an object within are doubled. A hole may stand before it.

    The line must be whole: what follows may make something else of it.
    """
    texts = (one.starts for one in transcoders() if one.end is not None)
    return re.compile(rb"\0*+(?:%b)(?:(?<=\n)|(?=[^\n]*+\n))" % b"|".join([json, *texts]))


@cache
def _spanning() -> tuple[re.Pattern[bytes], dict[str, End]]:
    """One pattern for all lines that start a record which may span lines; its groups are named."""
    starts = {one.name: one.starts for one in transcoders() if one.end is not None}
    ends = {one.name: one.end for one in transcoders() if one.end is not None}
    return one_of({**starts, _DOCUMENT: documents.STARTS}), {**ends, _DOCUMENT: documents.document_end}


@cache
def _may_start() -> re.Pattern[bytes]:
    """What a line begins with that the next one may tell to be the first of a record."""
    return re.compile(b"|".join([*(one.may_start for one in transcoders() if one.may_start), b"(?!)"]))


@cache
def _known_line() -> re.Pattern[bytes]:
    """What a line begins with that is a record of some format, whatever follows."""
    return re.compile(b"|".join(one.starts for one in transcoders() if one.starts))


@cache
def _doubtful() -> frozenset[str]:
    """Formats whose records may begin with any line."""
    return frozenset(one.name for one in transcoders() if one.may_start)


@cache
def _alone() -> re.Pattern[bytes]:
    """What a line begins with that is a record by itself."""
    texts = (one.starts for one in transcoders() if one.starts and one.end is None)
    return re.compile(b"|".join([*texts, b"(?!)"]))


@cache
def _openings() -> tuple[bytes, ...]:
    """What stands in a line that is an object and may start a record of several."""
    return tuple(one.opening for one in transcoders() if one.opening)


def by_lines(data: bytes) -> Bounds:
    """One record per line, and one per hole: a run of NUL bytes where a line should start.

    A file that is truncated under a writer that does not append starts with such a hole. Where NUL
    bytes go on to the end of data, the file may be longer than what is written in it yet.
    """
    codes = np.frombuffer(data, np.uint8)
    # In steps that fit into the cache of a core: twice as fast as all at once.
    ends = [
        np.flatnonzero(codes[start : start + _STEP] == _NEWLINE) + (start + 1)
        for start in range(0, len(codes), _STEP)
    ]
    bounds = np.concatenate([np.zeros(1, np.int64), *ends])
    if _NUL in data:
        holes = [hole.end() for start in bounds.tolist() if (hole := _HOLE.match(data, start))]
        bounds = np.union1d(bounds, np.array([end for end in holes if end < len(data)], np.int64))
    return bounds
