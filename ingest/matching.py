"""What keys tell of a record: of which format it is, and which of its objects are looked into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from ingest.formats import json_formats
from ingest.formats.base import JsonFormat, Shape
from ingest.names import (
    CANDIDATE_ENVELOPES,
    CONTAINERS,
    DEEP_CONTAINERS,
    EVENT_OBJECTS,
    NAME_PARTS,
    WRAPPERS,
    Path,
)
from ingest.vocabulary import normalise

_MAX_DEPTH: Final = 2


def containers(paths: Iterable[Path]) -> Iterator[Path]:
    """Which of these fields are objects to look into for ids and names."""
    for path in paths:
        name = normalise(path[-1])
        if len(path) == 1:
            is_known = name in CONTAINERS
        else:
            # Business data is no place to look for ids, unless it is a whole event.
            outer = normalise(path[0])
            is_known = name in WRAPPERS and outer in WRAPPERS | CANDIDATE_ENVELOPES
            is_known = is_known or (name in NAME_PARTS and outer in WRAPPERS | EVENT_OBJECTS)
            is_known = is_known or normalise("".join(path)) in DEEP_CONTAINERS
        if is_known and len(path) <= _MAX_DEPTH:
            yield path


@lru_cache(maxsize=65_536)
def is_looked_into(path: Path) -> bool:
    """Whether every object above a field is looked into, so that the name of the field counts."""
    above = [path[:depth] for depth in range(1, len(path))]
    return len(list(containers(above))) == len(above)


def format_of(shape: Shape) -> tuple[JsonFormat, Path]:
    """The format of records with these keys, and where in them the event is."""
    for fmt in json_formats():
        envelope = fmt.match(shape)
        if envelope is not None:
            return fmt, envelope
    raise AssertionError("the generic format matches every shape")  # pragma: no cover
