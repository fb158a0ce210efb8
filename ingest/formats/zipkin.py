"""Zipkin spans: one a line, a list of them, or a list of traces as `/api/v2/traces` answers.

Of version 1 the endpoint of the first annotation is the service; what was sent and received is annotated.
Client and server of one call may share a span id: they are observations of one event, and what
either caused names it. The tags that Brave and Spring set name the destination and the key.
Source: Zipkin API v1 and v2 (zipkin-api.yaml, zipkin2-api.yaml).
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.formats.otlp import NODES
from ingest.names import Path

_SPAN = ("kind", "duration", "localEndpoint", "remoteEndpoint", "parentId", "shared", "annotations")
_TAG = "tags"


def _match(shape: Shape) -> Path | None:
    if not shape.has("traceId", "id"):
        return None
    has_endpoint = shape.has("localEndpoint") or shape.has("remoteEndpoint")
    is_timed = shape.has("timestamp") and sum(shape.has(key) for key in _SPAN) > 1
    is_old = shape.has("annotations", "binaryAnnotations")
    return () if has_endpoint or is_timed or is_old else None


_FIRST = ("annotations", "0")
_FIRST_TAG = ("binaryAnnotations", "0")


def _tags(*names: str) -> tuple[Path, ...]:
    return tuple((_TAG, name) for name in names)


FORMAT = JsonFormat(
    name="zipkin",
    priority=650,
    match=_match,
    by_name=False,
    fields={
        "event_id": (("id",),),
        "parent_id": (("parentId",),),
        "correlation_id": (("traceId",),),
        "occurred_at": (("timestamp",),),
        "event_type": (("name",),),
        "service": (("localEndpoint", "serviceName"),),
        "node": (("localEndpoint", "ipv4"), ("localEndpoint", "ipv6"), *_tags(*NODES)),
        "stream": _tags(
            "messaging.destination.name", "messaging.destination", "kafka.topic", "rabbit.queue",
            "rabbit.routing_key", "rabbit.exchange", "jms.queue", "jms.topic",
        ),
        "stream_key": _tags("messaging.kafka.message.key", "kafka.key"),
        "broker_sequence": _tags("messaging.kafka.message.offset", "messaging.kafka.offset"),
        "message_id": _tags("messaging.message.id", "messaging.message_id"),
        "message": _tags("error"),
    },
    inputs={
        "kind": ("kind",),
        "error": (_TAG, "error"),
        "type": (_TAG, "messaging.operation.type"),
        "older": (_TAG, "messaging.operation"),
        "annotated": (*_FIRST, "value"),
        "annotated_at": (*_FIRST, "timestamp"),
        "annotated_by": (*_FIRST, "endpoint", "serviceName"),
        "annotated_on": (*_FIRST, "endpoint", "ipv4"),
        "tagged_by": (*_FIRST_TAG, "endpoint", "serviceName"),
        "tagged_on": (*_FIRST_TAG, "endpoint", "ipv4"),
    },
    derived={
        "occurred_at": "coalesce({occurred_at}, {annotated_at})",
        "service": "coalesce({service}, nullif({annotated_by}, ''), nullif({tagged_by}, ''))",
        "node": "coalesce({node}, {annotated_on}, {tagged_on})",
    },
    computed={
        "operation": (
            "CASE coalesce(lower({type}), lower({older}), {kind}, {annotated})"
            " WHEN 'ms' THEN 'send' WHEN 'mr' THEN 'receive'"
            " WHEN 'PRODUCER' THEN 'send' WHEN 'send' THEN 'send' WHEN 'publish' THEN 'send'"
            " WHEN 'create' THEN 'create' WHEN 'CONSUMER' THEN 'receive' WHEN 'receive' THEN 'receive'"
            " WHEN 'process' THEN 'process' WHEN 'deliver' THEN 'process' WHEN 'settle' THEN 'settle' END"
        ),
        "severity": "CASE WHEN {error} IS NOT NULL THEN 'ERROR' END",
    },
)  # fmt: skip
