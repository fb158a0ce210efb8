"""Lines as Filebeat ships them: what was written is in `message`, beside what the shipper knows of it.

A document with fields of its sender, in Elastic's names or of its own, is none: there `message` is a
text among them. Source: Filebeat documentation, "Exported fields".
"""

from ingest.formats.base import Envelope, Shape, made
from ingest.names import Path

SHIPPED = frozenset(
    {
        "@timestamp", "@metadata", "@version", "message", "log", "input", "agent", "beat", "ecs", "host",
        "stream", "container", "kubernetes", "docker", "tags", "fields", "cloud", "event", "fileset",
        "service", "orchestrator", "offset", "source", "prospector", "data_stream",
    }
)  # fmt: skip
"""What Filebeat, its modules and Logstash write beside a line."""
_WRITTEN: frozenset[Path] = frozenset(
    {
        ("event", "id"), ("event", "action"), ("trace", "id"), ("trace.id",), ("transaction", "id"),
        ("transaction.id",), ("service", "name"), ("service.name",), ("log.level",), ("log", "level"),
    }
)  # fmt: skip
"""What the sender of a line in Elastic's names says, and no shipper."""
_INPUTS: dict[str, Path] = {
    "time": ("@timestamp",),
    "container": ("container", "name"),
    "kubernetes_container": ("kubernetes", "container", "name"),
    "application": ("kubernetes", "labels", "app"),
    "pod": ("kubernetes", "pod", "name"),
    "configured": ("fields", "service"),
    "host": ("host", "name"),
    "agent": ("agent", "name"),
}
_ABOUT = {
    "occurred_at": "{time}",
    "node": "coalesce({pod}, {host}, {agent})",
    "service": "coalesce({configured}, {application}, {kubernetes_container}, {container})",
}


def is_shipped(shape: Shape) -> bool:
    """Whether one of Elastic's shippers has put its name on records with these keys."""
    return shape.has("agent", "input") or ("@metadata", "beat") in shape.paths


def _match(shape: Shape) -> bool:
    is_whole = shape.has("@timestamp", "message") and _WRITTEN.isdisjoint(shape.paths)
    return is_shipped(shape) and is_whole and all(path[0] in SHIPPED for path in shape.paths)


FORMAT = Envelope(
    name="filebeat",
    match=_match,
    held=("message",),
    format=made(
        name="filebeat",
        fields={"occurred_at": "@timestamp", "message": "message"},
        inputs=_INPUTS,
        computed={"node": _ABOUT["node"], "service": _ABOUT["service"]},
    ),
    about=_ABOUT,
    inputs=_INPUTS,
)
