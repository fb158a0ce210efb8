"""What the engine takes, and what it gives back: records as rows, and the bytes that are none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

LINE_SCHEMA: Final = pa.schema(
    [
        pa.field("file_id", pa.int32()),
        pa.field("byte_offset", pa.int64()),
        pa.field("byte_length", pa.int32()),
        pa.field("record_no", pa.int32()),
        pa.field("mapping_no", pa.int32()),
        pa.field("maker", pa.string()),
        pa.field("line", pa.string()),
    ]
)
"""What the engine reads: one row per record.

`mapping_no` is the number of the user's mapping for the file (`Engine.mapping_no`); `maker` names
the format that put the line together, is empty where it is as it was and of no notation, or is NULL.
"""

_SAMPLE: Final = 64
ROWS_PER_BATCH: Final = 32_768
"""DuckDB reads the batches of a table in parallel."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The bytes of a record that is no row of LINE_SCHEMA yet."""

    file_id: int
    byte_offset: int
    byte_length: int
    """In the file: what an envelope held is shorter."""
    mapping_no: int
    raw: bytes
    reason: str = ""
    """Why it will not become one; empty: that is to be found out."""


@dataclass(frozen=True)
class Reject:
    """A byte range that could not be understood, and why."""

    file_id: int
    byte_offset: int
    byte_length: int
    reason: str
    raw: bytes


class Rows:
    """Rows of LINE_SCHEMA that are collected one by one."""

    def __init__(self) -> None:
        self._columns: list[list[Any]] = [[] for _ in LINE_SCHEMA]

    def add(
        self,
        record: RawRecord,
        line: str,
        *,
        start: int = 0,
        length: int = -1,
        no: int = 0,
        maker: str | None = None,
    ) -> None:
        """What was made of a record, or of the `length` bytes from `start` on in it."""
        values = (
            record.file_id, record.byte_offset + start, record.byte_length if length < 0 else length, no,
            record.mapping_no, maker, line,
        )  # fmt: skip
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def table(self) -> pa.Table:
        """All of them."""
        return pa.Table.from_arrays(
            [pa.array(column, kind.type) for column, kind in zip(self._columns, LINE_SCHEMA, strict=True)],
            schema=LINE_SCHEMA,
        )


@dataclass
class Outcome:
    """What one batch of lines became; the rows are in the temp table `parsed`."""

    rejects: list[Reject] = field(default_factory=list)
    blank_bytes: dict[int, int] = field(default_factory=dict)
    """File -> bytes that hold nothing."""

    def reject(self, record: RawRecord, reason: str, *, start: int = 0, length: int = -1) -> None:
        """All of a record, or `length` bytes of it from `start` on."""
        count = record.byte_length if length < 0 else length
        raw = record.raw if length < 0 else record.raw[start : start + length]
        self.rejects.append(Reject(record.file_id, record.byte_offset + start, count, reason, raw))

    def add_blank(self, file_id: int, count: int) -> None:
        """Bytes that hold nothing."""
        self.blank_bytes[file_id] = self.blank_bytes.get(file_id, 0) + count

    def add(self, other: Outcome) -> None:
        """What another part of the batch became as well."""
        self.rejects += other.rejects
        self.sort()
        for file_id, count in other.blank_bytes.items():
            self.add_blank(file_id, count)

    def sort(self) -> None:
        """Put the rejects in the order of their places."""
        self.rejects.sort(key=lambda reject: (reject.file_id, reject.byte_offset))


def sample_of(lines: pa.Table) -> pa.Table:
    """The first of each of its parts; none where all of them are few."""
    if lines.num_rows < ROWS_PER_BATCH // 2:
        return LINE_SCHEMA.empty_table()
    batches = [batch.slice(0, _SAMPLE) for batch in lines.to_batches()]
    return pa.Table.from_batches(batches, schema=LINE_SCHEMA)


def parted(lines: pa.Table, flags: pa.ChunkedArray) -> tuple[pa.Table, pa.Table]:
    """The lines with the flag, and the others; not copied where all of them are of one kind."""
    count = pa.compute.sum(flags).as_py() or 0
    if count in (0, lines.num_rows):
        return (lines, lines.slice(0, 0)) if count else (lines.slice(0, 0), lines)
    return lines.filter(flags), lines.filter(pa.compute.invert(flags))
