"""Where records begin and end in a run of bytes, as numbers."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

STEP: Final = 256 << 10
"""Bytes that fit into the cache of a core, which makes looking at them twice as fast as at all at once."""
MARK: Final = "\ufeff".encode()
"""A byte order mark: of a file, or of one that was joined to another."""
_NEWLINE: Final = 10
_NUL: Final = b"\0"
_HOLE: Final = re.compile(rb"\0+")

Bounds = npt.NDArray[np.int64]
"""Record i is bytes [bounds[i], bounds[i + 1]); what follows the last bound is not whole yet."""


def whole(data: bytes) -> Bounds:
    """All of it as one record."""
    return np.array([0, len(data)], np.int64)


def by_lines(data: bytes) -> Bounds:
    """One record per line, and one per hole: a run of NUL bytes where a line should start.

    A file that is truncated under a writer that does not append starts with such a hole. Where NUL
    bytes go on to the end of data, the file may be longer than what is written in it yet.
    """
    codes = np.frombuffer(data, np.uint8)
    ends = [
        np.flatnonzero(codes[start : start + STEP] == _NEWLINE) + (start + 1)
        for start in range(0, len(codes), STEP)
    ]
    bounds = np.concatenate([np.zeros(1, np.int64), *ends])
    if _NUL in data:
        holes = [hole.end() for start in bounds.tolist() if (hole := _HOLE.match(data, start))]
        bounds = np.union1d(bounds, np.array([end for end in holes if end < len(data)], np.int64))
    return bounds


def without_inner(lines: Bounds, starts: list[int], stops: list[int]) -> Bounds:
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
