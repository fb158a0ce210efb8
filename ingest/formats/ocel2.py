"""OCEL 2.0 JSON: a whole log in one document, of events and of the objects they are about.

Every event of it is an event; the first object that it relates to is its entity. Each relationship is
kept with the type of its object; what the document says of an object is kept with the first event about
it, and what is about no event with the first one. Source: OCEL 2.0 specification, "JSON Format".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from ingest.formats import exact
from ingest.formats.base import Transcoder, made
from ingest.formats.given import given

Json = dict[str, Any]
Id = str | int | float


def _items(holder: Json, name: str) -> list[Json]:
    found = holder.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError(f"{name} is not a list of objects")
    return cast("list[Json]", found)


def _id(holder: Json, name: str) -> Id | None:
    """What names an object; None where nothing does. A list names nothing, whatever is in it."""
    found = holder.get(name)
    return found if isinstance(found, str | int | float) and not isinstance(found, bool) else None


def _event(event: Json, types: Mapping[Id, Any], unseen: dict[Id, Json]) -> Json:
    related = _items(event, "relationships")
    ids = [_id(relation, "objectId") for relation in related]
    about = [
        {**relation, "type": types.get(known)} if known is not None else relation
        for relation, known in zip(related, ids, strict=True)
    ]
    found = {"relationships": [given(one) for one in about]}
    attributes = event.get("attributes")
    if isinstance(attributes, list):
        named = {
            item["name"]: item["value"]
            for item in attributes
            if isinstance(item, dict) and set(item) == {"name", "value"} and isinstance(item["name"], str)
        }
        if len(named) == len(attributes):
            attributes = named
    objects = [unseen.pop(known) for known in ids if known is not None and known in unseen]
    first = next(iter(ids), None)
    made = {"@entity": first, "attributes": attributes, **found, "objects": objects}
    return {key: value for key, value in {**event, **made}.items() if value not in (None, [], {})}


def _transcode(record: bytes) -> Iterator[Json]:
    document = exact.loads(record)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the reason of a reject
    return events_of(document)


def events_of(document: Json) -> Iterator[Json]:
    """The events of a log, as its JSON has it.

    Raises:
        ValueError: it has none, or lists of something else.
    """
    events, objects = _items(document, "events"), _items(document, "objects")
    if not events:
        raise ValueError("a log without events")
    named = {known: one for one in objects if (known := _id(one, "id")) is not None}
    types = {known: one.get("type") for known, one in named.items()}
    mentioned = {_id(one, "objectId") for event in events for one in _items(event, "relationships")}
    rest = {key: value for key, value in document.items() if key not in ("events", "objects")}
    rest["objects"] = [one for one in objects if _id(one, "id") not in mentioned - {None}]
    unseen = {known: one for known, one in named.items() if known in mentioned}
    for number, event in enumerate(events):
        made = _event(event, types, unseen)
        yield {**made, "document": rest} if number == 0 else made


FIELDS: Final = {
    "event_id": "id",
    "occurred_at": "time",
    "event_type": "type",
    "stream_key": "@entity",
    "entity": "@entity",
}
MADE: Final = ("@entity",)

FORMAT = Transcoder(
    name="ocel2",
    format=made(name="ocel2", fields=FIELDS, made=MADE),
    match_json=lambda shape: shape.has("eventTypes", "objectTypes", "events"),
    transcode=_transcode,
)
