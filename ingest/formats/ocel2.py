"""OCEL 2.0 JSON: a whole log in one document, of events and of the objects they are about.

Every event of it is an event; the first object that it relates to is its entity. Each relationship is
kept with the type of its object; what the document says of an object is kept with the first event about
it, and what is about no event with the first one. Source: OCEL 2.0 specification, "JSON Format".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ingest.formats import exact
from ingest.formats.base import JsonFormat, Transcoder

Json = dict[str, Any]


def _items(holder: Json, name: str) -> list[Json]:
    found = holder.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError(f"{name} is not a list of objects")
    return cast("list[Json]", found)


def _event(event: Json, types: dict[Any, Any], unseen: dict[Any, Json]) -> Json:
    related = _items(event, "relationships")
    about = [{**relation, "type": types.get(relation.get("objectId"))} for relation in related]
    first = related[0].get("objectId") if related else None
    found = {"relationships": [{k: v for k, v in one.items() if v is not None} for one in about]}
    attributes = event.get("attributes")
    if isinstance(attributes, list):
        named = [item for item in attributes if isinstance(item, dict) and set(item) == {"name", "value"}]
        if len(named) == len(attributes) == len({item["name"] for item in named}):
            attributes = {item["name"]: item["value"] for item in named}
    objects = [unseen.pop(one.get("objectId")) for one in related if one.get("objectId") in unseen]
    made = {"@entity": first, "attributes": attributes, **found, "objects": objects}
    return {key: value for key, value in {**event, **made}.items() if value not in (None, [], {})}


def _transcode(record: bytes) -> Iterator[Json]:
    document = exact.loads(record)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the reason of a reject
    events, objects = _items(document, "events"), _items(document, "objects")
    if not events:
        raise ValueError("a log without events")
    types = {one.get("id"): one.get("type") for one in objects}
    mentioned = {one.get("objectId") for event in events for one in _items(event, "relationships")}
    rest = {key: value for key, value in document.items() if key not in ("events", "objects")}
    rest["objects"] = [one for one in objects if one.get("id") not in mentioned]
    unseen = {one.get("id"): one for one in objects if one.get("id") in mentioned}
    for number, event in enumerate(events):
        made = _event(event, types, unseen)
        yield {**made, "document": rest} if number == 0 else made


FORMAT = Transcoder(
    name="ocel2",
    format=JsonFormat(
        name="ocel2",
        priority=0,
        match=lambda _: None,
        by_name=False,
        fields={
            "event_id": (("id",),),
            "occurred_at": (("time",),),
            "event_type": (("type",),),
            "stream_key": (("@entity",),),
            "entity": (("@entity",),),
        },
        made=("@entity",),
    ),
    match_json=lambda shape: shape.has("eventTypes", "objectTypes", "events"),
    transcode=_transcode,
)
