"""JSON as Python objects with nothing lost on the way, for the notations that need them."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from decimal import Decimal
from typing import Any, Final

import orjson

_UNSAFE: Final = re.compile(rb"[:\[,]\s*+-?(?:\d{20}|(?=[\d.]{17})\d++\.|[\d.]++[eE])")
"""A number that may not be exact in 64 bits."""
_SPACE: Final = b" \t\r\n"
_FITS: Final = 19
"""So many digits may be more than 64 bits hold."""
_LONGEST: Final = 20
_LEAST: Final = -(1 << 63)
_MOST: Final = (1 << 64) - 1


def loads(raw: bytes) -> Any:
    """The value; a number with more digits than fit is its text.

    Raises:
        ValueError: it is no JSON, is nested too deeply, or an object has a key twice: Python keeps one.
    """
    try:
        value = orjson.loads(raw)
        written = orjson.dumps(value)
    except orjson.JSONDecodeError:
        if _UNSAFE.search(raw) is None:
            raise
        return _exactly(raw)
    except orjson.JSONEncodeError as error:
        raise ValueError("nested too deeply") from error
    # What is written again as it was lost nothing, however it was spaced: each quote, bracket and digit
    # stands in its place. The rest is looked at more closely.
    if written == raw or written.translate(None, _SPACE) == raw.translate(None, _SPACE):
        return value
    if _keys(written) == _keys(raw) and _UNSAFE.search(raw) is None:
        return value
    return _exactly(raw)


def _exactly(raw: bytes) -> Any:
    try:
        return json.loads(
            raw, object_pairs_hook=_object, parse_int=whole, parse_float=_float, parse_constant=_refuse
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _keys(raw: bytes) -> int:
    return raw.count(b'":') + raw.count(b'" :')


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f'"{name[:80]}" is there more than once in an object')
    return found


def whole(text: str) -> int | str:
    """The whole number that a text is, where 64 bits hold it; else the text.

    Python refuses to read numbers of thousands of digits, and not all that `isdigit` are of any number.
    """
    if len(text) < _FITS and text.isdecimal():
        return int(text)
    if len(text) <= _LONGEST and text.removeprefix("-").isdecimal() and _LEAST <= int(text) <= _MOST:
        return int(text)
    return text


def _float(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) and Decimal(text) == Decimal(repr(value)) else text
