"""Elastic Common Schema and its look-alikes: `@timestamp` with dotted or nested field names.

Both spellings occur, also mixed in one record. A line that mentions the trace or transaction it was
written in belongs to its flow, unless it names another. What was done tells more of an event than its kind,
which is that of all of them (`event`). Source: ECS field reference; ECS logging specification.
"""

from ingest.formats.base import JsonFormat, spellings
from ingest.names import NAMES
from ingest.vocabulary import GENERIC

_KIND = NAMES["event_type"].index("event_kind")

FORMAT = JsonFormat(
    name="ecs",
    priority=900,
    match=lambda shape: () if shape.has("@timestamp") else None,
    by_value=True,
    fields={
        "occurred_at": (("@timestamp",),),
        "event_id": spellings("event.id"),
    },
    named={"event_id"},
    vocabulary=GENERIC.changed(
        event_type=(*NAMES["event_type"][:_KIND], "event.action", *NAMES["event_type"][_KIND:])
    ),
)
