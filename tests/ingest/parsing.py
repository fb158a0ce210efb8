"""Lines through the real engine, as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa

from ingest.engine import Engine
from ingest.mapping import NO_MAPPING, FieldMapping, Inferred
from ingest.records import LINE_SCHEMA, RawRecord, Reject
from stormwatch.storage import Store

Row = dict[str, Any]
PLACE = ("file_id", "byte_offset", "byte_length", "record_no")


@dataclass(frozen=True)
class Parsed:
    """What lines became."""

    rows: list[Row]
    """In the order of the files, without the columns that are NULL."""
    rejects: list[Reject]
    blank_bytes: int
    total_bytes: int

    def assert_every_byte_accounted(self) -> None:
        """Stored, quarantined and blank bytes are all bytes, and no byte is there twice."""
        stored = [(row["byte_offset"], row["byte_length"]) for row in self.rows if row["record_no"] == 0]
        rejected = [(reject.byte_offset, reject.byte_length) for reject in self.rejects]
        ranges = sorted(stored + rejected)
        for (start, length), (following, _) in pairwise(ranges):
            assert start + length <= following, "a byte is there twice"
        assert sum(length for _, length in ranges) + self.blank_bytes == self.total_bytes

    def the_row(self) -> Row:
        """The only row, without its place."""
        assert not self.rejects
        [row] = self.rows
        return {name: value for name, value in row.items() if name not in PLACE}


class Parser:
    """Parses with one engine, which may remember what it has seen."""

    def __init__(
        self, store: Store, mapping: FieldMapping = NO_MAPPING, told: Mapping[str, Inferred] | None = None
    ) -> None:
        """`told` is what the values tell of files, by path."""
        self._cursor = store.cursor()
        self._engine = Engine(self._cursor, mapping, lambda path: (told or {}).get(path, Inferred()))

    def close(self) -> None:
        """Release the connection."""
        self._cursor.close()

    def parse(self, *lines: bytes | str, path: str = "app.log") -> Parsed:
        """Lines as they follow each other in one file; a line end is put where none is."""
        ended = [_ended(line) for line in lines]
        return self.parse_at(zip(_offsets(ended), ended, strict=True), path)

    def parse_at(self, lines: Iterable[tuple[int, bytes]], path: str = "app.log") -> Parsed:
        """Lines with the offsets they stand at, in any order."""
        [parsed] = self.parse_files([lines], path)
        return parsed

    def parse_files(
        self, files: Iterable[Iterable[tuple[int, bytes]]], path: str = "app.log"
    ) -> list[Parsed]:
        """Lines of several files in one batch, and what those of each became."""
        number = self._engine.mapping_no(path)
        whole: list[Row] = []
        broken: list[RawRecord] = []
        total: Counter[int] = Counter()
        for file_id, lines in enumerate(files, start=1):
            total[file_id] = 0
            for offset, raw in lines:
                total[file_id] += len(raw)
                try:
                    whole.append(_line(file_id, offset, raw, number))
                except UnicodeDecodeError:
                    broken.append(RawRecord(file_id, offset, len(raw), number, raw))
        outcome = self._engine.parse(pa.Table.from_pylist(whole, schema=LINE_SCHEMA), broken)
        rows = self._rows("SELECT * FROM parsed ORDER BY file_id, byte_offset, record_no")
        return [
            Parsed(
                [row for row in rows if row["file_id"] == file_id],
                [reject for reject in outcome.rejects if reject.file_id == file_id],
                outcome.blank_bytes.get(file_id, 0),
                size,
            )
            for file_id, size in total.items()
        ]

    def _rows(self, sql: str) -> list[Row]:
        table = self._cursor.sql(sql).to_arrow_table()
        return [
            {name: value for name, value in row.items() if value is not None} for row in table.to_pylist()
        ]


def _ended(line: bytes | str) -> bytes:
    raw = line.encode() if isinstance(line, str) else line
    return raw if raw.endswith(b"\n") else raw + b"\n"


def _offsets(lines: Sequence[bytes]) -> list[int]:
    offsets, at = [], 0
    for line in lines:
        offsets.append(at)
        at += len(line)
    return offsets


def _line(file_id: int, offset: int, raw: bytes, mapping_no: int) -> Mapping[str, Any]:
    return {
        "file_id": file_id,
        "byte_offset": offset,
        "byte_length": len(raw),
        "record_no": 0,
        "mapping_no": mapping_no,
        "maker": None,
        "line": raw.decode(),
    }
