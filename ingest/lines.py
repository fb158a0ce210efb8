"""Records of chunks as the table the engine reads, without a copy of the bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from ingest.reader import Chunk
from ingest.records import LINE_SCHEMA, ROWS_PER_BATCH, RawRecord


def lines_of(chunks: Sequence[Chunk], mapping_no: Callable[[str], int]) -> tuple[pa.Table, list[RawRecord]]:
    """The records of all chunks (LINE_SCHEMA), and apart those that are not UTF-8.

    `mapping_no` gives the number of the mapping for a path.
    """
    batches: list[pa.RecordBatch] = []
    broken: list[RawRecord] = []
    for chunk in chunks:
        if chunk.rejected or chunk.is_blank or not chunk.data:
            continue
        number = mapping_no(chunk.generation.path)
        batch = _batch(chunk, number)
        try:
            batch.column("line").validate(full=True)
        except pa.ArrowInvalid:
            batch = _without_broken(chunk, number, broken)
        batches.extend(
            batch.slice(start, ROWS_PER_BATCH) for start in range(0, batch.num_rows, ROWS_PER_BATCH)
        )
    return pa.Table.from_batches(batches, schema=LINE_SCHEMA), broken


def _batch(chunk: Chunk, mapping_no: int) -> pa.RecordBatch:
    bounds = chunk.bounds
    count = len(bounds) - 1
    offsets = pa.py_buffer(bounds.astype(np.int32))
    lines = pa.StringArray.from_buffers(count, offsets, pa.py_buffer(chunk.data))
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


def _without_broken(chunk: Chunk, mapping_no: int, broken: list[RawRecord]) -> pa.RecordBatch:
    """The records that are UTF-8; the others are added to `broken`."""
    whole = _batch(chunk, mapping_no)
    keep = np.ones(whole.num_rows, bool)
    for number, (start, end) in enumerate(zip(chunk.bounds[:-1], chunk.bounds[1:], strict=True)):
        raw = chunk.data[start:end]
        try:
            raw.decode()
        except UnicodeDecodeError:
            keep[number] = False
            place = (chunk.generation.file_id, chunk.offset + int(start))
            broken.append(RawRecord(*place, len(raw), mapping_no, raw))
    kept = pa.Table.from_batches([whole]).filter(pa.array(keep)).combine_chunks()
    batches: list[pa.RecordBatch] = kept.to_batches()
    return batches[0] if batches else whole.slice(0, 0)
