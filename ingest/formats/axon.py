"""Axon Framework: messages as JSON, and events as its event stores keep them.

Up to version 4 `metaData.correlationId` is the message that caused this one and `metaData.traceId`
the flow; from version 5 on the cause is `causationId` and the flow `correlationId`. A record with a
`causationId` is read the new way, one with a `traceId` the old way. Stores keep metadata as a text
of XML or JSON (`serializedMetaData`, `metaData`). An aggregate numbers its events from 0.
Source: Axon reference guide, "Message Correlation"; CorrelationDataProvider; entries of the JPA and
MongoDB event stores.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.formats.stored_metadata import text_of, values_of
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC


def _match(shape: Shape) -> Path | None:
    numbered = shape.names("sequence_number") or shape.names("aggregate_sequence_number")
    identified = any(
        shape.names(name) for name in ("event_identifier", "identifier", "message_identifier", "_id")
    )
    described = shape.names("meta_data") or shape.names("serialized_meta_data")
    if shape.names("aggregate_identifier") and numbered:
        return ()
    return () if shape.names("payload_type") and (identified or described) else None


FORMAT = JsonFormat(
    name="axon",
    priority=220,
    match=_match,
    vocabulary=GENERIC.changed(
        event_id=("event_identifier", "identifier", "message_identifier", "event_id", "_id", "id"),
        event_type=("payload_type", *(name for name in NAMES["event_type"] if name not in ("type", "kind"))),
        operation_hint=(),
        stream=("aggregate_type", "type", *NAMES["stream"]),
        stream_key=("aggregate_identifier", *NAMES["stream_key"]),
        entity=("aggregate_identifier", *NAMES["entity"]),
        broker_sequence=("global_index", *NAMES["broker_sequence"]),
        schema_version=("payload_revision", "revision", *NAMES["schema_version"]),
    ),
    inputs={
        "serialized": ("serializedMetaData",),
        "meta": ("metaData",),
        "meta_snake": ("meta_data",),
        "meta_lower": ("metadata",),
        "own_cause": ("causationId",),
        "own_correlation": ("correlationId",),
        "own_trace": ("traceId",),
        "object_id": ("_id", "$oid"),
        "long": ("sequenceNumber", "$numberLong"),
        "payload_type": ("payload", "type"),
    },
    prepared={
        "metadata": text_of("serialized", "meta", "meta_snake", "meta_lower"),
        "told": values_of("metadata", "causationId", "correlationId", "traceId"),
        "cause": "coalesce(nullif({told}[1], ''), {own_cause}, {causation_id})",
        "correlation": "coalesce(nullif({told}[2], ''), {own_correlation})",
        "trace": "coalesce(nullif({told}[3], ''), {own_trace})",
    },
    derived={
        "event_id": "coalesce({event_id}, {object_id})",
        "event_type": "coalesce({event_type}, {payload_type})",
        "sequence": "coalesce({sequence}, {long})",
        "causation_id": "coalesce({cause}, CASE WHEN {trace} IS NOT NULL THEN {correlation} END)",
        "correlation_id": (
            "coalesce(CASE WHEN {cause} IS NULL THEN {trace} END, {correlation}, {trace}, {correlation_id})"
        ),
    },
)
