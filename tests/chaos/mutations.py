"""Damages real records, as crashes, disks and hostile programs do."""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Final

from tests.ingest.mixtures import TEXTS, records

_NUMBER: Final = re.compile(rb"-?\d+(?:\.\d+)?")
_ATOM: Final = rb'("(?:[^"\\]|\\.)*+"|-?\d[\d.eE+-]*|true|false|null)'
_VALUE: Final = re.compile(rb":\s*" + _ATOM)
_MEMBER: Final = re.compile(rb'("(?:[^"\\]|\\.)*+")\s*:\s*' + _ATOM)
_NUMBERS: Final = (
    b"0", b"-1", b"00", b"-0", b"1e999", b"-1e-999", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775809", b"18446744073709551616", b"340282366920938463463374607431768211456",
    b"1" * 400, b"1" * 5000, b"0." + b"3" * 400, b"NaN", b"Infinity", b"-Infinity", b"1.", b".5", b"+1",
    b"0x10", b"253402300800000", b"1e18", b"99999999999999999999-12-31", b"0000-00-00",
)  # fmt: skip
_VALUES: Final = (
    b"null", b"true", b"[]", b"{}", b'""', b"[[]]", b'{"":{}}', b'[{"a":[1,{"b":null}]}]', b'"\\u0000"',
    b'"\\ud83d"', b'"\\udc00\\ud800"', b'"\\x"', b'{"a":1,"a":2}', b'[null,"",0]', b'"{\\"a\\":1}"', b'"[1"',
    b'"2026-13-45T99:99:99Z"', b'"-9999-01-01"', b'"1e400"', b'"%b"' % (b"x" * 5000), b'" "', b'"\\n"',
    b'{"$numberLong":"1"}', '"\u2028\u202e\U0001f600"'.encode(), '"\u00b2\u0663"'.encode(),
)  # fmt: skip
_BYTES: Final = (
    b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\0", b"\0" * 9, b"\r", b"\r\n",
    b"\n", b"\n\n", b"\t", b"\x1e", b"\xef\xbb\xbf", b"\x1b[31m", b'"', b"\\", b"{", b"}", b"[", b"]", b",",
    b":", b"<", b"'", b"\xc2\xa0", b"\xe2\x80\xa8", b"\x85", b"\x0b\x0c",
)  # fmt: skip
_LONGEST: Final = 1 << 20


def damaged(chance: random.Random) -> bytes:
    """A record, whole or with something done to it; most end with a line end."""
    data = _any(chance)
    if chance.random() < 0.25:
        return data
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        data = chance.choice(_WAYS)(data, chance)[:_LONGEST]
    return data if chance.random() < 0.05 or data.endswith(b"\n") else data + b"\n"


@cache
def _formats() -> tuple[tuple[bytes, ...], ...]:
    names = dict.fromkeys(one.format for one in records())
    return tuple(tuple(one.data for one in records() if one.format == name) for name in names)


def _any(chance: random.Random) -> bytes:
    """A record; those of all formats are equally likely."""
    return chance.choice(chance.choice(_formats()))


def _place(data: bytes, chance: random.Random) -> int:
    return chance.randrange(len(data) + 1)


def _slice(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = _place(data, chance)
    return start, min(len(data), start + chance.choice((1, 2, 5, 20, 100, 1000)))


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8)) if data else 0):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _delete(data: bytes, chance: random.Random) -> bytes:
    start, end = _slice(data, chance)
    return data[:start] + data[end:]


def _insert(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    new = chance.randbytes(chance.randrange(1, 9)) if chance.random() < 0.2 else chance.choice(_BYTES)
    return data[:at] + new + data[at:]


def _swap(data: bytes, chance: random.Random) -> bytes:
    (a, b), (c, d) = sorted((_slice(data, chance), _slice(data, chance)))
    return data if b > c else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start, end = _slice(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 2, 50)) + data[end:]


def _truncate(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] if chance.random() < 0.7 else data[at:]


def _glue(data: bytes, chance: random.Random) -> bytes:
    head = data if chance.random() < 0.3 else data[: _place(data, chance)]
    return head.rstrip(b"\n") + _any(chance)


def _lines(data: bytes, chance: random.Random) -> bytes:
    """With a line of something else, among lines of another record, in any order."""
    lines = data.splitlines(keepends=True)
    if chance.random() < 0.5:
        lines += _any(chance).splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(TEXTS).encode() + b"\n")
    if chance.random() < 0.5:
        chance.shuffle(lines)
    return b"".join(lines)


def _replaced(
    pattern: re.Pattern[bytes], group: int, data: bytes, new: bytes, chance: random.Random
) -> bytes:
    found = list(pattern.finditer(data))
    if not found:
        return data
    start, end = chance.choice(found).span(group)
    return data[:start] + new + data[end:]


def _number(data: bytes, chance: random.Random) -> bytes:
    return _replaced(_NUMBER, 0, data, chance.choice(_NUMBERS), chance)


def _value(data: bytes, chance: random.Random) -> bytes:
    return _replaced(_VALUE, 1, data, chance.choice(_VALUES), chance)


def _nest(data: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((2, 70, 130, 300, 1100)) if chance.random() < 0.99 else 20_000
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"id":', b"}]")))
    closing = closing if chance.random() < 0.8 else b""
    return _replaced(_VALUE, 1, data, opening * depth + b"1" + closing * depth, chance)


def _again(data: bytes, chance: random.Random) -> bytes:
    """A key that is there twice, perhaps with another value."""
    found = list(_MEMBER.finditer(data))
    if not found:
        return data
    member, at = chance.choice(found), chance.choice(found).end()
    text = member[0] if chance.random() < 0.5 else member[1] + b":" + chance.choice(_VALUES)
    return data[:at] + b"," + text + data[at:]


def _keys(data: bytes, chance: random.Random) -> bytes:
    """A key is called like one of another format."""
    names = [found[1] for found in _MEMBER.finditer(_any(chance))]
    return _replaced(_MEMBER, 1, data, chance.choice(names), chance) if names else data


_WAYS: Final = (
    _flip, _flip, _delete, _insert, _insert, _swap, _repeat, _truncate, _glue, _lines, _number, _number,
    _value, _value, _value, _nest, _again, _keys, _keys,
)  # fmt: skip
