"""Texts are numbers where 64 bits hold them, and never an error."""

from __future__ import annotations

import pytest

from ingest.formats.exact import whole


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12), ("-5", -5), ("007", 7), ("18446744073709551615", (1 << 64) - 1),
        ("18446744073709551616", "18446744073709551616"), ("-9223372036854775808", -(1 << 63)),
        ("-9223372036854775809", "-9223372036854775809"), ("9" * 5_000, "9" * 5_000),
        ("", ""), ("-", "-"), ("--5", "--5"), ("\u00b2", "\u00b2"), ("1_0", "1_0"),
        (" 5", " 5"), ("5.0", "5.0"),
    ],
)  # fmt: skip
def test_a_text_is_the_number_that_64_bits_hold(text: str, number: int | str) -> None:
    assert whole(text) == number
    assert type(whole(text)) is type(number)
