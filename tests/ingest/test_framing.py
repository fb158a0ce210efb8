"""Records are cut by what they start with, whatever stands before them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import framing
from ingest.beginnings import record_start
from ingest.formats import transcoders
from ingest.formats.base import continued, simplest
from ingest.framing import frames, last_start
from tests.ingest.mixtures import records

CSV = (
    b'2026-11-01 00:00:01.000 UTC,"app","db",1,"10.0.0.1:5",5f.1,1,"SELECT",2026-11-01 00:00:00 UTC,'
    b'3/7,0,ERROR,40P01,"a ""quoted""\nword","one\ntwo",,,,,"SELECT \'{\n{""a"": 1}\'",,,"psql","client",,0\n'
)
JSON = b'{"id": "1", "text": "a \\" quote"}\n'
PRETTY = (json.dumps({"id": "2", "list": [{"a": {}}, {"b": '} { \\ ["'}]}, indent=2) + "\n").encode()
ARRAY = (json.dumps([{"id": "3", "text": "]"}, {"id": "4"}], indent=1) + "\r\n").encode()
RECORDS = [
    PRETTY,
    ARRAY,
    CSV,
    JSON,
    b"\n",
    b"plain text\n",
    b'{"a": 1}\r\n',
    CSV.replace(b"app", b"other"),
    b"\0\0\0",
]


def cut(data: bytes) -> list[bytes]:
    bounds = frames(data, is_all=True).tolist()
    return [data[start:end] for start, end in pairwise([*bounds, len(data)]) if end > start]


@given(st.lists(st.sampled_from(RECORDS), max_size=20))
def test_records_of_all_kinds_stand_side_by_side(records: list[bytes]) -> None:
    # Two holes are one.
    apart = [one for at, one in enumerate(records) if one != b"\0\0\0" or records[at - 1 : at] != [one]]
    assert cut(b"".join(apart)) == apart


def torn_and_behind() -> Iterator[tuple[bytes, bytes]]:
    """What is left of a record, and a record behind it that cannot be a part of that."""
    for share, record in product([0.02, 0.3, 0.5, 0.75, 0.9, 0.99], [CSV, PRETTY, ARRAY, JSON]):
        torn = record[: int(len(record) * share)] + b"\n"
        for behind in (CSV, JSON, PRETTY, ARRAY, b"plain text\n"):
            in_quotes = record is CSV and share < 0.99 and behind not in (CSV, JSON)
            if not in_quotes and not (torn == b"[\n" and behind in (PRETTY, ARRAY)):
                yield torn, behind


@pytest.mark.parametrize(("torn", "behind"), list(torn_and_behind()))
def test_a_torn_record_does_not_swallow_what_follows(torn: bytes, behind: bytes) -> None:
    found = cut(torn + behind * 2)
    assert found[-2:] == [behind, behind]
    assert b"".join(found) == torn + behind * 2


def test_a_file_may_start_within_a_record() -> None:
    assert cut(CSV[120:] + CSV + JSON)[-2:] == [CSV, JSON]


@given(st.lists(st.sampled_from(RECORDS[:6]), min_size=1, max_size=9), st.data())
@settings(max_examples=50)
def test_cuts_do_not_depend_on_how_much_was_there(records: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(records)
    end = data.draw(st.integers(0, len(whole)))
    assert set(frames(whole[:end]).tolist()) <= set(frames(whole).tolist())


def test_the_start_of_a_record_is_found_from_within_the_file() -> None:
    data = JSON + CSV + CSV
    second = len(JSON) + len(CSV)
    for at in range(len(JSON) + 1, len(data) + 1):
        expected = second if second <= at < len(data) else len(JSON) if at < second else len(data)
        assert last_start(data[:at]) == expected


@pytest.mark.parametrize("indent", [0, 1, "\t"])
def test_a_document_is_one_record_however_it_is_indented(indent: int | str) -> None:
    nested = (
        json.dumps({"a": [{"b": [1, "}", {"c": {}}]}, []], "d": {"e": None}}, indent=indent).encode() + b"\n"
    )
    assert cut(JSON + nested + JSON + nested) == [JSON, nested, JSON, nested]


def test_an_array_with_one_element_a_line_is_read_line_by_line() -> None:
    lines = [b"[\n", b'{"id": "1"},\n', b'{"id": "2"}\n', b"]\n"]
    assert cut(b"".join(lines)) == lines


TALE = re.compile(rb"LOG ")
DATA = b"LOG one\n\ttwo\n\tthree\nLOG four\n\tfive\nother\n\tsix"
CONTINUED = continued(rb"\t")


@pytest.mark.parametrize(
    ("length", "is_all", "end"),
    [
        (len(DATA), False, 20),
        (20, True, 20), (20, False, None),  # another line may follow
        (18, False, None), (18, True, 18),  # ends within its last line
        (24, False, None), (24, True, 20),  # behind it begins what may be either
        (9, True, 9), (5, False, None),
    ],
)  # fmt: skip
def test_a_record_goes_on_as_long_as_its_lines_begin_so(length: int, is_all: bool, end: int | None) -> None:
    assert CONTINUED(DATA[:length], 0, another=TALE, is_all=is_all) == end


def test_a_day_goes_on_with_no_list_of_numbers() -> None:
    day = b"2026-11-23 09:18:27.5 WARN service=shop id=e4\n"
    assert frames(b"[\n" + day + day).tolist()[-1] == len(b"[\n" + day + day)
    assert frames(b"[\n2026-11-23\n" + day).tolist()[1:2] == [len(b"[\n")]
    assert frames(b"[\n1732442307,\n-1.5e3\n]\n" + day).tolist()[1] == len(b"[\n1732442307,\n-1.5e3\n]\n")


def test_what_is_no_envelope_of_one_kind_may_be_one_of_another() -> None:
    report = [
        f"2025-03-10 12:05:20.209 UTC [7] p@shop/x {part}" for part in
        ("ERROR:  deadlock detected", "DETAIL:  Process 7 waits for ShareLock on transaction 1.")
    ]  # fmt: skip
    docker = b"".join(
        b'{"log":"%b\\n","stream":"stderr","time":"2025-03-10T12:05:20.2Z"}\n' % line.encode()
        for line in report
    )
    kubernetes = b'2026-05-05T10:00:00.5Z stderr F 2{"id": "e1"}\n'
    assert frames(docker).tolist() == [0]
    assert frames(kubernetes + docker).tolist() == [0, len(kubernetes)]


@pytest.mark.parametrize("envelope", ['{"log":"%s","stream":"stdout","time":"t"}', '{"text":"%s"}'])
def test_a_long_object_goes_on_only_where_it_may_be_an_envelope(envelope: str) -> None:
    """docker's buffer is 16 KiB: a text that fills it goes on in the next object."""
    piece, last = (f"{envelope % text}\n".encode() for text in ("x" * (16 << 10), "y\\n"))
    expected = [0, len(piece), len(piece + last)] if b'"text"' in piece else [0, len(piece + last)]
    assert frames(piece + last, is_all=True).tolist() == expected


@pytest.mark.parametrize(
    "prefix",
    [
        f"2026-11-20 09:18:27.083 UTC [{'9' * 5_000}] ",
        f"2026-11-20 09:18:27.083 UTC [4711-{'9' * 5_000}] ",
        f"2026-11-20 09:18:27.083 UTC db-1({'9' * 5_000}) ",
        "2026-11-20 09:18:27.083 UTC pid=\u00b2 ",
    ],
)
@pytest.mark.parametrize(
    "envelope", ["{}\n", '{{"log": {}, "stream": "stdout", "time": "2026-11-20T09:18:27Z"}}\n']
)
def test_what_looks_like_a_number_and_is_none_ends_its_report(envelope: str, prefix: str) -> None:
    def line(text: str) -> bytes:
        return envelope.format(json.dumps(text + "\n") if "log" in envelope else text).encode()

    report = line(f"{prefix}ERROR:  deadlock detected") + line(f"{prefix}DETAIL:  Process 1 waits")
    other = line("2026-11-20 09:18:28.083 UTC [12] LOG:  checkpoint starting: time")
    assert cut(report + other) == [report, other]


def test_a_notation_that_fails_keeps_nothing_else_from_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> int:
        raise RecursionError

    monkeypatch.setattr(framing, "_spanning", lambda: (re.compile(rb"(?P<broken>\{)"), {"broken": broken}))
    monkeypatch.setattr(framing, "_peels", lambda: {"broken": broken})
    assert cut(JSON + PRETTY + b"plain text\n") == [JSON, *PRETTY.splitlines(keepends=True), b"plain text\n"]
    monkeypatch.setattr(framing, "_peels", dict)
    assert cut(JSON + PRETTY + b"plain text\n") == [JSON, *PRETTY.splitlines(keepends=True), b"plain text\n"]


def test_without_what_some_records_need_no_line_begins_one_of_them() -> None:
    every = b"".join(record.data + b"\n" for record in records())
    data = every
    for text in {b"{", *(text for one in transcoders() for text in one.needs)}:
        data = data.replace(text, b"<")
    starts = framing.by_lines(data).tolist()[:-1]
    for json_start in (b"\\{", b"[{]"):
        pattern = record_start(json_start)
        simple = simplest(pattern, data, 0, len(data))
        assert simple is not pattern
        assert simplest(pattern, every, 0, len(every)) is pattern
        found = [at for at in starts if simple.match(data, at)]
        assert found
        assert found == [at for at in starts if pattern.match(data, at)]
