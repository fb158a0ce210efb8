"""Many different logs out of one: the same records with other ids, times and numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

_CLOCK: Final = r"(?P<clock>(?<=\d\d:)\d\d:\d\d(?:[.,]\d+)?)"
_HEX: Final = r"(?P<hex>(?:(?<![0-9A-Za-z])|(?<=0x))(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}(?![0-9A-Za-z]))"
# No year, no date without hyphens, no date and clock of six digits each, no key, no part of a version, of an
# offset or of a code such as MY-010931.
_NUMBER: Final = (
    r"(?P<number>(?:(?<![\w.:/#+-])|(?<=\":)|(?<=[a-z]-))(?<!\b\d{6} )(?!\d{6} \d{6}\b)"
    r"(?!(?:19|20)\d\d(?:\d{4}|\d{10})?\b)[1-9]\d{2,}(?![\w=]|-(?!\d+\])|[.:]\d| +\d{1,2}:\d\d))"
)
_TOKEN: Final = re.compile(f"{_CLOCK}|{_HEX}|{_NUMBER}")
_LONG: Final = 10
"""Digits that may be a time: the first of them stay."""
_STEP: Final = 0x9E3779B97F4A7C15
_BITS: Final = (1 << 128) - 1


def varied(text: str, count: int) -> Iterator[str]:
    """The text `count` times with other values each time; what was equal within it stays equal."""
    pieces: list[str] = []
    places: dict[str, tuple[str, int]] = {}
    done = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup or ""
        _, place = places.setdefault(token[0], (kind, len(places)))
        pieces += [text[done : token.start()].replace("{", "{{").replace("}", "}}"), f"{{0[{place}]}}"]
        done = token.end()
    template = "".join([*pieces, text[done:].replace("{", "{{").replace("}", "}}")])
    tokens = [(_MAKERS[kind], token, hash_of(place)) for token, (kind, place) in places.items()]
    for number in range(count):
        chance = hash_of(number)
        yield template.format([make(token, (chance * seed) & _BITS, number) for make, token, seed in tokens])


def hash_of(number: int) -> int:
    """Bits that look like chance; odd."""
    mixed = (number + 1) * _STEP
    return (mixed ^ (mixed >> 31)) * _STEP & _BITS | 1


def _digits(count: int, chance: int) -> str:
    return str(chance >> 32).zfill(count)[-count:] if count else ""


def _clock(token: str, chance: int, number: int) -> str:
    point, fraction = token[5:6], token[6:]
    return f"{number // 60 % 60:02}:{number % 60:02}{point}{_digits(len(fraction), chance)}"


def _hex(token: str, chance: int, _: int) -> str:
    return token[:2] + f"{chance >> 16:032x}"[-(len(token) - 2) :].zfill(len(token) - 2)


def _number(token: str, chance: int, _: int) -> str:
    kept = 5 if len(token) >= _LONG else 1
    return token[:kept] + _digits(len(token) - kept, chance)


_MAKERS: Final[dict[str, Callable[[str, int, int], str]]] = {"clock": _clock, "hex": _hex, "number": _number}
