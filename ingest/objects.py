"""Records of a notation to JSON objects, one a line. Needs the formats only, so that any process can."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import orjson

from ingest.formats.base import Envelope, Transcoder
from ingest.templates import Templates

DEFECTS: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError)
"""What a transcoder raises that has not thought of everything."""


@dataclass
class Made:
    """What records became."""

    lines: list[bytes] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    """Of which record each line is, by its place; those of one stand next to each other."""
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Which records are no line, and why; without a reason: they hold nothing."""
    alike: list[int] = field(default_factory=list, compare=False)
    """Of each line a number that those share which have the same keys, or 0; none where nothing is known."""
    bare: list[int] = field(default_factory=list)
    """Which lines are records that stood in an envelope with nothing else in it."""


def objects_of(transcoder: Transcoder, raws: Sequence[bytes]) -> Made:
    """All events in these records."""
    made = Made()
    lines, sources, refused = made.lines, made.sources, made.refused
    may_be_bare = isinstance(transcoder.format, Envelope)
    templates = _templates_of(transcoder) if transcoder.opaque else None
    if templates:
        templates.begin()
    for place, raw in enumerate(raws):
        if templates and (filled := templates.events_of(raw)):
            lines += [line for line, _ in filled]
            made.alike += [number for _, number in filled]
            sources += [place] * len(filled)
            continue
        try:
            found = list(transcoder.transcode(raw))
            events = _all_written(found)
        except ValueError as error:
            refused.append((place, f"{transcoder.name}: {error}"))
            continue
        except DEFECTS as error:  # not the fault of the records around it
            what = f"{type(error).__name__}: {error}"
            refused.append((place, f"{transcoder.name}: cannot be read ({what}); please report this"))
            continue
        if not events:
            refused.append((place, ""))
            continue
        if may_be_bare:
            made.bare += [len(lines) + n for n, one in enumerate(found) if type(one) is bytes]
        if templates:
            made.alike += [0] * len(events)
        lines += events
        sources += [place] * len(events)
    return made


def _events(transcoder: Transcoder, raw: bytes) -> list[bytes]:
    return _all_written(list(transcoder.transcode(raw)))


def _all_written(found: list[Mapping[str, Any] | bytes]) -> list[bytes]:
    try:
        # A copy: what orjson gives keeps the room that it made for what might have been written, and taking
        # so much more memory for each costs ten times as much as the writing.
        return [b"%b" % (event if type(event) is bytes else orjson.dumps(event)) for event in found]
    except orjson.JSONEncodeError:
        pass
    try:
        return [event if isinstance(event, bytes) else _written(event) for event in found]
    except orjson.JSONEncodeError as error:  # which may be any TypeError
        raise ValueError(str(error)) from error


def _templates_of(transcoder: Transcoder) -> Templates:
    if transcoder.name not in _templates:
        _templates[transcoder.name] = Templates(transcoder, partial(_events, transcoder))
    return _templates[transcoder.name]


_templates: Final[dict[str, Templates]] = {}
"""By the name of the transcoder; what it makes of a record never changes."""


def _written(event: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError as error:
        if "64-bit" not in str(error):
            raise
        return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
