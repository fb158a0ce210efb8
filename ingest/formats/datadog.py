"""Logs as Datadog's interface gives them: what was written is in `attributes.message`.

The host is the node. What Datadog found in the text stands beside it and stays in `attributes`. Source:
Datadog documentation, "Search logs".
"""

from ingest.formats.base import Envelope, made
from ingest.names import Path

_INPUTS: dict[str, Path] = {
    "text": ("attributes", "message"),
    "time": ("attributes", "timestamp"),
    "host": ("attributes", "host"),
    "app": ("attributes", "service"),
    "status_said": ("attributes", "status"),
}
_ABOUT = {
    "occurred_at": "{time}",
    "service": "{app}",
    "node": "{host}",
    "severity": "{status_said}",
}

_ALWAYS = {("attributes", key) for key in ("message", "timestamp", "tags")}

FORMAT = Envelope(
    name="datadog",
    match=lambda shape: shape.has("id", "type", "attributes") and set(shape.paths) >= _ALWAYS,
    held=("attributes", "message"),
    format=made(
        name="datadog",
        fields={"event_id": "id"},
        inputs=_INPUTS,
        derived=_ABOUT,
        computed={"message": "{text}"},
    ),
    about=_ABOUT,
    inputs=_INPUTS,
)
