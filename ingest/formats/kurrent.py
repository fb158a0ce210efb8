"""KurrentDB and EventStoreDB: events as their APIs, clients and connectors write them.

`$causationId` and `$correlationId` in the metadata are cause and flow; the metadata may be an object or
the text of one. A stream numbers its events from 0 without holes: its id is the key, its category (what
stands before the first `-`) the stream. The logs of the server itself are compact Serilog. Source:
KurrentDB documentation, "Event streams", "System projections"; EventStoreDB HTTP API, embed=body;
RecordedEvent of the clients.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.formats.stored_metadata import text_of, values_of
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC

_SYSTEM = {"$causationId", "$correlationId"}
_STREAMS = ("streamId", "eventStreamId", "streamName")
_NUMBERS = ("eventNumber", "revision", "streamRevision")
_RECORDED = ("created", "createdEpoch", "position", "commitPosition", "isJson", "contentType")


def _is_event(shape: Shape, place: Path) -> bool:
    # The server and the clients of .NET write EventStreamId, others eventStreamId.
    here = {path[-1][:1].lower() + path[-1][1:] for path in shape.paths if path[:-1] == place}
    below = {path[-1] for path in shape.paths if path[: len(place)] == place}
    typed = not here.isdisjoint({"eventType", "type"}) and not here.isdisjoint({"eventId", "id"})
    if "eventType" in here and "eventNumber" in here:
        return not here.isdisjoint({*_STREAMS, "eventId"})
    if typed and not _SYSTEM.isdisjoint(below):
        return True
    is_recorded = not here.isdisjoint(_NUMBERS) and not here.isdisjoint(_RECORDED)
    return typed and is_recorded and not here.isdisjoint(_STREAMS)


def _match(shape: Shape) -> Path | None:
    if shape.has("@t"):
        return None
    places = ((), *sorted({path[:1] for path in shape.paths if len(path) > 1}))
    return next((place for place in places if _is_event(shape, place)), None)


FORMAT = JsonFormat(
    name="kurrent",
    priority=240,
    match=_match,
    vocabulary=GENERIC.changed(
        event_id=("event_id", "id"),
        event_type=("event_type", "type"),
        occurred_at=("created", "created_at", "created_epoch", "updated", *NAMES["occurred_at"]),
        operation=(),
        operation_hint=(),
        stream=("event_stream_id", "stream_id", "stream_name"),
        stream_key=(),
        sequence=("event_number", "stream_revision", "revision"),
        broker_sequence=(),
        links=(),
    ),
    inputs={
        "meta": ("metadata",),
        "meta_pascal": ("Metadata",),
        "meta_camel": ("metaData",),
        "user_meta": ("userMetadata",),
        "custom_meta": ("customMetadata",),
    },
    prepared={
        "metadata": text_of("meta", "meta_pascal", "meta_camel", "user_meta", "custom_meta"),
        "told": values_of("metadata", "$causationId", "$correlationId"),
    },
    derived={
        # Streams of the system and of projections ($ce-order) are streams of their own.
        "stream": (
            "CASE WHEN starts_with({stream}, '$') THEN {stream} ELSE split_part({stream}, '-', 1) END"
        ),
        "stream_key": "{stream}",
        "entity": "{stream}",
        "causation_id": "coalesce({causation_id}, nullif({told}[1], ''))",
        "correlation_id": "coalesce({correlation_id}, nullif({told}[2], ''))",
    },
)
