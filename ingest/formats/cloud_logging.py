"""Entries of Google Cloud Logging with a `textPayload`: what was written, read again as a record.

Where an entry has a `jsonPayload` its fields stand in a wrapper. Reports of several lines are put together,
as Cloud SQL writes an entry for each part of one. Source: Cloud Logging documentation, LogEntry.
"""

from ingest.formats.base import Envelope, made
from ingest.names import Path

_LABELS = ("container_name", "service_name", "database_id", "function_name", "job_name", "module_id")
_NODES = ("pod_name", "instance_id", "revision_name", "version_id")
_INPUTS: dict[str, Path] = {
    "time": ("timestamp",),
    "received": ("receiveTimestamp",),
    "severity_said": ("severity",),
    "trace": ("trace",),
    **{name: ("resource", "labels", name) for name in (*_LABELS, *_NODES)},
}
_ABOUT = {
    "occurred_at": "coalesce({time}, {received})",
    "severity": "{severity_said}",
    "service": f"coalesce({', '.join(f'{{{name}}}' for name in _LABELS)})",
    "node": f"coalesce({', '.join(f'{{{name}}}' for name in _NODES)})",
    "correlation_id": "nullif(regexp_extract({trace}, '[^/]+$'), '')",
}

FORMAT = Envelope(
    name="cloud_logging",
    match=lambda shape: shape.has("textPayload", "logName"),
    held=("textPayload",),
    format=made(
        name="cloud_logging",
        fields={"message": "textPayload"},
        inputs=_INPUTS,
        derived=_ABOUT,
    ),
    about=_ABOUT,
    inputs=_INPUTS,
    sender=("logName", "resource"),
    beside=rb'(?=[^\n]*"logName"[ \t]*+:)',
)
