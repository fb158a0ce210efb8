"""Lines that are envelopes, peeled many at a time: what those of one writer hold stands in one text."""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from ingest.formats.base import Held, Peel

_FEW: Final = 2 << 10
"""Bytes of lines that are peeled first, few of which may be of a record."""
_MORE: Final = 8
"""Times as many are peeled where those before were all of use."""
_MOST: Final = 128 << 10
"""So many at a time, unless one record is longer."""


@dataclass
class Run:
    """Lines of one writer that follow each other; called by their numbers."""

    text: bytes
    """What they hold."""
    places: list[int]
    """Where in it what a line holds begins, and where that of the last one ends."""
    bounds: list[int]
    """The same of the lines themselves."""
    is_over: bool
    """Whether what follows is known to be of no such line."""
    inner: Lines = field(default_factory=dict)
    """What they hold, where it is envelopes as well."""
    headed: dict[tuple[int, int], int] = field(default_factory=dict)
    """Which header, and where in the text -> where the next line begins, if that is there; else 0."""

    def number(self, start: int) -> int | None:
        """Of the line that starts there."""
        number = bisect_left(self.bounds, start)
        return number if number < len(self.bounds) - 1 and self.bounds[number] == start else None

    def end(self, number: int, place: int) -> int:
        """Where a record ends that starts with this line, and ends there in the text: with a line."""
        first = number + 1
        last = max(first, bisect(self.places, place, first) - 1)
        # A piece behind it that is empty begins what follows.
        return self.bounds[bisect_left(self.places, self.places[last], first)]


class Enveloped:
    """Lines of one kind, in bytes that are gone through from the front."""

    def __init__(self, data: bytes, peel: Peel, *, is_all: bool):
        """`is_all`: nothing follows data."""
        self._data = data
        self._peel = peel
        self._is_all = is_all
        self._bounds = [0]
        """Where the lines start that are peeled, and where the last one ends."""
        self._held: list[Held | None] = []
        self._size = _FEW
        self._run = Run(b"", [0], [0], is_over=False)

    def find(self, start: int) -> tuple[Run, int]:
        """The run of the line that starts there, as far as it was peeled, and the number of the line.

        The run has no line where that is no envelope; and where it is not whole, but then is not over.
        """
        number = self._run.number(start)
        if number is None:
            self._run, number = self._run_from(start), 0
        return self._run, number

    def more(self, start: int) -> bool:
        """Peel further lines for the record that starts there; whether there are any."""
        done = bisect_left(self._bounds, start)
        if done:
            del self._bounds[:done], self._held[:done]
            self._size = min(self._size, _MOST)
        self._run = Run(b"", [0], [0], is_over=False)
        return self._go_on()

    def _run_from(self, start: int) -> Run:
        first = bisect_left(self._bounds, start)
        if first >= len(self._held) or self._bounds[first] != start:
            is_next = self._bounds[-1] == start
            self._size = min(self._size, _MOST) if is_next else _FEW
            self._bounds, self._held, first = [start], [], 0
            self._go_on()
        held, texts = self._held, list[bytes]()
        whole = held[first] if first < len(held) else None
        for number in range(first, len(held)):
            one = held[number]
            if one is None or whole is None or one[0] != whole[0]:
                break
            texts.append(one[1])
        last = first + len(texts)
        is_at_end = self._is_all and self._bounds[-1] == len(self._data)
        return Run(
            b"".join(texts),
            list(accumulate(map(len, texts), initial=0)),
            self._bounds[first : last + 1],
            is_over=last < len(held) or is_at_end,
        )

    def _go_on(self) -> bool:
        """Peel what comes next; whether there is any."""
        data, start = self._data, self._bounds[-1]
        stop = start + self._size
        end = data.rfind(b"\n", start, stop) + 1 or data.find(b"\n", stop) + 1
        if not end and self._is_all:
            end = len(data)
        if end <= start:
            return False
        lines = data[start:end].removesuffix(b"\n").split(b"\n")
        self._bounds[-1:] = accumulate((len(line) + 1 for line in lines), initial=start)
        self._bounds[-1] = end
        self._held += _peeled(self._peel, lines)
        self._size *= _MORE
        return True


def _peeled(peel: Peel, lines: Sequence[bytes]) -> Sequence[Held | None]:
    try:
        return peel(lines)
    except Exception:  # noqa: BLE001 - a notation that fails on a line must not keep the others from being read
        return [None] if len(lines) == 1 else [held for line in lines for held in _peeled(peel, [line])]


Lines = dict[str, Enveloped]
"""What envelopes are called -> lines of that kind."""
