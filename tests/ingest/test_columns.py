"""Files whose first line names their columns: which are, where rows end, and what these become.

`columns/<case>` were made for these tests from RFC 4180 and the documentation of pm4py, IIS, CloudFront,
Exchange and Zeek, `<case>.expected.json` are their rows without the columns that are NULL.
"""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.columns import UNTOLD, Columns, columns_of
from ingest.engine import Engine
from ingest.generations import Generation, Position
from ingest.identity import HEAD_BYTES, FileKey
from ingest.lines import lines_of
from ingest.named import framed, most_records, named_columns
from ingest.reader import Chunk
from stormwatch.storage import Store
from tests.ingest.mixtures import records
from tests.ingest.parsing import PLACE

HERE = Path(__file__).parent / "columns"
CASES = sorted(path for path in HERE.iterdir() if not path.name.endswith(".expected.json"))
HEADER = b"id,time,message\n"
ROW = b"1,2026-11-20 09:18:27,fine\n"
DIALECTS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


def parsed(content: bytes, store: Store) -> tuple[list[dict[str, Any]], list[tuple[bytes, str]], int]:
    """The rows of a whole file, its rejects and how many bytes of it are blank."""
    rows: list[dict[str, Any]] = []
    rejects: list[tuple[bytes, str]] = []
    blank, at, columns = 0, 0, None
    head = content
    with store.cursor() as cursor:
        while at < len(content):
            data = content[at:]
            generation = Generation(1, "app.log", FileKey(0, 0, 0), "none")
            generation.position = Position(at, head[: min(at, HEAD_BYTES)])
            generation.columns = (at, columns) if columns else None
            columns, length = named_columns(generation, data, is_all=True)
            bounds = framed(data[:length], columns, is_all=True)
            assert int(bounds[-1]) == length
            engine = Engine(cursor)
            chunk = Chunk(generation, at, data[:length], bounds, Position(), columns=columns)
            outcome = engine.parse(*lines_of([chunk], engine.mapping_no))
            rejects += [(reject.raw, reject.reason) for reject in outcome.rejects]
            blank += sum(outcome.blank_bytes.values())
            found = cursor.sql("FROM parsed ORDER BY byte_offset, record_no").to_arrow_table().to_pylist()
            rows += [{name: value for name, value in row.items() if value is not None} for row in found]
            at += length
    stored = sum(row["byte_length"] for row in rows)
    assert stored + blank + sum(len(raw) for raw, _ in rejects) == len(content)
    return rows, rejects, blank


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in PLACE}
    shown["occurred_at"] = shown["occurred_at"].isoformat()
    if "attributes" in shown:
        shown["attributes"] = json.loads(shown["attributes"])
    return shown


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_rows(path: Path, parsing_store: Store) -> None:
    rows, rejects, _ = parsed(path.read_bytes(), parsing_store)
    assert rejects == []
    expected = json.loads(path.with_name(path.stem + ".expected.json").read_text())
    assert [_readable(row) for row in rows] == expected


@pytest.mark.parametrize("delimiter", DIALECTS, ids=DIALECTS.values())
def test_a_header(delimiter: str) -> None:
    head = (HEADER + ROW).decode().replace(",", delimiter).encode()
    for text in (head, head.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + head, head + b"\0" * 9000):
        assert columns_of(text) == Columns(("id", "time", "message"), delimiter)


@pytest.mark.parametrize(
    "head",
    [
        b"timestamp,value\n2026-11-20 09:18:27,1.5\n",  # a series of measurements
        b"id,name,message\n1,a,b\n",  # no time
        b"id,time,time\n1,2,3\n",  # not distinct
        b"id,time,2\n1,2,3\n",
        b"id,time,\n1,2,\n",
        b"id,time,message\n1,2\n",  # the second line is none of its rows
        b"id,time,message\n1,2,3,4\n",
        b"id,time,message\nStarting up\n",
        b"id,time,message\n\n1,2,3\n",
        b'id,time,{"a":1}\n1,2,3\n',
        b"ready, at, last=1\n1,2,3\n",
        b"id,time,mess\xffage\n1,2,3\n",
        b"# a comment\nid,time,message\n1,2,3\n",
        b"#Software: x\nrow\n#Fields: date time a\n",
        b"#Fields: a b\n1 2\n",
        b"\nid,time,message\n1,2,3\n",
        b"id,time," + b"x" * HEAD_BYTES + b"\n",
    ],
)
def test_what_is_no_header(head: bytes) -> None:
    assert columns_of(head) is None
    assert columns_of(head, is_all=True) is None


@pytest.mark.parametrize("time", ["2026-11-29 10:00:00", '"2026-11-29T10:00:00Z"'])
def test_a_header_without_the_name_of_a_time_stands_above_one(time: str) -> None:
    header = "Ajankohta;Nr;Syynä ollut\n"
    named = Columns(("Ajankohta", "Nr", "Syynä ollut"), ";")
    assert columns_of(f"{header}{time};1;\n".encode()) == named
    assert columns_of(f"{header}7;1;{time}\n".encode()) == named
    assert columns_of(f"{header}7;1;at {time}\n{time};1;\n".encode()) is None


def test_no_record_of_another_format_is_a_header() -> None:
    for piece in records():
        assert columns_of(piece.data * 2, is_all=True) is None, piece.data


@pytest.mark.parametrize("row", [ROW, b'"1","a ""b""\n\nc",x\n', b",,\r\n"])
def test_a_header_waits_for_what_tells(row: bytes) -> None:
    head = HEADER + row
    found = [columns_of(head[:length]) for length in range(len(head) + 1)]
    assert found[: len(HEADER)] == [None] * len(HEADER)
    assert all(one is UNTOLD for one in found[len(HEADER) : len(head)])
    assert found[len(head)] == Columns(("id", "time", "message"), ",")
    assert all(columns_of(head[:length], is_all=True) for length in range(len(HEADER), len(head) + 1))


def test_directives_wait_for_the_one_that_names_columns() -> None:
    head = (HERE / "iis.log").read_bytes()
    end = head.index(b"\n", head.index(b"#Fields")) + 1
    told = [columns_of(head[:length]) for length in range(head.index(b"\n") + 1, end + 1)]
    assert all(one is UNTOLD for one in told[:-1])
    assert told[-1] is not None
    assert told[-1].names[:3] == ("date", "time", "s-ip")


def test_of_directives_in_a_row_the_last_one_holds() -> None:
    first = columns_of(b"#Fields: date time a\n")
    assert first is not None
    second = b"#Fields: date time b c\n"
    assert first.behind(second + b"#Fields: date time d\n").names == ("date", "time", "d")
    columns, length = first.in_force(second + b"#Fields: date time d\nrow\n" + second)
    assert (columns.names, length) == (
        ("date", "time", "d"),
        len(second) + len(b"#Fields: date time d\nrow\n"),
    )
    assert first.in_force(b"row\n" + second) == (first, len(b"row\n"))
    assert first.in_force(second[:-1]) == (first, len(second) - 1)


def test_objects_of_a_batch_are_bounded_whatever_the_names() -> None:
    long = Columns(("id", "time", "x" * 1000), ",")
    assert most_records(long, 200_000, 1 << 20) == (1 << 20) // (2 + 15 + 1006)
    assert most_records(long, 7, 1 << 20) == 7
    assert most_records(long, 7, 1) == 1
    assert most_records(None, 7, 1) == 7


def test_a_second_row_longer_than_what_is_looked_at() -> None:
    head = HEADER + b'1,2,"' + b"x\n" * HEAD_BYTES + b'"\n'
    assert columns_of(head) == columns_of(head[:HEAD_BYTES]) == Columns(("id", "time", "message"), ",")


def _framed(data: bytes, *, is_all: bool = True) -> list[bytes]:
    bounds = framed(data, columns_of(HEADER + ROW), is_all=is_all)
    return [data[start:end] for start, end in pairwise(bounds.tolist())]


def test_a_quote_that_is_torn_costs_its_own_line() -> None:
    torn = b'2,"torn'
    rows = [ROW, b'3,"a, ""b""\n\nc",x\n', ROW]
    for end in (b"\n", b",x\n"):
        assert _framed(ROW + torn + end + b"".join(rows)) == [ROW, torn + end, *rows]
    many = [b"%d,b,c\n" % number for number in range(300)]
    assert _framed(b'2,"torn\n' + b"".join(many), is_all=False) == [b'2,"torn\n', *many]


def test_an_open_quote_waits() -> None:
    row = b'3,"a\nb\n",x\n'
    assert _framed(ROW + row[:5], is_all=False) == [ROW]
    assert _framed(ROW + row[:7], is_all=False) == [ROW]
    assert _framed(ROW + row, is_all=False) == [ROW, row]


CELLS = st.text(st.sampled_from('ab ",;\n\r\t|é\\'), max_size=8)
TABLES = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=12)


@given(
    TABLES, st.sampled_from(list(DIALECTS)), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.data()
)
def test_rows_end_where_a_writer_ended_them(
    table: list[list[str]], delimiter: str, quoting: Any, data: st.DataObject
) -> None:
    """Wherever what is there of a file ends."""
    if quoting == csv.QUOTE_MINIMAL:  # leaves them bare, and one at the end is then part of the line end
        table = [[cell.replace("\r", "") for cell in row] for row in table]
    columns = Columns(("id", "time", "message"), delimiter)
    written = [b""]
    for row in table:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerow(row)
        written.append(out.getvalue().encode())
    content = b"".join(written)
    ends = np.cumsum([len(one) for one in written]).tolist()
    assert columns.frames(content).tolist() == ends
    cut = data.draw(st.integers(0, len(content)))
    assert columns.frames(content[:cut]).tolist() == [end for end in ends if end <= cut]
    objects = list(columns.objects(content, np.array(ends)))
    for row, line, found in zip(table, written[1:], objects, strict=True):
        assert isinstance(found, bytes)
        said = row if line.strip() else []  # a line with nothing to see is blank, whatever parts its cells
        expected = {name: value for name, value in zip(columns.names, said, strict=False) if value}
        assert (json.loads(found) if found else {}) == expected


@pytest.mark.parametrize(
    ("names", "row", "expected"),
    [
        ("Date,Time,id", "2026-11-20,9:18:27,1", {"Time": "2026-11-20 9:18:27", "id": "1"}),
        ("date,time,id", "2026-11-20,2026-11-20T09:18:27Z,1", None),
        ("date,time,id", ",09:18:27,1", {"time": "09:18:27", "id": "1"}),
        ("date,time,id", "2026-11-20,,1", {"date": "2026-11-20", "id": "1"}),
    ],
)
def test_a_day_and_a_clock_are_one_time(names: str, row: str, expected: dict[str, str] | None) -> None:
    columns = Columns(tuple(names.split(",")), ",")
    [found] = columns.objects(row.encode(), np.array([0, len(row)]))
    assert isinstance(found, bytes)
    assert json.loads(found) == (expected or dict(zip(columns.names, row.split(","), strict=True)))


def test_what_fits_no_header_is_rejected_with_both_numbers(parsing_store: Store) -> None:
    bad = {
        b"1,2\n": "2 fields where the header names 3",
        b"1,2,3,4\n": "4 fields where the header names 3",
        b'1,2,"open\n': "no row of 3 fields: unexpected end of data",
        b"1,2,\xff\n": "not valid UTF-8",
        b'1,"2",\xff\n': "not valid UTF-8",
    }
    rows, rejects, blank = parsed(HEADER + ROW + b"".join(bad) + b",,\n\n" + ROW, parsing_store)
    assert len(rows) == 2
    assert [raw for raw, _ in rejects] == list(bad)
    for (_, reason), expected in zip(rejects, bad.values(), strict=True):
        assert expected in reason
    assert blank == len(HEADER) + len(b",,\n\n")
