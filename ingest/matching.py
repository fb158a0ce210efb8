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

_MAX_DEPTH: Final = 3
_ONLY_HOLD: Final = WRAPPERS | CANDIDATE_ENVELOPES


def containers(paths: Iterable[Path]) -> Iterator[Path]:
    """Which of these fields are objects to look into for ids and names."""
    for path in paths:
        name = normalise(path[-1])
        if len(path) == 1:
            is_known = name in CONTAINERS
        else:
            # Business data is no place to look for ids, unless it is a whole event.
            outer = normalise(path[0])
            may_hold = WRAPPERS | EVENT_OBJECTS if len(path) < _MAX_DEPTH else WRAPPERS
            is_known = name in may_hold and all(normalise(above) in _ONLY_HOLD for above in path[:-1])
            is_known = is_known or (len(path) < _MAX_DEPTH and _is_part_of_a_name(name, outer))
            is_known = is_known or normalise("".join(path)) in DEEP_CONTAINERS
        if is_known and len(path) <= _MAX_DEPTH:
            yield path


def _is_part_of_a_name(name: str, outer: str) -> bool:
    return name in NAME_PARTS and outer in WRAPPERS | EVENT_OBJECTS


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
