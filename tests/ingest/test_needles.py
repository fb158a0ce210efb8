"""Texts are found wherever they stand, and nothing else is taken for them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.needles import Needles

TEXTS = (
    b"twenty bytes, or more",
    b"twenty bytes, or less",
    b"=" * 37,
    b":  ",
    b"less than 15",
    b"or less than 15",
)
PARTS = st.sampled_from(
    [*TEXTS, *(text[:-1] for text in TEXTS), *(text[1:] for text in TEXTS), b"x", b"=", b" "]
)
LINES = st.lists(st.lists(PARTS, max_size=6).map(b"".join), min_size=1, max_size=6)


@given(lines=LINES, rest=PARTS)
def test_each_line_that_holds_one_is_told_and_no_other(lines: list[bytes], rest: bytes) -> None:
    data = b"".join(line + b"\n" for line in lines)
    places = list(Needles(TEXTS).places(data + rest, len(data)))
    found = {data.count(b"\n", 0, place) for place in places}
    assert all(place < len(data) for place in places)
    assert found == {number for number, line in enumerate(lines) if any(text in line for text in TEXTS)}
    assert Needles(TEXTS).are_in(data, 0, len(data)) == bool(found)


def test_one_is_found_across_what_is_looked_at_in_one_go() -> None:
    needles = Needles(TEXTS)
    for text in TEXTS[:-1]:
        for before in range((128 << 10) - len(text) - 9, (128 << 10) + 9):
            data = b"x" * before + text + b"\n"
            assert before in needles.places(data, len(data))
