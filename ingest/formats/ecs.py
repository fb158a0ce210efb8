"""Elastic Common Schema and its look-alikes: `@timestamp` with dotted or nested field names.

Both spellings occur, also mixed in one record. A line that mentions the span or transaction it was
written in belongs to its flow. Source: ECS field reference; ECS logging specification.
"""

from ingest.formats.base import JsonFormat, spellings

FORMAT = JsonFormat(
    name="ecs",
    priority=900,
    match=lambda shape: () if shape.has("@timestamp") else None,
    by_value=True,
    fields={
        "occurred_at": (("@timestamp",),),
        "event_id": spellings("event.id"),
        "correlation_id": spellings("trace.id"),
    },
    named={"event_id", "correlation_id"},
)
