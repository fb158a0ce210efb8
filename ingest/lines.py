"""Records of chunks as the table the engine reads, without a copy of the bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from ingest.columns import Columns, RowError
from ingest.reader import Chunk
from ingest.records import LINE_SCHEMA, ROWS_PER_BATCH, RawRecord

_BLANK: Final = b"\n"
"""What a header is read as, byte for byte: it holds no event."""


def lines_of(chunks: Sequence[Chunk], mapping_no: Callable[[str], int]) -> tuple[pa.Table, list[RawRecord]]:
    """The records of all chunks (LINE_SCHEMA), and apart those that are not UTF-8 or no row of a table.

    `mapping_no` gives the number of the mapping for a path.
    """
    batches: list[pa.RecordBatch] = []
    broken: list[RawRecord] = []
    for chunk in chunks:
        if chunk.rejected or chunk.is_blank or not chunk.data:
            continue
        number = mapping_no(chunk.generation.path)
        if chunk.columns is not None:
            batch = _with_names(chunk, chunk.columns, number, broken)
        else:
            batch = _as_they_are(chunk, number, broken)
        batches.extend(
            batch.slice(start, ROWS_PER_BATCH) for start in range(0, batch.num_rows, ROWS_PER_BATCH)
        )
    return pa.Table.from_batches(batches, schema=LINE_SCHEMA), broken


def _as_they_are(chunk: Chunk, mapping_no: int, broken: list[RawRecord]) -> pa.RecordBatch:
    bounds = chunk.bounds
    offsets = pa.py_buffer(bounds.astype(np.int32))
    lines = pa.StringArray.from_buffers(len(bounds) - 1, offsets, pa.py_buffer(chunk.data))
    batch = _batch(chunk, mapping_no, lines)
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:
        return _without_broken(chunk, batch, mapping_no, broken)
    return batch


def _with_names(chunk: Chunk, columns: Columns, mapping_no: int, broken: list[RawRecord]) -> pa.RecordBatch:
    """Rows as objects; those that are none are added to `broken`."""
    lines: list[bytes] = []
    kept = np.ones(chunk.records, bool)
    for number, found in enumerate(columns.objects(chunk.data, chunk.bounds)):
        if isinstance(found, bytes) and found:
            lines.append(found)
            continue
        record = _apart(chunk, number, mapping_no, str(found) if isinstance(found, RowError) else "")
        lines.append(_BLANK * record.byte_length)
        if not isinstance(found, bytes):
            kept[number] = False
            broken.append(record)
    batch = _batch(chunk, mapping_no, pa.array(lines, pa.binary()).cast(pa.string()))
    return batch if kept.all() else batch.filter(pa.array(kept))


def _batch(chunk: Chunk, mapping_no: int, lines: pa.StringArray) -> pa.RecordBatch:
    bounds = chunk.bounds
    count = len(bounds) - 1
    return pa.record_batch(
        [
            pa.array(np.full(count, chunk.generation.file_id, np.int32)),
            pa.array(bounds[:-1] + chunk.offset),
            pa.array(np.diff(bounds).astype(np.int32)),
            pa.array(np.zeros(count, np.int32)),
            pa.array(np.full(count, mapping_no, np.int32)),
            pa.nulls(count, pa.string()),
            lines,
        ],
        schema=LINE_SCHEMA,
    )


def _without_broken(
    chunk: Chunk, whole: pa.RecordBatch, mapping_no: int, broken: list[RawRecord]
) -> pa.RecordBatch:
    """The records that are UTF-8; the others are added to `broken`."""
    keep = np.ones(whole.num_rows, bool)
    for number in range(whole.num_rows):
        record = _apart(chunk, number, mapping_no)
        try:
            record.raw.decode()
        except UnicodeDecodeError:
            keep[number] = False
            broken.append(record)
    return whole.filter(pa.array(keep))


def _apart(chunk: Chunk, number: int, mapping_no: int, reason: str = "") -> RawRecord:
    start, end = chunk.bounds[number : number + 2].tolist()
    raw = chunk.data[start:end]
    return RawRecord(chunk.generation.file_id, chunk.offset + start, len(raw), mapping_no, raw, reason)
