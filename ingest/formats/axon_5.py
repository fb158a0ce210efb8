"""Axon Framework 5: messages whose `type` is a qualified name with a version.

`type` reads `shop.OrderPlaced#1.0.0`, or is an object of both. `metadata.causationId` is the cause,
`metadata.correlationId` the flow. Source: Axon Framework 5 reference guide, "Messages", "Message
Correlation"; entry of the aggregate based JPA event store.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.formats.stored_metadata import text_of, values_of
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC


def _match(shape: Shape) -> Path | None:
    if not shape.has("identifier", "type", "timestamp", "metadata") or shape.has("payloadType"):
        return None
    if shape.has("aggregateIdentifier") and not shape.has("aggregateType"):
        return None  # then `type` is that of the aggregate
    return () if shape.has("payload") or shape.has("aggregateSequenceNumber") else None


FORMAT = JsonFormat(
    name="axon_5",
    priority=215,
    match=_match,
    vocabulary=GENERIC.changed(
        operation_hint=(),
        event_type=("payload_type",),
        stream=("aggregate_type", *NAMES["stream"]),
    ),
    inputs={
        "meta": ("metadata",),
        "type": ("type",),
        "name": ("type", "qualifiedName"),
        "namespace": ("type", "qualifiedName", "namespace"),
        "local_name": ("type", "qualifiedName", "localName"),
        "full_name": ("type", "qualifiedName", "name"),
        "plain_name": ("type", "name"),
        "type_version": ("type", "version"),
        "version": ("version",),
    },
    prepared={
        "metadata": text_of("meta"),
        "told": values_of("metadata", "causationId", "correlationId"),
    },
    derived={
        "event_type": (
            "coalesce({full_name}, nullif({namespace}, '') || '.' || {local_name},"
            " {local_name},"
            " CASE WHEN NOT starts_with({name}, '{{') THEN {name} END, {plain_name},"
            " CASE WHEN NOT starts_with({type}, '{{') THEN split_part({type}, '#', 1) END, {event_type})"
        ),
        "schema_version": (
            "coalesce({type_version}, CASE WHEN NOT starts_with({type}, '{{')"
            " THEN nullif(split_part({type}, '#', 2), '') END, {schema_version}, {version})"
        ),
        "causation_id": "coalesce({causation_id}, nullif({told}[1], ''))",
        "correlation_id": "coalesce({correlation_id}, nullif({told}[2], ''))",
    },
)
