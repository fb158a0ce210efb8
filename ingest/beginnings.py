"""How records begin, of all formats: what tells where another one starts."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from ingest.formats import transcoders
from ingest.formats.base import headed, simplify

_OBJECT: Final = b"{"


@cache
def record_start(json: bytes) -> re.Pattern[bytes]:
    """What no line within a record starts with, not even where its quotes are open: in CSV the
    quotes of an object within are doubled. A hole may stand before it.

    The line must be whole: what follows may make something else of it.
    """
    spanning = [one for one in transcoders() if one.spans_lines and not one.is_last]
    needs = {one.starts: (_OBJECT,) if one.starts.startswith(rb"\{") else one.needs for one in spanning}
    start = _whole_line([json, *needs])
    simpler = _whole_line([one for one, of_it in needs.items() if not of_it])
    simplify(start, simpler, tuple({_OBJECT, *(text for of_it in needs.values() for text in of_it)}))
    return start


def _whole_line(starts: list[bytes]) -> re.Pattern[bytes]:
    return re.compile(rb"\0*+(?:%b)(?:(?<=\n)|(?=[^\n]*+\n))" % b"|".join(starts))


@cache
def any_start() -> re.Pattern[bytes]:
    """What a line begins with that may be one of any record, whatever stands before it or follows: a hole
    may stand there as well.
    """
    # Most often it is one of the same log.
    starts = b"|".join(one.starts for one in reversed(transcoders()) if one.starts)
    return re.compile(rb"\0*+(?:%b)" % starts)


@cache
def behind_code(json: bytes) -> re.Pattern[bytes]:
    """What no line of code begins with: that, or a whole line that begins like `json`."""
    return re.compile(rb"%b|%b" % (any_start().pattern, _whole_line([json]).pattern))


@cache
def object_behind_header() -> re.Pattern[bytes]:
    """How a line begins that is an envelope and holds an object."""
    enveloping = (one for one in transcoders() if one.header and one.peel is not None)
    # Names are of use in one of them alone.
    headers = [re.sub(r"\?P<\w+>", "?:", one.header).encode() for one in enveloping]
    return re.compile(rb"(?:%b)\{" % b"|".join([*headers, b"(?!)"]))


@cache
def told() -> list[tuple[Callable[[bytes, int], bool], int, bool]]:
    """Whether a line is a whole record, as it begins, by how many such lines behind it that is told, and
    whether it is one of no other notation.
    """
    return [(headed(one), one.told_by, one.is_last) for one in transcoders() if one.told_by]


@cache
def may_start() -> re.Pattern[bytes]:
    """What a line begins with that the next one may tell to be the first of a record."""
    return re.compile(b"|".join([*(one.may_start for one in transcoders() if one.may_start), b"(?!)"]))


@cache
def alone() -> re.Pattern[bytes]:
    """What a line begins with that is a record by itself."""
    texts = (one.starts for one in transcoders() if one.starts and not one.spans_lines)
    return re.compile(b"|".join([*texts, b"(?!)"]))
