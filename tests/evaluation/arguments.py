"""Numbers on the command line of the evaluation: what makes no sense is refused before hours are spent."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import inf
from typing import TypeVar

Number = TypeVar("Number", int, float)


def whole(text: str) -> int:
    """A whole number from 0 on."""
    return _read(text, int, lambda number: number >= 0, "a whole number from 0 on")


def some(text: str) -> int:
    """A whole number from 1 on."""
    return _read(text, int, lambda number: number > 0, "a whole number from 1 on")


def positive(text: str) -> float:
    """A number above 0."""
    return _read(text, float, lambda number: 0 < number < inf, "a number above 0")


def share(text: str) -> float:
    """A number from 0 to 1."""
    return _read(text, float, lambda number: 0 <= number <= 1, "a number from 0 to 1")


def _read(text: str, kind: Callable[[str], Number], is_so: Callable[[Number], bool], what: str) -> Number:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not is_so(number):
        raise argparse.ArgumentTypeError(f"expected {what}, not {text}")
    return number
