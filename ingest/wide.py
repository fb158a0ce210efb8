"""Files in UTF-16 as a run of bytes in UTF-8, also while they are being written."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from ingest.utf16 import UNIT, as_utf8, begins_pair, ends_pair, whole_units

_STEP: Final = 16 << 10


class WideText:
    """A file in UTF-16; offsets count the bytes of its text in UTF-8.

    It is known where in the text each step of the file begins, up to where it was looked at: any
    place before that is found without decoding more than a step. Text itself is never kept, for a
    file may be written over.
    """

    def __init__(self, descriptor: int, encoding: str):
        self._descriptor = descriptor
        self._encoding = encoding
        self._begins = array("q", [0])
        self._counted: tuple[int, int] | None = None
        self._size = 0
        self.rest = b""
        """What stands at the end of the file and is no character yet, as found by the last look at it."""

    @property
    def size(self) -> int:
        """Bytes of text now; only what came since it was asked for last is counted."""
        status = os.fstat(self._descriptor)
        now = (status.st_size, status.st_mtime_ns)
        if now != self._counted:
            number = min(len(self._begins) - 1, max(0, status.st_size - UNIT) // _STEP)
            self._size = self._go_through(number)
            self._counted = now
        return self._size

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes of text at `offset`."""
        if self._begins[-1] <= offset:
            self._go_through(len(self._begins) - 1, offset + 1)
        number = bisect_right(self._begins, offset) - 1
        at, behind = self._begins[number], offset + count
        parts: list[bytes] = []

        def take(text: bytes) -> None:
            nonlocal at
            parts.append(text[max(0, offset - at) : behind - at])
            at += len(text)

        self._go_through(number, behind, take)
        return b"".join(parts)

    def _go_through(
        self, number: int, behind: int | None = None, take: Callable[[bytes], None] | None = None
    ) -> int:
        """Look at steps from one on, up to an offset or to the end; returns where that leads to."""
        at = self._begins[number]
        while behind is None or at < behind:
            text, rest = self._step(number)
            if take is not None:
                take(text)
            at += len(text)
            number += 1
            if rest is not None:
                self.rest = rest
                del self._begins[number:]
                break
            if number < len(self._begins) and self._begins[number] != at:
                del self._begins[number:]  # it was written over
            if number == len(self._begins):
                self._begins.append(at)
        return at

    def _step(self, number: int) -> tuple[bytes, bytes | None]:
        """The text that begins in a step; behind the last one what is no character yet, else None.

        A pair belongs to the step it begins in.
        """
        before = UNIT if number else 0
        raw = os.pread(self._descriptor, before + _STEP + UNIT, number * _STEP - before)
        start, end = before, before + _STEP
        if before and len(raw) >= before + UNIT and self._is_pair(raw, 0):
            start += UNIT
        if len(raw) < end + UNIT:
            end = max(start, whole_units(raw, self._encoding))
            return as_utf8(raw[start:end], self._encoding), raw[end:]
        if self._is_pair(raw, end - UNIT):
            end += UNIT
        return as_utf8(raw[start:end], self._encoding), None

    def _is_pair(self, raw: bytes, at: int) -> bool:
        return begins_pair(raw, at, self._encoding) and ends_pair(raw, at + UNIT, self._encoding)
