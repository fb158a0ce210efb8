"""Where records end in a run of bytes.

How a record is found is told by the line it starts with, not by the file: files get mixed, and a
file may start in the middle of a record.
"""

from __future__ import annotations

import re
from bisect import bisect, bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from ingest import documents
from ingest.beginnings import (
    alone,
    any_start,
    behind_code,
    may_start,
    object_behind_header,
    record_start,
    told,
)
from ingest.bounds import MARK, STEP, Bounds, by_lines, without_inner
from ingest.enveloped import Enveloped, Lines, Run
from ingest.formats import transcoders
from ingest.formats.base import End, Envelope, Peel, one_of, quoted
from ingest.needles import Needles
from ingest.offload import SECOND, WALK, WORTH_BYTES

_RETURN, _OPEN, _CLOSE = b"\r{}"
_NOTHING = tuple(b"\r\n\0")
"""What a line starts with that says nothing."""
_WITHIN: Final[npt.NDArray[np.bool_]] = np.isin(np.arange(256), tuple(b' \t"}]<'))
"""By code: what a line within a printed document starts with, and no header does."""
_MARKS: Final = re.compile(rb"%b(?:(?<=\A%b)|(?<=[\n\0]%b))(?:%b|\0)*+" % ((MARK,) * 4))
"""Those before a line, and what follows them that is no record either: marks of empty files, or a hole."""
_DOCUMENT: Final = "json_document"
_ON_A_LINE: Final = rb"(?:\[[ \t]*+)?\{[ \t]*+\"[^\",\s]"
"""How an object begins, or an array of them."""
_ON_LINES: Final = rb"(?:\[\s*+)?\{\s*+\"[^\",\s]"
"""The same on one line or several."""
_PIECE: Final = 16 << 10
"""Bytes of a line that may be cut in pieces: docker's and containerd's buffer is the smallest."""
_MANY: Final = 8
"""One of so many lines or more is to be looked at: then the second process is of help."""
_FEW: Final = 256
"""Lines that are asked before all are."""
_PRIME: Final = 7919


def frames(data: bytes, *, is_all: bool = False) -> Bounds:
    """Records in bytes that start at the start of one: lines, and what a format says spans them.

    `is_all`: nothing follows data, so a record that may go on ends with it. A last line without its
    end is then part of such a record, or behind the last bound.
    """
    data = _without_marks(data)
    if not is_all and _is_worth_halves(data):
        lines, found = _in_halves(data)
    else:
        lines, unusual = _looked_at(data, is_all=is_all)
        found = Walk(len(data))
        walk(data, unusual.tolist(), found, is_all=is_all)
    return without_inner(lines[: np.searchsorted(lines, found.last, "right")], found.starts, found.stops)


def _without_marks(data: bytes) -> bytes:
    """The same with NUL bytes for byte order marks where lines start: a hole is no part of a record."""
    if MARK[:1] not in data:  # looking for one byte is the fastest
        return data
    return _MARKS.sub(lambda found: b"\0" * len(found[0]), data)


def _looked_at(data: bytes, *, is_all: bool = False, goes_on: bool = False) -> tuple[Bounds, Bounds]:
    """Where lines start, and which of them may be no record by themselves; `goes_on`: with others behind."""
    lines = by_lines(data)
    if not (is_all or goes_on) and len(lines) > 1 and _may_start_another(data, int(lines[-2])):
        lines = lines[:-1]
    return lines, _unusual(data, lines)


@dataclass
class Walk:
    """Records that span lines, as far as they were looked for."""

    last: int
    """Where the first of them starts that is not whole, or else data ends."""
    starts: list[int] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    enveloped: Lines = field(default_factory=dict)

    def comes_by(self, start: int) -> bool:
        """Whether a record that starts there, as a line does, was looked for."""
        number = bisect(self.starts, start) - 1
        is_outside = number < 0 or self.starts[number] == start or self.stops[number] <= start
        return is_outside and start <= self.last

    def go_on_as(self, other: Walk, start: int) -> None:
        """From `start` on with what another walk found there."""
        number = bisect_left(other.starts, start)
        self.starts += other.starts[number:]
        self.stops += other.stops[number:]
        self.last = other.last


def walk(
    data: bytes, lines: Iterable[int], found: Walk, *, is_all: bool = False, known: Walk | None = None
) -> None:
    """Look for records that start where these lines do, behind those that are found already.

    `known` is what was found from the first of the lines on: where it comes by, it tells the rest, for
    where records end depends on nothing that stands before them.
    """
    done = found.stops[-1] if found.stops else 0
    for start in lines:
        if start < done:
            continue
        if known is not None and known.comes_by(start):
            found.go_on_as(known, start)
            return
        end = _end_of(data, start, found.enveloped, is_all=is_all)
        if end == 0:
            continue
        if end is None:
            found.last = start
            return
        found.starts.append(start)
        found.stops.append(end)
        done = end


def _is_worth_halves(data: bytes) -> bool:
    """Whether Python has to look at many lines, as some of them tell."""
    if len(data) < WORTH_BYTES:
        return False
    middle = _middle(data)
    lines, unusual = _looked_at(data[middle : middle + STEP])
    return len(unusual) * _MANY > len(lines)


def _middle(data: bytes) -> int:
    return data.find(b"\n", len(data) // 2) + 1


def _in_halves(data: bytes) -> tuple[Bounds, Walk]:
    """Where lines start, and what is found; of the second half by the second process, which may begin within
    a record.
    """
    middle, found = _middle(data), Walk(len(data))

    def own() -> Bounds:
        lines, unusual = _looked_at(data[:middle], goes_on=True)
        walk(data, unusual.tolist(), found)
        return lines

    first, answer = SECOND.share([WALK, memoryview(data)[middle:]], own)
    if answer is None:
        known = None
        lines, unusual = _looked_at(data[middle:])
    else:
        lines, unusual, starts, stops, [last] = (np.frombuffer(part, np.int64) for part in answer.parts)
        known = Walk(middle + int(last), (middle + starts).tolist(), (middle + stops).tolist())
    if found.last == len(data):
        walk(data, (middle + unusual).tolist(), found, known=known)
    return np.concatenate([first[:-1], middle + lines]), found


def look(data: bytes) -> list[Bounds]:
    """What `_in_halves` asks for: lines, unusual ones, starts and ends of records, where they came to."""
    lines, unusual = _looked_at(data)
    found = Walk(len(data))
    walk(data, unusual.tolist(), found)
    return [lines, unusual, *(np.array(one, np.int64) for one in (found.starts, found.stops, [found.last]))]


def _end_of(data: bytes, start: int, enveloped: Lines, *, is_all: bool, is_held: bool = False) -> int | None:
    """Where the record ends that starts at `start`; 0: with its line; None: behind data.

    `enveloped` is kept of data from one record to the next. `is_held`: by others, and so are its lines.
    """
    pattern, ends = _spanning()
    found = pattern.match(data, start)
    if found is None:
        return 0
    kind = found.lastgroup or ""
    # What begins like anything is not looked for in envelopes, whose lines are those of anybody.
    is_last = kind in _last()
    is_doubtful = kind in _doubtful()
    if (is_doubtful and is_held) or ((is_doubtful or is_last) and alone().match(data, start)):
        return 0
    if peel := _peels().get(kind):
        if kind not in enveloped:
            enveloped[kind] = Enveloped(data, peel, is_all=is_all)
        return _end_of_envelopes(enveloped[kind], start)
    if is_last:
        another = any_start()
    elif kind in _code():
        another = behind_code(_ON_LINES)
    else:
        # Printed flush, the objects in a document begin as documents do.
        another = record_start(_ON_A_LINE if kind == _DOCUMENT else _ON_LINES)
    try:
        if ends[kind] is quoted:
            return quoted(data, start, another=another, is_all=is_all, perhaps=any_start())
        return ends[kind](data, start, another=another, is_all=is_all)
    except Exception:  # noqa: BLE001 - a notation that fails on a record must not keep the others from being read
        return 0


def _end_of_envelopes(lines: Enveloped, start: int) -> int | None:
    """The same where each line is an envelope: as many lines of one writer as hold one record."""
    while True:
        run, number = lines.find(start)
        if run.is_over and len(run.bounds) == 1:
            return 0
        place = _end_of_held(run, run.places[number])
        if place is not None:
            return run.end(number, place)
        if not lines.more(start):
            return None


def _end_of_held(run: Run, start: int) -> int | None:
    """Where the record ends that starts there in what envelopes hold; None: behind it."""
    text, is_all = run.text, run.is_over
    line_end = text.find(b"\n", start) + 1
    is_object = text.startswith(b"{", start) and text.endswith(b"}\n", start, line_end)
    if is_object and not _openings().are_in(text, start, line_end):
        return line_end
    if _is_told(run, start):
        return line_end
    end = _end_of(text, start, run.inner, is_all=is_all, is_held=True) if start < len(text) else None
    if end == 0:
        end = line_end or None
    return len(text) if end is None and is_all else end


def _is_told(run: Run, start: int) -> bool:
    """Whether the line there in the text is a whole record, as those behind it tell."""
    for which, (is_headed, count, _) in enumerate(told()):
        at = start
        for _ in range(count + 1):
            behind = run.headed.get((which, at))
            if behind is None:
                behind = run.text.find(b"\n", at) + 1 if is_headed(run.text, at) else 0
                run.headed[which, at] = behind
            if not (at := behind):
                break
        else:
            return True
    return False


def _may_start_another(data: bytes, last: int) -> bool:
    """Whether the last whole line may be the first of a record, if the line behind it says so."""
    if data.startswith((b"{", b"[", b"\n", b"\r", b"\0"), last):
        return False
    return may_start().match(data, last) is not None and any_start().match(data, last) is None


def _unusual(data: bytes, lines: Bounds) -> Bounds:
    """Where lines start that are neither an object from brace to brace, bare or enveloped, nor nothing."""
    codes = np.frombuffer(data, np.uint8)
    starts, lasts = lines[:-1], np.maximum(lines[1:] - 2, 1)
    if len(data) < len(b"{}"):
        return starts
    first = codes[starts]
    last = codes[lasts]
    last = np.where(last == _RETURN, codes[lasts - 1], last)
    is_object = (first == _OPEN) & (last == _CLOSE)
    begins = object_behind_header().match
    may_have_header = ~_WITHIN[first]
    others = np.flatnonzero((first != _OPEN) & (last == _CLOSE) & may_have_header)
    is_object[others] = [begins(data, start) is not None for start in starts[others].tolist()]
    last_bound = int(lines[-1])
    may_open = np.zeros(len(starts), bool)
    if holding := list(_openings().places(data, last_bound)):
        may_open[np.searchsorted(starts, holding, "right") - 1] = True
    is_object &= ~may_open
    for number in np.flatnonzero(is_object & (lines[1:] - starts >= _PIECE)).tolist():
        start, end = int(starts[number]), int(lines[number + 1])
        is_object[number] = all(data.find(key, start, end) < 0 for key in _held_keys())
    is_unusual = ~(is_object | np.isin(first, _NOTHING))
    for is_headed, count, is_last in told():
        # What may be the first line of another is not asked whether it is of none.
        places = np.flatnonzero(is_unusual & may_have_header & ~(may_open & is_last))
        is_unusual[places] = ~_are_told(data, starts, places, is_headed, count)
    return starts[np.flatnonzero(is_unusual)]


def _are_told(
    data: bytes, starts: Bounds, places: Bounds, is_headed: Callable[[bytes, int], bool], count: int
) -> npt.NDArray[np.bool_]:
    """Which of the lines at these places have a header, as `count` lines behind each have."""
    may_have = np.zeros(len(starts) + count, bool)
    have = np.zeros(len(starts) + count, bool)
    may_have[places] = True
    # Of so many lines in a row one is asked first: where it has none, the others are of no matter.
    for is_first in (True, False):
        asked = np.flatnonzero(_within_runs(may_have, count) & ~have)
        asked = asked[(asked % (count + 1) == count) == is_first]
        if is_first and not any(is_headed(data, start) for start in starts[_some(asked)].tolist()):
            break  # hardly any has: those are told one by one
        have[asked] = [is_headed(data, start) for start in starts[asked].tolist()]
        may_have[asked] = have[asked]
    are_told: npt.NDArray[np.bool_] = np.all([have[places + number] for number in range(count + 1)], axis=0)
    return are_told


def _some(numbers: Bounds) -> Bounds:
    """A few of many, at no regular distance."""
    if len(numbers) <= _FEW:
        return numbers
    return numbers[np.arange(_FEW) * _PRIME % len(numbers)]


def _within_runs(flags: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.bool_]:
    """Which flags are set with `count` others beside them, all in a row."""
    begins = flags[: len(flags) - count].copy()
    for number in range(1, count + 1):
        begins &= flags[number : len(flags) - count + number]
    within = np.zeros(len(flags), bool)
    for number in range(count + 1):
        within[number : len(flags) - count + number] |= begins
    return within


def last_start(data: bytes) -> int:
    """Where the last record of data starts, which itself may start within one; 0: not found."""
    data = _without_marks(data)
    at = len(data)
    while at := data.rfind(b"\n", 0, at) + 1:
        if record_start(_ON_LINES).match(data, at):
            bounds = frames(data[at:] + b"\n")
            return at + int(bounds[bounds <= len(data) - at][-1])
        at -= 1
    return data.rfind(b"\n") + 1


@cache
def _spanning() -> tuple[re.Pattern[bytes], dict[str, End]]:
    """One pattern for all lines that start a record which may span lines; its groups are named."""
    starts = {one.name: one.starts for one in transcoders() if one.spans_lines}
    ends = {one.name: one.end for one in transcoders() if one.end is not None}
    return one_of({**starts, _DOCUMENT: documents.STARTS}), {**ends, _DOCUMENT: documents.document_end}


@cache
def _peels() -> dict[str, Peel]:
    return {one.name: one.peel for one in transcoders() if one.peel is not None}


@cache
def _held_keys() -> frozenset[bytes]:
    """What stands in every object that is an envelope of a piece of a line."""
    held = (one.format.held[-1] for one in transcoders() if one.peel and isinstance(one.format, Envelope))
    return frozenset(b'"%b"' % key.encode() for key in held)


@cache
def _doubtful() -> frozenset[str]:
    """Formats whose records may begin with any line."""
    return frozenset(one.name for one in transcoders() if one.may_start)


@cache
def _last() -> frozenset[str]:
    """Formats of records that are of no other."""
    return frozenset(one.name for one in transcoders() if one.is_last)


@cache
def _code() -> frozenset[str]:
    """Formats of records in which nothing looks like the beginning of another."""
    return frozenset(one.name for one in transcoders() if one.is_code)


@cache
def _openings() -> Needles:
    """What stands in a line that is an object and may start a record of several."""
    return Needles(opening for one in transcoders() for opening in one.openings)
