"""Lines that are read in bulk become what they become one by one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, pairwise, product

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
PREFIXES = (
    "[9] ", "[9] app@shop ", "[9] app@shop/worker-1 ", "[9] app@shop/XX000 ", "[9] app@shop/my app ", "[9]: ",
    "[09] ", "[9-1] ", "[10] ", "[1234567890] ", "[9] [unknown]@[unknown] ", "[9] 00000 ", "[9] a.b@c ",
    "[9] user=app,db=shop ",
)  # fmt: skip
CONTAINER = [
    *(f"{time} {stream} {tag} " for time, stream, tag in product(TIMES, ("stdout", "stderr"), TAGS)),
    "shop-api-1  | ", "db_12 | ", "\x1b[36mshop-api-1  |\x1b[0m ", "postgres  | ",
]  # fmt: skip
SERVER = [
    f"{time} {prefix}{label}:  "
    for time, prefix, label in product(
        ("2026-05-05 10:00:00.123 UTC", "2026-05-05 10:00:00.123 +02", "2026-05-05 10:00:00 UTC"),
        PREFIXES,
        ("LOG", "ERROR", "DETAIL", "STATEMENT", "DEBUG1"),
    )
]
LOGGERS = (
    "2026-05-05 10:00:00,123 INFO  [main] com.shop.Orders - ",
    "2026-05-05 10:00:00.123 [http-1] [req-7] WARN  com.shop.Orders : ",
    "2026-05-05T10:00:00.123Z  INFO 12345 --- [shop] [           main] c.s.Orders      : ",
    "2026-05-05T10:00:00Z ERROR shop::orders: ", "[2026-05-05T10:00:00Z INFO  shop] ",
    "2026-05-05T10:00:00.1+0200 I NETWORK  [listener] ", "2026-05-05T10:00:00Z [ERROR] agent: ",
    "2026-05-05 10:00:00,123 [myid:1] - INFO  [main:QuorumPeerConfig@135] - ",
    "[2026-05-05T10:00:00,123][INFO ][o.e.n.Node       ] [node-1] ",
    "2026-05-05 10:00:00,123 - shop.orders - INFO - ", "2026-05-05 10:00:00 [ERROR] ",
    "2026-05-05 10:00:00 CET mysqld_safe ERROR ", "DEBUG 2026-05-05 10:00:00,123 p 27844 140535 ",
    "[2026-05-05 10:00:00,123: INFO/MainProcess] ", "2026-05-05 10:00:00.123 | INFO     | __main__:f:3 - ",
    "2026/05/05 10:00:00.123456 main.go:12: ", "2026/05/05 10:00:00 [error] 123#456: *789 ",
    "[Sat Nov 28 15:04:05.123456 2026] [core:error] [pid 123:tid 456] [client 1.2.3.4:56] ",
    "2026-05-05 10:00:00.123456+00:00 [error] <0.679.0> ", "1:M 28 Nov 2026 15:04:05.123 * ",
    "[1] 28 Nov 15:04:05 # ", "[123] 2026/05/05 10:00:00.123456 [INF] ",
    "E, [2026-05-05T10:00:00.123456 #123] ERROR -- billing: ", "2026-05-05 10:00:00.1234|INFO|Shop.Orders|",
    "INFO  [main] 2026-05-05 10:00:00,123 Loader.java:89 - ", "28-Nov-2026 15:04:05.123 SEVERE [main] a.B.c ",
    "[2026-05-05T10:00:00.1+00:00] app.ERROR: ",
    "2026-05-05 10:00:00 ", "2026-05-05 10:00:00Z text: ",
)  # fmt: skip
HELD = [
    *(one.data.splitlines()[0] for one in records() if one.format in {"json", "postgresql_text", "kcat"}),
    *(text.encode() for text in TEXTS),
    b'{"id":"a","type":"b","causation_id":"c"}', b'{"id":1e400,"id":2,"n":12345678901234567890123}',
    b' \t{"id":"a","text":"\xc3\xbc\\u001b[1m"}', b'{"id":"a",}', b'{"id":"a"} ', b'{"id":"a"}\r',
    b'{"message":"{\\"id\\":\\"inner\\"}"}', b'[{"id":"a"}]', b"{}", b"\x1b[1mbold\x1b[0m", b"", b"\xff",
    b"deadlock detected",
    b"process 9 acquired ShareLock on transaction 5 after 1.0 ms", b"DETAIL:  x", b'a "b" \\n LOG:  y',
    b'{"id":"a","text":"\t"}', b'{"id":"a\x1b"}', b"\x7f \xe2\x80\xa8 \\ \"", b"a\x85b", b'{"\x7f":"\xff"}',
]  # fmt: skip
CHARACTERS = st.characters(codec="utf-8") | st.sampled_from('\t\r\0\x1b\x7f{}"\\,:')
LINES = st.builds(
    lambda header, held, end: header.encode() + held.replace(b"\n", b"") + end,
    st.sampled_from(CONTAINER) | st.sampled_from([*SERVER, "", "\t"]) | st.sampled_from(LOGGERS),
    st.sampled_from([*HELD, *(line for one in records() for line in one.data.splitlines())])
    | st.text(CHARACTERS).map(str.encode)
    | st.binary(max_size=20),
    st.sampled_from((b"\n", b"\n", b"\r\n")),
)
IN_A_ROW = st.one_of(
    LINES,
    st.builds(
        lambda container, server, held: (container + server).encode() + held.replace(b"\n", b"") + b"\n",
        st.sampled_from(["", *CONTAINER[:2], CONTAINER[-4]]),
        st.sampled_from(["\t", *SERVER[:15], *(one for one in SERVER if "[10] " in one), *LOGGERS]),
        st.sampled_from([*HELD, b"from 1 to 2 (shop.Orders)", b"sent a=1 b=2 term: 3 from:1 to:2 type:x"]),
    ),
)  # fmt: skip
"""Of few writers, so that lines go on with those before them."""


@pytest.fixture(scope="module")
def one_by_one(new_parser: Callable[..., Parser]) -> Parser:
    """Knows of nothing that is done in bulk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.engine.transcoders", lambda: [replace(one, header="") for one in transcoders()])
        return new_parser()


def cut(data: bytes) -> list[int]:
    """Where records end, which must not differ from where they end one by one."""
    bounds: list[int] = frames(data, is_all=True).tolist()
    so_far = frames(data).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framing, "object_behind_header", lambda: re.compile(b"(?!)"))
        patch.setattr(framing, "told", list)
        assert frames(data, is_all=True).tolist() == bounds
        assert frames(data).tolist() == so_far
    return bounds


def check(lines: list[bytes], parser: Parser, one_by_one: Parser) -> None:
    data = b"".join(lines)
    pieces = [(start, data[start:end]) for start, end in pairwise(cut(data))]
    assert parser.parse_at(pieces) == one_by_one.parse_at(pieces)


@pytest.mark.slow
def test_lines_with_a_header_become_what_they_become_one_by_one(parser: Parser, one_by_one: Parser) -> None:
    headers = [*CONTAINER[:7], *CONTAINER[-4:], *SERVER[:80:3], *LOGGERS]
    lines = [header.encode() + held + b"\n" for header, held in zip(cycle(headers), HELD * 3, strict=False)]
    check(lines, parser, one_by_one)


@given(lines=st.lists(IN_A_ROW, min_size=1, max_size=20), lost=st.integers(0, 60))
@settings(max_examples=100)
def test_they_are_cut_as_they_are_one_by_one(lines: list[bytes], lost: int) -> None:
    data = b"".join(lines)
    cut(data[: max(1, len(data) - lost)])


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
    [by] = [one for one in transcoders() if one.name == name]
    begins, unless = re.compile(by.header.encode()), re.compile((by.unless or "(?!)").encode())
    lines = [head.encode() + held for head in (*CONTAINER, *SERVER, *LOGGERS) for held in HELD]
    found = [line for line in lines if begins.match(line) and not unless.search(line)]
    assert found
    kinds = [kind for line in found for pattern in (asked, cutting) if (kind := pattern.match(line))]
    assert len(kinds) == len(found) * (1 + by.spans_lines)
    assert {kind.lastgroup for kind in kinds} == {name}
