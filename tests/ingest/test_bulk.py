"""Lines that are opened in bulk become what they become one by one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import framing
from ingest.formats import transcoders
from ingest.formats.base import one_of
from ingest.framing import frames
from tests.ingest.mixtures import TEXTS, records
from tests.ingest.parsing import Parser

TIMES = ("2026-05-05T10:00:00Z", "2026-05-05T10:00:00.123456789+02:00")
TAGS = ("F", "P", "F:tag", "F:\v", "F:\xa0")
HEADERS = [f"{time} {stream} {tag} " for time, stream, tag in product(TIMES, ("stdout", "stderr"), TAGS)]
HELD = [
    *(one.data.splitlines()[0] for one in records() if one.format in {"json", "postgresql_text", "kcat"}),
    *(text.encode() for text in TEXTS),
    b'{"id":"a","type":"b","causation_id":"c"}', b'{"id":1e400,"id":2,"n":12345678901234567890123}',
    b' \t{"id":"a","text":"\xc3\xbc\\u001b[1m"}', b'{"id":"a",}', b'{"id":"a"} ', b'{"id":"a"}\r',
    b'{"message":"{\\"id\\":\\"inner\\"}"}', b'[{"id":"a"}]', b"{}", b"\x1b[1mbold\x1b[0m", b"", b"\xff",
    b'{"id":"a","text":"\t"}', b'{"id":"a\x1b"}', b"\x7f \xe2\x80\xa8 \\ \"", b"a\x85b", b'{"\x7f":"\xff"}',
]  # fmt: skip
CHARACTERS = st.characters(codec="utf-8") | st.sampled_from('\t\r\0\x1b\x7f{}"\\,:')
LINES = st.builds(
    lambda header, held, end: header.encode() + held.replace(b"\n", b"") + end,
    st.sampled_from([*HEADERS, ""]),
    st.sampled_from([*HELD, *(line for one in records() for line in one.data.splitlines())])
    | st.text(CHARACTERS).map(str.encode)
    | st.binary(max_size=20),
    st.sampled_from((b"\n", b"\n", b"\r\n")),
)


@pytest.fixture(scope="module")
def one_by_one(new_parser: Callable[..., Parser]) -> Parser:
    """Knows of nothing that is done in bulk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.engine.transcoders", lambda: [replace(one, header="") for one in transcoders()])
        return new_parser()


def check(lines: list[bytes], parser: Parser, one_by_one: Parser) -> None:
    data = b"".join(lines)
    bounds, so_far = frames(data, is_all=True).tolist(), frames(data).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framing, "_object_behind_header", lambda: re.compile(b"(?!)"))
        assert frames(data, is_all=True).tolist() == bounds
        assert frames(data).tolist() == so_far
    pieces = [(start, data[start:end]) for start, end in pairwise(bounds)]
    assert parser.parse_at(pieces) == one_by_one.parse_at(pieces)


def test_envelopes_with_a_header_hold_what_they_hold_one_by_one(parser: Parser, one_by_one: Parser) -> None:
    lines = [HEADERS[number % 7].encode() + held + b"\n" for number, held in enumerate(HELD)]
    check(lines, parser, one_by_one)


@pytest.mark.slow
@given(lines=st.lists(LINES, min_size=1, max_size=20))
@settings(max_examples=30)
def test_so_do_any_others(lines: list[bytes], parser: Parser, one_by_one: Parser) -> None:
    check(lines, parser, one_by_one)


@pytest.mark.parametrize("name", [one.name for one in transcoders() if one.header])
def test_no_notation_that_is_asked_before_begins_as_a_header(name: str) -> None:
    """Which of these a line is of, the engine asks, and which of those that span lines, what cuts them."""
    asked = one_of({one.name: one.whole for one in transcoders() if one.starts})
    cutting = one_of({one.name: one.starts for one in transcoders() if one.spans_lines})
    [header] = [re.compile(one.header.encode()) for one in transcoders() if one.name == name]
    lines = [head.encode() + held for head in HEADERS for held in HELD]
    found = [line for line in lines if header.match(line)]
    assert found
    assert {pattern.match(line).lastgroup for line in found for pattern in (asked, cutting)} == {name}  # type: ignore[union-attr]
