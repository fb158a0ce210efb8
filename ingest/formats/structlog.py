"""structlog: `event` is the text, with `level`, `timestamp` and what was bound to the logger.

The text is the type of the event where no field names one; the logger is the service where nothing
else is. Source: structlog, "Processors"; "Standard Library Logging".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_OTHER = ("event_type", "type", "kind", "message", "msg")


def _match(shape: Shape) -> Path | None:
    is_text = shape.has("event") and not any(path[0] == "event" and len(path) > 1 for path in shape.paths)
    is_told = any(shape.names(name) for name in _OTHER)
    return () if is_text and shape.has("level", "timestamp") and not is_told else None


FORMAT = JsonFormat(
    name="structlog",
    priority=830,
    match=_match,
    by_value=True,
    inputs={"logger": ("logger",), "logger_name": ("logger_name",)},
    computed={"service": "coalesce({service}, {logger}, {logger_name})"},
)
