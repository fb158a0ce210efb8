"""Records of other notations become JSON objects: many of one notation at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.formats.base import Transcoder
from ingest.objects import objects_of
from ingest.records import LINE_SCHEMA, ROWS_PER_BATCH, Outcome, RawRecord, parted

ALIKE: Final = "#"
"""Stands in the maker of a line before a number, which lines that have the same keys share."""
_AT_A_TIME: Final = 8192
_PLACE: Final = ("file_id", "byte_offset", "byte_length", "mapping_no")


@dataclass(frozen=True)
class Records:
    """Records whose bytes Python looks at; called by their numbers."""

    table: pa.Table
    """Where they stand, with the columns of LINE_SCHEMA that say it."""
    raws: list[bytes]

    @classmethod
    def of(cls, table: pa.Table, column: str) -> Records:
        """Those whose text is in a column."""
        return cls(table, _bytes_of(table[column]))

    @classmethod
    def parts(cls, table: pa.Table, column: str) -> Iterator[Records]:
        """The same, so many at a time that their bytes are not all in memory twice."""
        for start in range(0, table.num_rows, _AT_A_TIME):
            yield cls.of(table.slice(start, _AT_A_TIME), column)

    @classmethod
    def apart(cls, records: Sequence[RawRecord]) -> Records:
        """Those that are in no table."""
        columns = {name: [getattr(record, name) for record in records] for name in _PLACE}
        schema = pa.schema([LINE_SCHEMA.field(name) for name in _PLACE])
        return cls(pa.table(columns, schema=schema), [record.raw for record in records])

    def __getitem__(self, number: int) -> RawRecord:
        file_id, offset, length, mapping_no = (int(column[number]) for column in self._places)
        return RawRecord(file_id, offset, length, mapping_no, self.raws[number])

    @cached_property
    def _places(self) -> list[npt.NDArray[np.int64]]:
        return [self.table[name].to_numpy() for name in _PLACE]


def _bytes_of(texts: pa.ChunkedArray) -> list[bytes]:
    found: list[bytes] = []
    for chunk in texts.chunks:
        _, offsets, data = chunk.buffers()
        if data is None:
            found += [b""] * len(chunk)
            continue
        bounds = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        # Slices of bytes are made faster than values of Arrow; the data may be that of many chunks.
        first, last = map(int, bounds[[0, -1]])
        content = data.slice(first, last - first).to_pybytes()
        found += [content[start:end] for start, end in pairwise((bounds - first).tolist())]
    return found


def transcoded(
    transcoder: Transcoder,
    records: Records,
    numbers: Iterable[int],
    refuse: Callable[[int, str], None],
    members: Sequence[bytes] = (),
    around: bytes = b"",
) -> pa.Table:
    """The objects that these records become, as rows of LINE_SCHEMA.

    `refuse` is called with the number and the reason of one that cannot be read, and without a reason
    for one that holds nothing. `members` are for each record, by number, what its objects get as well;
    `around` is what a record gets that stood in an envelope with nothing else in it.
    """
    chosen = np.fromiter(numbers, np.int64)
    made = objects_of(transcoder, [records.raws[number] for number in chosen.tolist()])
    for place, reason in made.refused:
        refuse(int(chosen[place]), reason)
    lines, sources = made.lines, chosen[np.array(made.sources, np.int64)]
    if members:
        named = zip(sources.tolist(), lines, strict=True)
        lines = [b"{%b,%b" % (members[number], line[1:]) for number, line in named]
    is_bare = np.zeros(len(lines), bool)
    is_bare[made.bare] = True
    for number in made.bare:
        lines[number] = b"{%b,%b" % (around, lines[number][1:])
    by = transcoder.made
    if made.alike and not members:
        by = pa.array([f"{by}{ALIKE}{number}" if number else by for number in made.alike])
    makers = pa.compute.if_else(pa.array(is_bare), pa.scalar(None, pa.string()), by)
    return pa.Table.from_batches(_batches(records.table, sources, lines, makers), schema=LINE_SCHEMA)


def begun_by(transcoder: Transcoder, lines: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The lines that begin as its records are known by, and the others."""
    begin_so = pa.compute.starts_with(lines["line"], transcoder.known_by)
    return parted(lines, pa.compute.and_(begin_so, pa.compute.is_null(lines["maker"])))


def read_whole(transcoder: Transcoder, records: Records) -> tuple[pa.Table, pa.Table]:
    """What these lines become, and those that cannot be read or hold nothing."""
    refused: list[int] = []

    def refuse(number: int, _: str) -> None:
        refused.append(number)

    made = transcoded(transcoder, records, range(len(records.raws)), refuse)
    return made, records.table.take(pa.array(refused, pa.int64()))


def _batches(
    table: pa.Table, sources: npt.NDArray[np.int64], lines: list[bytes], makers: pa.Array
) -> Iterator[pa.RecordBatch]:
    """`sources` are the numbers of the records that the lines are of, those of one next to each other."""
    place = table.select(_PLACE).take(pa.array(sources)).combine_chunks()
    # Among the lines of its record.
    starts = np.flatnonzero(np.diff(sources, prepend=-1))
    number = np.arange(len(sources)) - np.repeat(starts, np.diff(starts, append=len(sources)))
    if "record_no" in table.column_names:
        # One of several that a record held may hold several itself; RENUMBER tells them apart.
        number += table["record_no"].to_numpy()[sources]
    # DuckDB reads the batches of a table in parallel; what is in one may not exceed 2 GiB.
    for start in range(0, len(lines), ROWS_PER_BATCH):
        part = lines[start : start + ROWS_PER_BATCH]
        columns = {name: place[name].slice(start, len(part)) for name in _PLACE}
        columns["record_no"] = pa.array(number[start : start + ROWS_PER_BATCH], pa.int32())
        columns["maker"] = makers.slice(start, len(part))
        columns["line"] = pa.array(part, pa.binary()).view(pa.string())
        yield from pa.table(columns).select(LINE_SCHEMA.names).to_batches()


RENUMBER: Final = """
UPDATE parsed SET record_no = numbered.record_no FROM (
    SELECT
        rowid AS row, row_number() OVER (
            PARTITION BY file_id, byte_offset ORDER BY record_no, event_id, attributes, rowid
        ) - 1 AS record_no
    FROM parsed WHERE (file_id, byte_offset) IN (
        SELECT (file_id, byte_offset) FROM parsed
        GROUP BY file_id, byte_offset HAVING count(*) > count(DISTINCT record_no)
    )
) AS numbered
WHERE parsed.rowid = numbered.row
"""
"""SQL: gives observations of one record numbers of their own, where lists in lists have the same."""


def refusing(records: Records, outcome: Outcome) -> Callable[[int, str], None]:
    """Notes what cannot be read, and what holds nothing."""

    def refuse(number: int, reason: str) -> None:
        record = records[number]
        if reason:
            outcome.reject(record, reason)
        else:
            outcome.add_blank(record.file_id, record.byte_length)

    return refuse
