"""A slow query ends with its semicolon, whatever stands behind it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ingest.framing import frames

HEAD = b"# Time: 2026-03-10T00:00:06.500011Z\n# User@Host: a[a] @ b []  Id: 5\n# Query_time: 7.0\n"
OTHER = b'127.0.0.1 - - [28/Nov/2026:15:04:05 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0"\n'
QUERY = HEAD + b"use shop;\nSET timestamp=1773100799;\nselect 1\nfrom dual;\n"


def _framed(data: bytes) -> list[bytes]:
    return [data[start:end] for start, end in pairwise(frames(data, is_all=True).tolist())]


def test_lines_behind_a_statement_are_not_of_it() -> None:
    assert _framed(QUERY + OTHER + QUERY) == [QUERY, OTHER, QUERY]


def test_a_torn_statement_ends_where_the_next_record_begins() -> None:
    torn = HEAD + b"SET timestamp=1773100799;\nselect 1\n"
    assert _framed(torn + QUERY) == [torn, QUERY]
    for other in (OTHER, b'{"status": "success"}\n', b'[{"id": 1}]\n'):
        assert _framed(torn + other + QUERY) == [torn, other, QUERY]
    assert _framed(torn + b"\0" + OTHER + QUERY) == [torn, b"\0", OTHER, QUERY]


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b"7.0\n", b"7.0  Lock_time: \n"),
        HEAD.replace(b"7.0\n", b"7.0  Lock_time: " + OTHER),
        HEAD.replace(b"# Query_time: 7.0\n", b""),
        HEAD.replace(b"[]  Id: 5\n# Query_time: 7.0\n", OTHER),
    ],
    ids=["no value", "another line as a value", "no time", "another line as a host"],
)
def test_what_stands_behind_a_torn_head_is_no_statement(head: bytes) -> None:
    assert _framed(head + OTHER + QUERY) == [head, OTHER, QUERY]
