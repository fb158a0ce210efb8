"""Rust's `tracing` in JSON: `timestamp`, `level`, `target`, and the event in `fields` or beside them.

The fields go by the usual names. The target is the service where nothing else is, the thread the
node; what a span knows of the flow and of the cause counts where the event does not say it. Source:
tracing-subscriber, fmt::format::Json.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_FLOWS = ("correlation_id", "trace_id", "traceId", "request_id")
_CAUSES = ("causation_id", "causationId", "parent_event_id", "caused_by")


def _match(shape: Shape) -> Path | None:
    is_nested = any(path[0] == "fields" for path in shape.paths)
    is_flat = shape.has("message") and any(
        shape.has(name) for name in ("span", "spans", "threadId", "filename")
    )
    return () if shape.has("timestamp", "level", "target") and (is_nested or is_flat) else None


FORMAT = JsonFormat(
    name="rust_tracing",
    priority=815,
    match=_match,
    by_value=True,
    inputs={
        "target": ("target",),
        "thread": ("threadId",),
        "text": ("fields", "message"),
        **{f"flow_{number}": ("span", name) for number, name in enumerate(_FLOWS)},
        **{f"cause_{number}": ("span", name) for number, name in enumerate(_CAUSES)},
    },
    derived={"causation_id": "coalesce({causation_id}, {cause_0}, {cause_1}, {cause_2}, {cause_3})"},
    computed={
        "service": "coalesce({service}, {target})",
        "node": "coalesce({node}, {thread})",
        "event_type": "coalesce({event_type}, {text}, {message})",
        "correlation_id": "coalesce({correlation_id}, {flow_0}, {flow_1}, {flow_2}, {flow_3})",
    },
)
