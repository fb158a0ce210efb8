"""The records in what is read, as they will stand when fields are given their roles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

import orjson

from ingest.formats import envelopes, transcoders
from ingest.formats.base import Envelope, Shape, Transcoder
from ingest.formats.logfmt import trailing_pairs
from ingest.formats.printed_objects import printed_fields
from ingest.formats.python_dict import as_json
from ingest.formats.separated_pairs import separated_fields
from ingest.names import HEADERS, NAMES
from ingest.objects import DEFECTS

WHOLE_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)([.,]\d{1,9})? ?(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII
)
_LEAST_TIME: Final = NAMES["occurred_at"][-1]
_PREFIX: Final = 100
"""Bytes of a line that the time before its pairs is looked for in."""
_OBJECT: Final = re.compile(rb"\A\{|\{[\"']")
_COUNT: Final = re.compile(r"0|[1-9]\d{0,8}")
_VALUES: Final = ("value", "Value", "StringValue", "stringValue")

_OF_THE_WRITER: Final = frozenset({"resource", "scope"})
"""Keys of what says of the writer, in records that were taken out of others."""

Json = dict[str, Any]


def records_in(line: bytes) -> Iterator[Json]:
    """The objects of a line or a document, or its pairs; none where there are none."""
    text = line.strip(b" \t\r\n,")
    if text.startswith(b"["):
        found = _loaded(text)
        yield from (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()
        return
    # The last element of a list that has one a line.
    text = text.removesuffix(b"]").rstrip(b" \t\r\n,") if text.startswith(b"{") else line
    record = _fields(text)
    if isinstance(record, dict):
        yield from _unpacked(record, text)


def _loaded(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def _fields(line: bytes) -> Any:
    """The fields of an object, or of pairs, with the time that a logger or a shipper wrote before them."""
    begun = _OBJECT.search(line)
    at = begun.start() if begun else -1
    try:
        text = as_json(line[at:].rstrip()) if line.startswith(b"{'", at) else line[at:]
        record = orjson.loads(text) if at >= 0 else _pairs(line)
        if at and record and (time := WHOLE_TIME.search(line[: at if at > 0 else _PREFIX].decode())):
            record.setdefault(_LEAST_TIME, time[0])
    except ValueError:
        return None
    return record


def _pairs(line: bytes) -> dict[str, Any]:
    first = line.partition(b"\n")[0]
    pairs = trailing_pairs(first)[1] or separated_fields(first) or printed_fields(first.decode())
    return {key: _counted(value) for key, value in pairs.items()}


def _counted(value: Any) -> Any:
    """A number where a text is one; of a name that stands twice there is a list."""
    return int(value) if isinstance(value, str) and _COUNT.fullmatch(value) else value


def _unpacked(record: Json, text: bytes) -> Iterator[Json]:
    transcoder, envelope = _around(tuple(record))
    if transcoder is not None:
        yield from _transcoded(transcoder, text)
        return
    yield _opened(record, envelope) if envelope is not None else record


def _opened(record: Json, envelope: Envelope) -> Json:
    """What an envelope holds beside what it says itself, as it is read where it stands alone."""
    headers = envelope.headers
    if headers in record and (named := _named(record[headers])):
        record = {**{name: value for name, value in record.items() if name != headers}, HEADERS: named}
    key = envelope.held[0]
    held = record.get(key)
    if isinstance(held, str) and held.startswith("{"):
        held = _loaded(held.encode())
    if not isinstance(held, dict):
        return record
    return {**{name: value for name, value in record.items() if name != key}, **held}


def _transcoded(transcoder: Transcoder, text: bytes) -> Iterator[Json]:
    """What is taken out of an object; of an event nothing is in what says who wrote it, or twice."""
    with suppress(ValueError, *DEFECTS):  # what cannot be read tells nothing
        for made in transcoder.transcode(text):
            record = _loaded(made) if isinstance(made, bytes) else made
            if isinstance(record, dict):
                by = transcoder.format
                yield _opened(record, by) if isinstance(by, Envelope) else _without_writer(record)


def _without_writer(record: Json) -> Json:
    is_text = {name for name, value in record.items() if isinstance(value, str) and value.startswith('{"')}
    return {name: value for name, value in record.items() if name not in _OF_THE_WRITER | is_text}


@lru_cache(maxsize=1024)
def _around(keys: Sequence[str]) -> tuple[Transcoder | None, Envelope | None]:
    """What takes records out of an object with these keys, or the envelope that it is."""
    shape = Shape(frozenset((key,) for key in keys))
    for one in transcoders():
        is_open = isinstance(one.format, Envelope) or one.format.by_value
        if one.match_json is not None and is_open and one.match_json(shape):
            return one, None
    return None, next((one for one in envelopes() if one.match(shape)), None)


def _named(headers: Any) -> Json:
    """Headers by name: of an object, or a list of names and values in turn or of objects that have both."""
    if isinstance(headers, dict):
        return {name: _value(value) for name, value in headers.items()}
    if not isinstance(headers, list):
        return {}
    if all(isinstance(one, dict) for one in headers):
        both = [one for one in headers if "key" in one]
        single = [item for one in headers if "key" not in one for item in one.items()]
        return {**{str(one["key"]): one.get("value") for one in both}, **dict(single)}
    return {str(name): value for name, value in zip(headers[::2], headers[1::2], strict=False)}


def _value(value: Any) -> Any:
    """A value, or that of an object of a type and a value."""
    if not isinstance(value, dict):
        return value
    return next((value[name] for name in _VALUES if name in value), value)
