"""What is no JSON object: of which notation a text is, and what becomes of bytes that are of none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from ingest.formats import transcoders
from ingest.formats.base import Transcoder, one_of
from ingest.records import LINE_SCHEMA, Outcome, RawRecord, Rows, parted
from ingest.rescue import segments
from ingest.transcoding import Records, refusing, transcoded

_OBJECT: Final = r"\A[ \t]*\{"


@dataclass(frozen=True)
class Apart:
    """Lines, by who reads them."""

    objects: pa.Table
    """What may be a JSON object."""
    headed: Mapping[str, pa.Table]
    """Texts with the header of a transcoder, by its name, which SQL can read."""
    others: pa.Table
    """Texts that only Python can read."""


class Texts:
    """Reads records that are not JSON."""

    def __init__(self) -> None:
        self.by_name: Final[dict[str, Transcoder]] = {one.name: one for one in transcoders() if one.starts}
        """What their notations are read by."""
        self._any = one_of({name: one.whole for name, one in self.by_name.items()})
        self._headers = [one for one in self.by_name.values() if one.header]

    def apart(self, lines: pa.Table) -> Apart:
        """Tell texts from what may be an object."""
        is_object = pa.compute.starts_with(lines["line"], "{")
        is_told = pa.compute.or_(is_object, pa.compute.is_valid(lines["maker"]))
        objects, texts = parted(lines, is_told)
        spaced, texts = parted(texts, _matches(texts, _OBJECT))
        headed = {}
        for by in self._headers if texts.num_rows else ():
            is_headed = _matches(texts, _one_line(by))
            if by.unless:
                is_headed = pa.compute.and_not(is_headed, _matches(texts, by.unless))
            headed[by.name], texts = parted(texts, is_headed)
        objects = pa.concat_tables([objects, spaced])
        return Apart(objects, {name: found for name, found in headed.items() if found.num_rows}, texts)

    def sort_out(self, records: Records, outcome: Outcome) -> list[pa.Table]:
        """Sort the bytes of what is not one JSON object into records, rejects, blanks."""
        groups = self._by_notation(records)
        again = Rows()
        for number in groups.pop("", []):
            _cut(records[number], again, outcome)
        refuse = refusing(records, outcome)
        tables = [transcoded(self.by_name[name], records, groups[name], refuse) for name in sorted(groups)]
        return [*tables, again.table()]

    def read_held(self, texts: pa.Table) -> Iterator[pa.Table]:
        """What becomes of texts that stood in envelopes: `held`, and what each gets as well: `added`."""
        for records in Records.parts(texts, "held"):
            members = Records.of(records.table, "added").raws
            groups = self._by_notation(records)
            kept = groups.pop("", [])

            def keep(number: int, _: str, kept: list[int] = kept) -> None:
                kept.append(number)  # still a record, if not one of that notation

            for name, numbers in groups.items():
                yield transcoded(self.by_name[name], records, numbers, keep, members)
            yield records.table.take(pa.array(kept, pa.int64())).select(LINE_SCHEMA.names)

    def _by_notation(self, records: Records) -> dict[str, list[int]]:
        """The numbers of records that are not JSON by the name of what transcodes them, or ""."""
        groups: dict[str, list[int]] = {}
        match = self._any.match
        for number, raw in enumerate(records.raws):
            found = match(raw)
            groups.setdefault((found.lastgroup or "") if found else "", []).append(number)
        return groups


def refuse_nested(lines: pa.Table, outcome: Outcome, cursor: duckdb.DuckDBPyConnection) -> None:
    """Reject what stands in more envelopes than anybody puts around a record, with all else of its line."""
    places: dict[tuple[int, int], RawRecord] = {}
    for records in Records.parts(lines, "line"):
        for number in range(len(records.raws)):
            record = records[number]
            places.setdefault((record.file_id, record.byte_offset), record)
    for record in places.values():
        outcome.reject(record, "envelopes within envelopes, more than anybody puts around a record")
    for place in places:
        cursor.execute("DELETE FROM parsed WHERE file_id = ? AND byte_offset = ?", place)


def _matches(lines: pa.Table, pattern: str) -> pa.ChunkedArray:
    return pa.compute.match_substring_regex(lines["line"], pattern)


def _one_line(by: Transcoder) -> str:
    """Pattern for a line that is an envelope with this header, and can be opened as text.

    What JSON writes in more than one way is left to the transcoder, and so are several lines.
    """
    return rf"\A(?:{by.header})[^\x00-\x08\x0a-\x1f]*\n?\z"


def _cut(record: RawRecord, again: Rows, outcome: Outcome) -> None:
    for part in segments(record.raw):
        start, length = part.start, part.end - part.start
        if part.kind == "record" and length < len(record.raw):
            again.add(record, record.raw[start : part.end].decode(), start=start, length=length)
        elif part.kind == "blank":
            outcome.add_blank(record.file_id, length)
        else:
            reason = part.reason or "JSON that the database cannot read"
            outcome.reject(record, reason, start=start, length=length)
