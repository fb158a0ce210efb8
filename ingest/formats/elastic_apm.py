"""Elastic APM documents: spans and transactions as Elasticsearch stores them.

What a log line only mentions, such a document is: it is named by its own span or transaction.
Source: Elastic APM data model.
"""

from ingest.formats import ecs
from ingest.formats.base import JsonFormat, Shape, spellings
from ingest.names import Path


def _match(shape: Shape) -> Path | None:
    is_document = shape.has("@timestamp") and shape.names("processor.event")
    return () if is_document else None


FORMAT = JsonFormat(
    name="elastic_apm",
    priority=600,
    match=_match,
    fields={
        **ecs.FORMAT.fields,
        "correlation_id": spellings("trace.id"),
        "event_id": (*spellings("span.id"), *spellings("transaction.id")),
        "event_type": (*spellings("span.name"), *spellings("transaction.name")),
        "parent_id": spellings("parent.id"),
        "causation_id": (),
    },
)
