from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest import rescue
from ingest.rescue import segments
from tests.hostile import within

from .parsing import Parser

Pieces = list[tuple[str, bytes]]


def cut(line: bytes) -> Pieces:
    """The kinds and bytes of the segments, which must be the line again."""
    found = segments(line)
    assert b"".join(line[part.start : part.end] for part in found) == line
    assert all(part.start < part.end for part in found)
    return [(part.kind, line[part.start : part.end]) for part in found]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # Torn, and glued to what the next process wrote.
        (b'{"ts":"20{"ts":2}\n', [("reject", b'{"ts":"20'), ("record", b'{"ts":2}\n')]),
        (b'{ "ts":"20{ "ts":2}\n', [("reject", b'{ "ts":"20'), ("record", b'{ "ts":2}\n')]),
        (b'{"ts":{"ts":2}\r\n', [("reject", b'{"ts":'), ("record", b'{"ts":2}\r\n')]),
        (b'{"ts":1,"x":"\xc3{"ts":2}', [("reject", b'{"ts":1,"x":"\xc3'), ("record", b'{"ts":2}')]),
        (
            b'{"ts"{"ts":1}{"ts":2}\n',
            [("reject", b'{"ts"'), ("record", b'{"ts":1}'), ("record", b'{"ts":2}\n')],
        ),
        (
            b'{"ts":1,"x":{"c":2},{"ts":2}\n',
            [("reject", b'{"ts":1,"x":{"c":2},'), ("record", b'{"ts":2}\n')],
        ),
        # Two records in one write, then a torn one.
        (
            b'{"ts":1}{"ts":2} {"ts":\n',
            [("record", b'{"ts":1}'), ("record", b'{"ts":2}'), ("blank", b" "), ("reject", b'{"ts":\n')],
        ),
        # An object nested in a torn one is no record.
        (b'{"ts":1,"x":{"c":2}\n', [("reject", b'{"ts":1,"x":{"c":2}\n')]),
        (b'{"a":[{"b":1},{"b":2}\n', [("reject", b'{"a":[{"b":1},{"b":2}\n')]),
        (b'{"ts":1,"x":[{"ts":2},{"ts":3}\n', [("reject", b'{"ts":1,"x":[{"ts":2},{"ts":3}\n')]),
        (b'{"a":"said {\\"b\\":1}\n', [("reject", b'{"a":"said {\\"b\\":1}\n')]),
        (b'"key": {"a":1},\n', [("reject", b'"key": {"a":1},\n')]),
        # Text that ends with a record, and text that only looks like it.
        (b'web-1 | {"ts":1}\n', [("reject", b"web-1 | "), ("record", b'{"ts":1}\n')]),
        (b"took {} of {}\n", [("reject", b"took {} of {}\n")]),
        (b"plain text\n", [("reject", b"plain text\n")]),
        # What holds nothing.
        (b"", []),
        (b" \t\r\n", [("blank", b" \t\r\n")]),
        (b"\0\0\0\0", [("blank", b"\0\0\0\0")]),
        (b'\xef\xbb\xbf{"a":1}\n', [("blank", b"\xef\xbb\xbf"), ("record", b'{"a":1}\n')]),
        (b'\0\0\0{"a":1}\n', [("blank", b"\0\0\0"), ("record", b'{"a":1}\n')]),
        (b'{"a":1}\0\0{"a":2}', [("record", b'{"a":1}'), ("blank", b"\0\0"), ("record", b'{"a":2}')]),
        (b'\x1e{"a":1}\n', [("blank", b"\x1e"), ("record", b'{"a":1}\n')]),
        (b'\r{"a":1}\n', [("blank", b"\r"), ("record", b'{"a":1}\n')]),
        # An array of records is its records, in one line or one a line.
        (
            b'[{"a":1}, {"a":2}]\n',
            [
                ("blank", b"["), ("record", b'{"a":1}'), ("blank", b", "), ("record", b'{"a":2}'),
                ("blank", b"]\n"),
            ],
        ),
        (b'{"a":1},\n', [("record", b'{"a":1}'), ("blank", b",\n")]),
        (b"]\n", [("blank", b"]\n")]),
        (b"[1, 2]\n", [("reject", b"[1, 2]\n")]),
        (b"[2026-01-01] text\n", [("reject", b"[2026-01-01] text\n")]),
        # Bytes that are no UTF-8 cost the record they stand in, not its neighbours.
        (
            b'{"a":1}\xff\xfe{"b":2}',
            [("record", b'{"a":1}'), ("reject", b"\xff\xfe"), ("record", b'{"b":2}')],
        ),
        (b'{"a":"caf\xe9"}\n', [("reject", b'{"a":"caf\xe9"}\n')]),
        (
            b'{"a":"caf\xe9"}{"b":"caf\xc3\xa9"}',
            [("reject", b'{"a":"caf\xe9"}'), ("record", '{"b":"café"}'.encode())],
        ),
        # Python makes no int of so many digits.
        (
            b'{"a":' + b"1" * 5000 + b'}{"a":',
            [("record", b'{"a":' + b"1" * 5000 + b"}"), ("reject", b'{"a":')],
        ),
    ],
)  # fmt: skip
def test_segments(line: bytes, expected: Pieces) -> None:
    assert cut(line) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a":"b\n', "not valid JSON (Unterminated string starting at, character 5); a torn line?"),
        (b"plain text\n", "not JSON, and no text format that is known"),
        (b"[1, 2]\n", "a JSON array; one object per line is expected"),
        (b"{\n", "part of a JSON document that spans lines; one object per line is expected"),
        (b'  "key": 1,\n', "part of a JSON document that spans lines; one object per line is expected"),
        (b'{"a":"caf\xe9"}\n', "not valid UTF-8 (byte 9 of the line)"),
        (
            '\ufeff{"a":1}\n'.encode("utf-16-le"),
            "UTF-16 text in a file that does not begin with it; write the log in one encoding",
        ),
        (
            '{"a":1}\n'.encode("utf-16-be"),
            "UTF-16 text in a file that does not begin with it; write the log in one encoding",
        ),
        (b'{"a":"b\0\0\0\0', "holds NUL bytes"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_reasons(line: bytes, reason: str) -> None:
    [rejected] = [part for part in segments(line) if part.kind == "reject"]
    assert rejected.reason == reason


def test_a_record_the_database_cannot_read_says_why(parser: Parser) -> None:
    parsed = parser.parse(r'{"id":"e1","text":"cut in an emoji \ud83d"}')
    assert [reject.reason for reject in parsed.rejects] == [
        r"holds \ud83d without its other half, which is no character"
    ]
    parsed.assert_every_byte_accounted()


def records() -> st.SearchStrategy[bytes]:
    """Records of one writer: their first key is the same."""
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    keys = st.text(max_size=4).filter(lambda key: key != "ts")
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=6,
    )
    fields = st.dictionaries(keys, values, max_size=5)
    ascii_only = st.booleans()
    return st.builds(
        lambda time, rest, escaped: json.dumps({"ts": time, **rest}, ensure_ascii=escaped).encode(),
        leaves, fields, ascii_only,
    )  # fmt: skip


@given(torn=records(), whole=records(), where=st.floats(0, 1, exclude_max=True))
@example(torn=b'{"ts": {"ts": 1}}', whole=b'{"ts": 2}', where=0.95)
@example(torn='{"ts": "é"}'.encode(), whole='{"ts": "é"}'.encode(), where=0.76)
def test_the_whole_half_of_a_glued_line_survives(torn: bytes, whole: bytes, where: float) -> None:
    head = torn[: int(len(torn) * where)]
    pieces = cut(head + whole + b"\n")
    assert pieces[-1] == ("record", whole + b"\n")
    assert [kind for kind, piece in pieces[:-1] if kind != "blank"] == ["reject"] * bool(head.strip(b"[, "))


@given(torn=records(), where=st.floats(0, 1, exclude_max=True))
def test_a_torn_line_alone_is_no_record(torn: bytes, where: float) -> None:
    head = torn[: int(len(torn) * where)]
    assert all(kind != "record" for kind, _ in cut(head + b"\n"))


@given(st.lists(records() | st.binary(max_size=12), max_size=6))
def test_any_bytes_are_covered(parts: list[bytes]) -> None:
    cut(b"".join(parts))


HOSTILE = [
    b"}" * 1_000_000,
    b'{"' * 500_000,
    b'{"a":' * 200_000,
    b",\0" * 500_000 + b"x",
    b"\\" * 1_000_000 + b'"}',
    b'"\\' * 500_000 + b"}",
    b'{"a":1,"b' + b'{"a":1}' * 100_000,
    b'{"a":1,' + b'{"a":1},' * 100_000,
    b'{"a":1}' * 100_000 + b"x",
]


@pytest.mark.slow
@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: repr(line[:10]))
def test_a_hostile_line_costs_no_more_than_its_length(line: bytes) -> None:
    """A tenth of a second, or hours if the cost were the square of the length."""
    with within(30):
        cut(line)


ELEMENTS = st.sampled_from(
    [
        b'{"a":1}', b'{"a":{"b":[1,{}]}}', b'{"a":"}]"}', b"{}", b'{"a":1', b'{"a":NaN}', b"[1]", b'"x"', b"",
        b'{"a":"\\ud83d\\ude00"}', b'{"a":"\\ud83d"}', b'{"a":"\xff"}', b'{"a":1}{"b":2}', b'{"a":\n1}',
        b'{"a":' + b"[" * 300 + b"]" * 300 + b"}",
    ]
)  # fmt: skip
MARKS = st.lists(
    st.sampled_from([b"[", b"]", b",", b"\n", b"\r\n", b" ", b"\t", b"\0", b"\x1e", b"x"]), max_size=3
)


@given(st.lists(st.tuples(MARKS, ELEMENTS, MARKS), min_size=1, max_size=4))
@example([([b"["], b'{"a":1}', [b",", b"\n"]), ([b" "], b'{"b":2}', [b"\n", b"]", b"\n"])])
@example([([b" "], b'{"a":1}', [b",", b"\r\n"])])
def test_objects_on_lines_of_their_own_are_cut_as_the_search_cuts_them(
    pieces: list[tuple[list[bytes], bytes, list[bytes]]],
) -> None:
    line = b"".join(b"".join([*before, one, *behind]) for before, one, behind in pieces) or b"\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rescue, "_elements", lambda _: [])
        expected = segments(line)
    assert segments(line) == expected


@pytest.mark.parametrize("line", [b"null\n", b" null\r\n"])
def test_a_tombstone_holds_nothing(line: bytes) -> None:
    assert [(part.kind, part.start, part.end) for part in segments(line)] == [("blank", 0, len(line))]
