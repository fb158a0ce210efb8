"""Texts are numbers where 64 bits hold them, and never an error."""

from __future__ import annotations

import pytest

from ingest.formats.exact import loads, whole


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


@pytest.mark.parametrize("space", ["", " ", "\n  ", "\t", "\r\n"])
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('{"a":¤1,¤"b":¤[¤]¤}', {"a": 1, "b": []}),
        ('{"a":¤"x : y, z",¤"b":¤"\\u00e9"}', {"a": "x : y, z", "b": "\u00e9"}),
        ('[¤123456789012345678901,¤1.0,¤0.1000000000000000055¤]', [
            "123456789012345678901", 1.0, "0.1000000000000000055",
        ]),
        ('{"a":¤1e400,¤"b":¤1e3}', {"a": "1e400", "b": 1000.0}),
    ],
)  # fmt: skip
def test_nothing_is_lost_however_a_record_is_spaced(written: str, space: str, value: object) -> None:
    assert loads(f"{space}{written.replace('¤', space)}{space}\n".encode()) == value


@pytest.mark.parametrize("space", ["", " ", "\n  ", "\t"])
def test_a_key_may_not_stand_twice_however_a_record_is_spaced(space: str) -> None:
    for written in ('{"a":¤1,¤"a":¤1}', '{"a b":¤1,¤"a b":¤"ab"}', '[{"x":¤{¤"a":¤1,¤"a":¤{}}}]'):
        with pytest.raises(ValueError, match="more than once"):
            loads(written.replace("¤", space).encode())
