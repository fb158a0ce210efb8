"""One span per JSON line or object: console and file exporters, custom tracers.

A record with a trace and a span id is a span when it says how long it took or what its parent is;
else it is a log line written in one, and the span is no id for it. A producer sends, a consumer
processes. Source: OpenTelemetry SDKs (console exporters).
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC

_ENDS = (
    "duration", "duration_ms", "duration_us", "duration_ns", "end_time",
    "end_time_unix_nano", "end_timestamp",
)  # fmt: skip
_PARENTS = ("parent_span_id", "parent_id")
_OWN_IDS = ("event_id", "message_id", "causation_id")


def _match(shape: Shape) -> Path | None:
    if not shape.names("trace_id") or any(shape.names(name) for name in _OWN_IDS):
        return None
    timed = any(shape.names(name) for name in _ENDS)
    if shape.names("span_id") and (timed or any(shape.names(name) for name in _PARENTS)):
        return ()
    return () if timed and shape.names("id", "timestamp") else None


FORMAT = JsonFormat(
    name="flat_spans",
    priority=700,
    match=_match,
    vocabulary=GENERIC.changed(
        event_id=("span_id", "id"),
        parent_id=("parent_span_id", "parent_id", "parent.span_id"),
        causation_id=(),
        correlation_id=("trace_id",),
        occurred_at=("start_time", "start_time_unix_nano", "start_timestamp", "start", *NAMES["occurred_at"]),
        event_type=("span_name", "operation_name", "name"),
        operation=("messaging.operation.type", "messaging.operation", "span_kind", "kind"),
        service=("service.name", "local_endpoint.service_name", "service", "process.service_name"),
        message_id=("messaging.message.id",),
    ),
    inputs={
        "kind": ("kind",),
        "resource_service": ("resource", "attributes", "service.name"),
        "instance": ("resource", "attributes", "service.instance.id"),
        "host": ("resource", "attributes", "host.name"),
        "status": ("status", "status_code"),
        "code": ("status", "code"),
    },
    computed={
        "service": "coalesce({service}, {resource_service})",
        "node": "coalesce({node}, {instance}, {host})",
        "severity": (
            "coalesce({severity}, CASE WHEN coalesce({status}, {code})"
            " IN ('ERROR', 'STATUS_CODE_ERROR', 'StatusCode.ERROR', 'Error', '2') THEN 'ERROR' END)"
        ),
        "operation": (
            "coalesce({operation}, CASE WHEN {kind} ILIKE '%PRODUCER' THEN 'send'"
            " WHEN {kind} ILIKE '%CONSUMER' THEN 'process' END)"
        ),
    },
)
