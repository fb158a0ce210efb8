"""A torn entry of an exported journal costs no other."""

from __future__ import annotations

from itertools import pairwise

from ingest.framing import frames
from tests.ingest.parsing import Parser

_TIME = b"__REALTIME_TIMESTAMP=1795878245250000\n"
_WHOLE = b"__CURSOR=s=1;i=9\n" + _TIME + b"MESSAGE=whole\n\n"


def test_a_value_that_is_shorter_than_it_says(parser: Parser) -> None:
    torn = b"__CURSOR=s=1;i=8\n" + _TIME + b"MESSAGE\n" + (500).to_bytes(8, "little") + b"torn\n\n"
    data = torn + _WHOLE
    bounds = frames(data, is_all=True).tolist()
    parsed = parser.parse_at([(start, data[start:end]) for start, end in pairwise(bounds)])
    assert [row["message"] for row in parsed.rows] == ["whole"]
    assert [reject.reason for reject in parsed.rejects] == [
        "journal_export: a value is shorter than it says; a torn entry?"
    ]
    parsed.assert_every_byte_accounted()


def test_an_entry_waits_for_its_end() -> None:
    for size in range(len(_WHOLE) - 1):
        assert frames(_WHOLE[:size]).tolist() == [0]
    assert frames(_WHOLE).tolist()[:2] == [0, len(_WHOLE) - 1]


def test_a_line_of_another_log_is_no_field() -> None:
    line = b'127.0.0.1 - - [28/Nov/2026:15:04:05 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0"\n'
    entry = _WHOLE.removesuffix(b"\n")
    assert frames(entry + line, is_all=True).tolist() == [0, len(entry), len(entry + line)]
    for size in range(1, len(line)):
        assert frames(entry + line[:size]).tolist() == [0]
