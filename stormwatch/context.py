"""Lines around a record of a file: whole records where they are known, else whatever ends with a line end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SIDE_BYTES: Final = 256 << 10
"""So much is read on each side of a record, unless more is asked for."""


@dataclass(frozen=True)
class Line:
    """A byte range of a file: a record, however many lines it has, or a line that is none."""

    offset: int
    length: int
    data: bytes
    """Its bytes; of the record that is asked for perhaps the first only."""


@dataclass(frozen=True)
class Around:
    """A record, and how much around it is asked for."""

    offset: int
    length: int
    count: int
    """Lines on each side."""
    known: tuple[tuple[int, int], ...] = ()
    """Offset and length of records near it, which may have several lines; any order."""
    side_bytes: int = SIDE_BYTES
    """Read on each side at most."""
    record_bytes: int = SIDE_BYTES
    """Read of the record itself at most."""

    @property
    def end(self) -> int:
        """The first byte behind the record."""
        return self.offset + self.length


@dataclass(frozen=True)
class Context:
    """A record with what stands around it, in the order of the file."""

    before: list[Line]
    record: Line
    after: list[Line]
    cut_sides: tuple[str, ...] = ()
    """`before`, `after`: where there is more than is read at once."""


def cut(before: bytes, record: bytes, after: bytes, asked: Around) -> Context:
    """The lines in what was read before a record, of it, and behind it."""
    above, may_be_more_above = _before(before, asked)
    below, may_be_more_below = _after(after, asked)
    sides = [("before", may_be_more_above), ("after", may_be_more_below)]
    return Context(
        above,
        Line(asked.offset, asked.length, record),
        below,
        tuple(side for side, is_cut in sides if is_cut),
    )


def _before(data: bytes, asked: Around) -> tuple[list[Line], bool]:
    """The lines, and whether another one begins before what was read."""
    begins = {offset + length: offset for offset, length in asked.known if length}
    ends = sorted(end for end in begins if end <= asked.offset)
    first, at = asked.offset - len(data), asked.offset
    lines: list[Line] = []
    while at > first and len(lines) < asked.count:
        while ends and ends[-1] >= at:
            ends.pop()
        start = begins.get(at)
        if start is None:
            floor = max([first, *ends[-1:]])
            start = first + data.rfind(b"\n", floor - first, at - 1 - first) + 1
            # What stands before the first byte that was read may belong to it.
            is_cut = start <= floor == first > 0 and first not in begins
            start = -1 if is_cut else max(start, floor)
        if start < first:
            return lines[::-1], True
        lines.append(Line(start, at - start, data[start - first : at - first]))
        at = start
    return lines[::-1], at > 0 and len(lines) < asked.count


def _after(data: bytes, asked: Around) -> tuple[list[Line], bool]:
    """The lines, and whether another one ends behind what was read."""
    lengths = {offset: length for offset, length in asked.known if length}
    starts = sorted((offset for offset in lengths if offset >= asked.end), reverse=True)
    at, last = asked.end, asked.end + len(data)
    is_all = len(data) < asked.side_bytes
    lines: list[Line] = []
    while at < last and len(lines) < asked.count:
        while starts and starts[-1] < at:
            starts.pop()
        if at in lengths:
            end = at + lengths[at]
        else:
            behind = data.find(b"\n", at - asked.end) + 1
            line_end = asked.end + behind if behind else last + (not is_all)
            end = min([line_end, *starts[-1:]])
        if end > last:
            return lines, True
        lines.append(Line(at, end - at, data[at - asked.end : end - asked.end]))
        at = end
    return lines, not is_all and len(lines) < asked.count
