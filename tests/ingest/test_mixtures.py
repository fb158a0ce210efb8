"""Logs in which everything is mixed: no byte is lost, and no record suffers from what stands around it.

There are lines that nobody can tell apart, and so neighbours that do harm, all of them garbage:

* what reads as more lines of the record before it (`mixtures.goes_on`);
* of a trace of RabbitMQ what ends right before the payload: the next line may be it; and lines of
  text that no other line belongs to may go on with it, whatever they are;
* of an event with a vector clock the line of the clock: the next line is its text, whatever it is,
  and the line before a clock is its text, unless that belongs to something else;
* of an XML document what ends within a statement, when the second half of one follows somewhere.

Reports and chunks of PostgreSQL and lines of MySQL that stand between those of another report are told
with it: as the same events, in one record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.formats import erlang_terms, transcoders
from ingest.framing import frames

from .mixtures import Piece, goes_on, mixtures, records
from .parsing import PLACE, Parsed, Parser, Row

SERVERS = {"postgresql_syslog": "postgresql", "mysql_text": "mysql", "mysql_json": "mysql"}
NO_PAYLOAD = re.compile(rb"\nPayload:[ \t]*\r?\n\0*\Z")
PAYLOAD = re.compile(rb"\nPayload:[ \t]*\r?\n")
CLOCK_LINE = re.compile(rb'\A[^\n{]*\{"[^\n{}]*"[ \t]*:[ \t]*\d+[ \t]*\}[ \t]*\r?\n\Z')
LINES = frozenset(one.name for one in transcoders() if not one.spans_lines) | {
    "vector_clock_log",
    "timestamped_text",
}
IN_SQL = re.compile(rb"<(?:inputbuf|frame|value)\b[^<>]*>[^<]*\Z")


def cut(data: bytes) -> list[tuple[int, bytes]]:
    """The records in all that there is, with their offsets."""
    bounds = frames(data, is_all=True).tolist()
    ends = bounds if bounds[-1] == len(data) else [*bounds, len(data)]
    return [(start, data[start:end]) for start, end in pairwise(ends)]


def about(row: Row) -> dict[str, Any]:
    """What a row says, but for its place and for which of the notations of a server it was in."""
    return {name: value for name, value in row.items() if name not in (*PLACE, "format")}


class Alone:
    """What each record gives when nothing stands around it."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._known: dict[bytes, Parsed] = {}

    def __getitem__(self, data: bytes) -> Parsed:
        if data not in self._known:
            self._known[data] = self._parser.parse_at(cut(data))
        return self._known[data]


@pytest.fixture(scope="module")
def alone(new_parser: Callable[..., Parser]) -> Alone:
    return Alone(new_parser())


def check_rows(pieces: list[Piece], parser: Parser, alone: Alone) -> None:
    """Every byte is accounted for, and every whole record gives what it gives alone."""
    data = b"".join(piece.data for piece in pieces)
    found = cut(data)
    parsed = parser.parse_at(found)
    parsed.assert_every_byte_accounted()
    ends = list(accumulate(len(piece.data) for piece in pieces))
    for number, (piece, end) in enumerate(zip(pieces, ends, strict=True)):
        start = end - len(piece.data)
        follows = pieces[number + 1] if number + 1 < len(pieces) else None
        if not piece.format or (follows and takes(piece, follows, data[end:])):
            continue
        around = next(at for at, raw in found if at <= start < at + len(raw))
        expected = alone[piece.data]
        assert not expected.rejects
        assert expected.rows
        if around < start and is_excused(piece, data[around:start]):
            said = [about(row) for row in parsed.rows]
            assert (
                NO_PAYLOAD.search(data[:start])
                or CLOCK_LINE.search(data[around:start])
                or piece.format == "vector_clock_log"
                or (piece.format in LINES and PAYLOAD.search(data[around:start]))
                or IN_SQL.search(data[around:start])
                or all(about(row) in said for row in expected.rows)
            )
            continue
        rows = [row for row in parsed.rows if start <= row["byte_offset"] < end]
        moved = [{**row, "byte_offset": row["byte_offset"] - start} for row in rows]
        assert moved == expected.rows, f"{piece.format} behind {data[max(around, start - 300) : start]!r}"


def takes(piece: Piece, follows: Piece, behind: bytes) -> bool:
    """Whether what follows a record may be read as more of it."""
    if follows.format:
        return follows.format in LINES and PAYLOAD.search(piece.data) is not None
    return goes_on(piece, behind)


def is_excused(piece: Piece, before: bytes) -> bool:
    """Whether a record may be a part of one that begins before it."""
    if NO_PAYLOAD.search(before) or IN_SQL.search(before) or CLOCK_LINE.search(before):
        return True
    if piece.format in LINES and PAYLOAD.search(before):
        return True
    if piece.format == "vector_clock_log":
        return before.count(b"\n") == 1
    if piece.format == "postgresql_syslog":
        return b"postgres" in before
    if piece.format == "postgresql_text":
        return b":  " in before
    return SERVERS.get(piece.format) == "mysql" and b"deadlock detected, dumping" in before


@given(mixtures(9))
@settings(max_examples=30)
def test_no_byte_is_lost_and_no_record_suffers(parser: Parser, alone: Alone, pieces: list[Piece]) -> None:
    check_rows(pieces, parser, alone)


@pytest.mark.slow
@given(mixtures(14))
@settings(max_examples=300)
def test_no_byte_is_lost_and_no_record_suffers_in_many_mixtures(
    parser: Parser, alone: Alone, pieces: list[Piece]
) -> None:
    check_rows(pieces, parser, alone)


@given(st.lists(st.sampled_from(records()), min_size=2, max_size=20))
@settings(max_examples=50)
def test_whole_records_of_any_formats_stand_side_by_side(pieces: list[Piece]) -> None:
    # What is no start of a record of its own may be the payload of the one before, and a line of text that
    # of the clock behind it.
    assume(not any(two.format in LINES and PAYLOAD.search(one.data) for one, two in pairwise(pieces)))
    assume(("timestamped_text", "vector_clock_log") not in pairwise(piece.format for piece in pieces))
    found = [raw for _, raw in cut(b"".join(piece.data for piece in pieces))]
    assert found == [raw for piece in pieces for _, raw in cut(piece.data)]


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95])
def test_quotes_that_were_torn_open_hold_no_records(share: float) -> None:
    # Whatever stands behind a line of text that no format knows may be its text.
    known = [one.data for one in records() if one.format in LINES - {"vector_clock_log", "timestamped_text"}]
    for torn in (one.data for one in records() if one.format == "postgresql_csvlog"):
        head = torn[: int(len(torn) * share)] + b"\n"
        for behind in known:
            assert len(head) in frames(head + behind * 2 + b"no more quotes\n" + torn)


def check_prefixes(pieces: list[Piece], cuts: list[float]) -> None:
    """What ends in the part of a log that is there ends at the same places when there is more."""
    data = b"".join(piece.data for piece in pieces)
    bounds = frames(data).tolist()
    for share in cuts:
        found = frames(data[: int(share * len(data))]).tolist()
        assert found == bounds[: len(found)]
    at, whole = 0, []
    for end in sorted(int(share * len(data)) for share in [*cuts, 1.0]):
        whole += [at + bound for bound in frames(data[at:end]).tolist()[1:]]
        at = whole[-1] if whole else 0
    assert whole == bounds[1:]


@given(mixtures(6), st.lists(st.floats(0, 1), max_size=30))
@settings(max_examples=60)
def test_records_do_not_depend_on_how_much_was_there(pieces: list[Piece], cuts: list[float]) -> None:
    check_prefixes(pieces, cuts)


@pytest.mark.slow
@given(mixtures(6), st.lists(st.floats(0, 1), max_size=50))
@settings(max_examples=3_000)
def test_records_do_not_depend_on_how_much_was_there_in_many_mixtures(
    pieces: list[Piece], cuts: list[float]
) -> None:
    check_prefixes(pieces, cuts)


def first(name: str) -> bytes:
    return max((piece.data for piece in records() if piece.format == name), key=len)


JSON = b'{"id": "1", "text": "a"}\n'


def test_the_line_behind_a_clock_is_its_text_whatever_it_looks_like(parser: Parser) -> None:
    clock = b'1573067245137826212 10.0.0.1:9000 {"10.0.0.1:9000":2, "~n/2":7}\n'
    assert [raw for _, raw in cut(JSON + clock + JSON + JSON)] == [JSON, clock + JSON, JSON]
    event = parser.parse(clock + JSON).rows[0]
    assert event["event_id"] == "10.0.0.1:9000:2"
    assert json.loads(event["attributes"])["event"] == JSON.decode().strip()


@pytest.mark.parametrize(
    ("torn", "whole"),
    [
        (first("innodb_status")[:700], first("innodb_status")),
        (first("innodb_status")[:700], first("sqlserver_deadlock")),
        (b"=" * 37 + b"\ntext", first("innodb_status")),
        (first("mysql_text")[:900], b"2026-03-10  0:00:07 9999 [Warning] Aborted connection\n"),
        (first("sqlserver_deadlock")[:900], JSON),
        (first("sqlserver_deadlock")[:900], first("logfmt")),
        (first("sqlserver_deadlock")[:900], first("postgresql_text")),
        (first("java_thread_dump"), first("rabbitmq_trace_text")),
        (first("postgresql_csvlog")[:150] + b"\n\0\0\0", first("axon")),
        (first("postgresql_csvlog")[:150], first("ocel2")),
        (first("rabbitmq_trace_text") + b"\0\0\0", first("ecs")),
        (
            first("rabbitmq_trace_text")[:-2].rpartition(b"\nPayload:")[0] + b"\nPayload:",
            first("rabbitmq_trace_text"),
        ),
        (b'{"op": "publish",', first("ocel2")),
    ],
)
def test_what_is_torn_gives_way_to_what_follows(torn: bytes, whole: bytes) -> None:
    torn += b"" if torn.endswith((b"\n", b"\0")) else b"\n"
    found = [raw for _, raw in cut(torn + whole + JSON)]
    assert found[-2:] == [whole, JSON]


def test_statements_in_a_document_may_look_like_records() -> None:
    document = first("sqlserver_deadlock")
    statement = b"<inputbuf>\nINSERT INTO logs VALUES ('\n%b%b')\n" % (JSON, first("postgresql_text"))
    document = document.replace(b"<inputbuf>\n", statement, 1)
    assert statement in document
    assert [raw for _, raw in cut(JSON + document + JSON)] == [JSON, document, JSON]


def test_an_array_of_indented_objects_is_one_record() -> None:
    array = b'[\n{\n  "id": "1",\n  "a": [\n    1\n  ]\n},\n{\n  "id": "2"\n}\n]\n'
    assert [raw for _, raw in cut(JSON + array + JSON)] == [JSON, array, JSON]


def test_a_defect_of_one_notation_costs_its_record_only(
    new_parser: Callable[..., Parser], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise TypeError("not thought of")

    monkeypatch.setattr(erlang_terms, "table", broken)
    parsed = new_parser().parse(JSON, first("rabbitmq_trace_text"), JSON)
    assert [row["event_id"] for row in parsed.rows] == ["1", "1"]
    assert [reject.reason for reject in parsed.rejects] == [
        "rabbitmq_trace_text: cannot be read (TypeError: not thought of); please report this"
    ]
