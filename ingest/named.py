"""Which columns the rows of a file have where it is read on: by its first bytes, and by directives since."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.bounds import Bounds
from ingest.columns import UNTOLD, Columns, columns_of
from ingest.decompress import CompressedSource
from ingest.framing import frames
from ingest.generations import Generation
from ingest.identity import extend_head

_STEP: Final = 1 << 20


def framed(data: bytes, columns: Columns | None, *, is_all: bool = False) -> Bounds:
    """The records in bytes that start at the start of one: rows where there are columns."""
    if columns is UNTOLD:
        return np.zeros(1, np.int64)
    return frames(data, is_all=is_all) if columns is None else columns.frames(data, is_all=is_all)


def most_records(columns: Columns | None, count: int, size: int) -> int:
    """So many of `count` records, the names of whose columns take no more than `size` bytes in all."""
    return count if columns is None else max(1, min(count, size // columns.named_bytes))


def named_columns(generation: Generation, data: bytes, *, is_all: bool) -> tuple[Columns | None, int]:
    """The columns of what a generation holds where it is read on, and for how many bytes these are it.

    `data` is what stands there. UNTOLD: what follows tells whether there are any. `is_all`: nothing follows.

    Raises:
        OSError: the file cannot be read.
    """
    position = generation.position
    head = extend_head(position.head, position.offset, data)
    columns = columns_of(head, is_all=is_all)
    if columns is None or columns is UNTOLD or not columns.has_directives:
        return columns, len(data)
    return _in_force(generation, columns).in_force(data)


def _in_force(generation: Generation, first: Columns) -> Columns:
    """What the last directive before the position says."""
    offset = generation.position.offset
    at, columns = generation.columns or (0, first)
    if at > offset:
        at, columns = 0, first
    if at < offset:
        columns = _since(columns, generation, at)
    generation.columns = (offset, columns)
    return columns


def _since(columns: Columns, generation: Generation, at: int) -> Columns:
    """The same, from a place before the position on at which these are the columns."""
    source, offset, rest = generation.source, generation.position.offset, b""
    assert source is not None  # noqa: S101 - it is read
    if isinstance(source, CompressedSource):
        source = source.twin()  # one that goes back starts again
    while at < offset and (data := source.read(at, min(_STEP, offset - at))):
        at += len(data)
        rest += data
        end = rest.rfind(b"\n") + 1
        columns, rest = columns.behind(rest[:end]), rest[end:]
    return columns
