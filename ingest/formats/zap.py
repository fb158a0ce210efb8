"""zap: `level`, `ts`, `msg` (or `L`, `T`, `M` of its development encoder), and fields beside them.

The text is a template, its values are fields: it is the type of the event where no field names one. The
logger is the service where nothing else is. Source: zap, zapcore.EncoderConfig.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC


def _match(shape: Shape) -> Path | None:
    return () if shape.has("level", "ts", "msg") or shape.has("L", "T", "M") else None


FORMAT = JsonFormat(
    name="zap",
    priority=820,
    match=_match,
    by_value=True,
    vocabulary=GENERIC.changed(
        severity=(*NAMES["severity"], "L"),
        message=(*NAMES["message"], "M"),
    ),
    inputs={"logger": ("logger",), "short_logger": ("N",)},
    computed={
        "service": "coalesce({service}, {logger}, {short_logger})",
        "event_type": "coalesce({event_type}, {message})",
    },
)
