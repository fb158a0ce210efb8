"""What stands around a record: whole records where they are known, lines elsewhere, each byte once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormwatch.context import Around, Context, cut

FILE = b"a\nbb\n\nccc\n{\n 1\n}\nX\nlast\nun"
RECORD = (6, 4)
OBJECT = (10, 7)


def _around(
    place: tuple[int, int], count: int, *known: tuple[int, int], side: int = 1000, file: bytes = FILE
) -> Context:
    asked = Around(*place, count, known, side)
    start = max(0, asked.offset - side)
    return cut(
        file[start : asked.offset], file[asked.offset : asked.end], file[asked.end : asked.end + side], asked
    )


def _texts(context: Context) -> tuple[list[bytes], list[bytes]]:
    return [line.data for line in context.before], [line.data for line in context.after]


def test_lines_are_counted_on_each_side_blank_ones_too() -> None:
    context = _around(RECORD, 2)
    assert _texts(context) == ([b"bb\n", b"\n"], [b"{\n", b" 1\n"])
    assert context.record.data == b"ccc\n"
    assert [line.offset for line in (*context.before, *context.after)] == [2, 5, 10, 12]
    assert context.cut_sides == ()


@pytest.mark.parametrize("place", [RECORD, (17, 2)])
def test_record_of_several_lines_is_one_line(place: tuple[int, int]) -> None:
    before, after = _texts(_around(place, 1, OBJECT, RECORD))
    assert b"{\n 1\n}\n" in (*before, *after)


def test_line_ends_where_a_known_record_begins() -> None:
    assert _texts(_around((0, 2), 2, (4, 6)))[1] == [b"bb", b"\n\nccc\n"]
    assert _texts(_around((17, 2), 3, (10, 5)))[0] == [b"ccc\n", b"{\n 1\n", b"}\n"]


def test_file_has_an_end_and_its_last_line_may_lack_one() -> None:
    context = _around((19, 5), 9)
    assert _texts(context)[1] == [b"un"]
    assert len(context.before) == 8
    assert context.cut_sides == ()


@pytest.mark.parametrize(
    ("side", "before", "after", "sides"),
    [
        (5, [b"}\n"], [b"last\n"], ("before", "after")),
        (6, [b" 1\n", b"}\n"], [b"last\n"], ("before", "after")),
        (7, [b" 1\n", b"}\n"], [b"last\n"], ("before", "after")),
        (8, [b"{\n", b" 1\n", b"}\n"], [b"last\n", b"un"], ("before",)),
    ],
)
def test_line_that_may_go_on_beyond_what_is_read_is_left_out(
    side: int, before: list[bytes], after: list[bytes], sides: tuple[str, ...]
) -> None:
    context = _around((17, 2), 9, side=side)
    assert (_texts(context), context.cut_sides) == ((before, after), sides)


def test_known_record_that_begins_beyond_what_is_read_is_left_out() -> None:
    context = _around((17, 2), 9, OBJECT, side=5)
    assert (_texts(context)[0], context.cut_sides[0]) == ([], "before")
    assert _texts(_around((17, 2), 9, OBJECT, side=7))[0] == [b"{\n 1\n}\n"]


@given(
    st.lists(st.sampled_from([b"\n", b"a\n", b"bc\n", b"d"]), max_size=30),
    st.lists(st.integers(0, 60), max_size=8),
    st.integers(0, 40),
    st.integers(1, 60),
    st.integers(0, 9),
)
def test_each_byte_near_the_record_is_in_one_line(
    parts: list[bytes], ends: list[int], start: int, side: int, count: int
) -> None:
    file = b"".join(parts)
    bounds = sorted({0, *(end for end in ends if end < len(file)), len(file)})
    known = [(a, b - a) for a, b in pairwise(bounds)]
    if not known:
        return
    place = known.pop(start % len(known))
    context = _around(place, count, *known[::2], side=side, file=file)
    lines = [*context.before, context.record, *context.after]
    joined = b"".join(line.data for line in lines)
    assert joined == file[lines[0].offset : lines[0].offset + len(joined)]
    assert all(line.data for line in lines)
    assert all(len(line.data) == line.length for line in lines)
    for side_lines, name, is_end in (
        (context.before, "before", lines[0].offset == 0),
        (context.after, "after", lines[0].offset + len(joined) == len(file)),
    ):
        assert len(side_lines) <= count
        assert len(side_lines) == count or is_end or name in context.cut_sides
    for offset, length in known[::2]:
        inside = [
            line for line in lines if line.offset < offset + length and line.offset + line.length > offset
        ]
        assert all((line.offset, line.length) == (offset, length) for line in inside)
