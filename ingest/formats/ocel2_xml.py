"""OCEL 2.0 as XML: the same log as its JSON (ocel2.py), a `<log>` of types, objects and events.

Source: OCEL 2.0 specification, "XML Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element

from ingest.formats.base import Transcoder, made
from ingest.formats.ocel2 import FIELDS, MADE, events_of
from ingest.formats.sqlserver_deadlock import parsed

Json = dict[str, Any]
_LOG: Final = rb"[ \t]*(?:<\?xml [^\n>]*\?>[ \t]*)?<log(?:[ \t][^>\n]*)?>[ \t]*"

_CLOSES: Final = re.compile(rb"</log>|\n[ \t]*(?=<\?xml |<log[\s>])")
_LONGEST: Final = 32 << 20
"""Bytes of a document, when nothing ends it."""


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:  # noqa: ARG001 - what begins with "<" may stand in it
    closed = _CLOSES.search(data, start + 1, start + _LONGEST)
    if closed is None:
        is_torn = is_all or len(data) - start >= _LONGEST
        return data.find(b"\n", start) + 1 or len(data) if is_torn else None
    if closed[0] != b"</log>":
        return closed.end()
    return data.find(b"\n", closed.end()) + 1 or (len(data) if is_all else None)


def _attributes(holder: Element) -> list[Json]:
    found = holder.findall("attributes/attribute")
    return [{**one.attrib, **({"value": one.text} if one.text else {})} for one in found]


def _relations(holder: Element) -> list[Json]:
    # Exporters say object where the specification says relationship.
    found = [one for place in ("relationship", "object") for one in holder.findall(f"objects/{place}")]
    return [_renamed(one.attrib, "object-id", "objectId") for one in found]


def _renamed(attributes: dict[str, str], name: str, known: str) -> Json:
    return {known if key == name else key: value for key, value in attributes.items()}


def _entry(element: Element) -> Json:
    """An event or an object."""
    return {
        **element.attrib,
        "attributes": _attributes(element),
        "relationships": _relations(element),
    }


def _types(top: Element, kind: str) -> list[Json]:
    found = top.findall(f"{kind}-types/{kind}-type")
    return [{**one.attrib, "attributes": _attributes(one)} for one in found]


def _transcode(record: bytes) -> Iterator[Json]:
    log = parsed(record.decode()).find("log")
    if log is None:
        raise ValueError("XML without a log")
    document = {
        "eventTypes": _types(log, "event"),
        "objectTypes": _types(log, "object"),
        "events": [_entry(one) for one in log.findall("events/event")],
        "objects": [_entry(one) for one in log.findall("objects/object")],
    }
    return events_of(document)


FORMAT = Transcoder(
    name="ocel2_xml",
    format=made(name="ocel2_xml", fields=FIELDS, made=MADE),
    starts=_LOG + rb"(?:\r?\n[ \t]*)?<(?:object-types|event-types|objects|events)[\s/>]",
    may_start=_LOG + rb"\r?\n",
    end=_end,
    transcode=_transcode,
)
