"""Azure Event Grid's own schema: `eventType`, `subject`, `eventTime`, `id`, `dataVersion`.

The topic is the stream, what the event is about (`subject`) its key; ids within `data` are those of the
request that made it. Source: Azure Event Grid documentation, "Event Grid event schema".
"""

from ingest.formats.base import JsonFormat

_KEYS = ("id", "subject", "eventType", "eventTime", "data")

FORMAT = JsonFormat(
    name="event_grid",
    priority=235,
    match=lambda shape: (
        () if shape.has(*_KEYS) and (shape.has("dataVersion") or shape.has("metadataVersion")) else None
    ),
    by_name=False,
    by_value=False,
    fields={
        "event_id": (("id",),),
        "occurred_at": (("eventTime",),),
        "event_type": (("eventType",),),
        "stream": (("topic",),),
        "stream_key": (("subject",),),
        "entity": (("subject",),),
        "schema_version": (("dataVersion",),),
        "causation_id": (("data", "causationId"),),
        "correlation_id": (("data", "correlationId"),),
    },
)
