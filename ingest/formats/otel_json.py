"""Logs that are no OTLP with the fields of OpenTelemetry: `trace_id`, `span_id` and a `body`.

The span that a line was written in is its cause, its trace the flow, as in otlp_logs. Source:
OpenTelemetry, "Trace Context in non-OTLP Log Formats"; logs data model.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC


def _match(shape: Shape) -> Path | None:
    is_log = any(shape.has(name) for name in ("body", "Body", "severity_text", "SeverityText", "trace_flags"))
    return () if shape.names("trace_id", "span_id") and is_log else None


_SERVICE = "coalesce({service}, {service_name}, {service_nested}, {service_upper})"
_NODE = "coalesce({node}, {instance}, {host}, {instance_upper}, {host_upper})"

FORMAT = JsonFormat(
    name="otel_json",
    priority=690,
    match=_match,
    by_value=True,
    vocabulary=GENERIC.changed(
        message=("body", *NAMES["message"]),
        parent_id=("span_id",),
    ),
    inputs={
        "service_name": ("resource", "service.name"),
        "service_nested": ("resource", "service", "name"),
        "service_upper": ("Resource", "service.name"),
        "instance": ("resource", "service.instance.id"),
        "host": ("resource", "host.name"),
        "instance_upper": ("Resource", "service.instance.id"),
        "host_upper": ("Resource", "host.name"),
    },
    computed={"service": _SERVICE, "node": _NODE},
)
