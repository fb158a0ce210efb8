"""Where text and clock of an event stand, and what is none."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ingest.framing import frames
from tests.ingest.parsing import Parsed, Parser

LOGS = {
    "clock first": b'a {"a":1}\nstarted\nb {"a":1, "b":1}\ngot it\n',
    "text first": b'started\na {"a":1}\n  got it \nb {"a":1, "b":1} \n',
    "one line": b'INFO a {"a":1} started\n[x/b] {"a" : 1,"b":1} got it\n',
    "with times": b'1573067245137826212 a {"a":1}\nstarted\n1573067245137826213 b {"b":1,"a":1}\ngot it\n',
    "CRLF": b'a {"a":1}\r\nstarted\r\nb {"a":1, "b":1}\r\ngot it\r\n',
}


def parsed(parser: Parser, log: bytes) -> Parsed:
    bounds = frames(log, is_all=True).tolist()
    return parser.parse_at([(start, log[start:end]) for start, end in pairwise(bounds)])


@pytest.mark.parametrize("layout", LOGS)
def test_text_and_clock_find_each_other(parser: Parser, layout: str) -> None:
    found = parsed(parser, LOGS[layout])
    said = [(row["event_id"], row["message"].strip(), row.get("links")) for row in found.rows]
    assert said == [("a:1", "started", "[]"), ("b:1", "got it", '[{"id":"a:1","kind":"clock"}]')]
    found.assert_every_byte_accounted()


@pytest.mark.parametrize("layout", LOGS)
def test_records_do_not_depend_on_how_much_was_there(layout: str) -> None:
    log = LOGS[layout]
    whole = frames(log, is_all=True).tolist()
    for end in range(len(log)):
        known = frames(log[:end]).tolist()
        assert set(known) <= set(whole)


def test_a_rule_between_executions_is_no_text(parser: Parser) -> None:
    found = parsed(parser, b'=== run 1 ===\na {"a":1}\nstarted\n=== run 2 ===\nb {"b":1}\nstarted\n')
    assert [row["event_id"] for row in found.rows] == ["a:1", "b:1"]
    assert [reject.raw for reject in found.rejects] == [b"=== run 1 ===\n", b"=== run 2 ===\n"]


def test_the_layout_that_shiviz_is_told_is_no_event(parser: Parser) -> None:
    found = parsed(parser, rb"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)" + b'\n\na {"a":1}\nstarted\n')
    assert [row["event_id"] for row in found.rows] == ["a:1"]
    [reject] = found.rejects
    assert "how ShiViz cuts this log" in reject.reason


@pytest.mark.parametrize("line", ['done {"items":3}', 'INFO stats {"a":1, "b":2} end', 'a {"a":"1"}'])
def test_counts_without_their_host_are_no_clock(parser: Parser, line: str) -> None:
    found = parsed(parser, f"{line}\nnext line\n".encode())
    assert "vector_clock_log" not in [row["format"] for row in found.rows]
    assert b"next line\n" in [reject.raw for reject in found.rejects]


def test_a_text_waits_for_its_clock() -> None:
    log = b'a {"a":1}\nstarted\n'
    assert frames(b"first\n").tolist() == [0]
    assert frames(b"first\n", is_all=True).tolist() == [0, 6]
    assert frames(b"first\n" + log).tolist() == [0, 16]
