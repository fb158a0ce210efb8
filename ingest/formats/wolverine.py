"""Wolverine for .NET: the envelope of a message as JSON, or its headers.

`conversationId` is the id of the message that was being handled, and its own where none was; `correlationId`
is the flow. `parentId` is a span of tracing, no message; `groupId` says what is handled in order. Source:
Wolverine documentation, "Instrumentation and Metrics"; `Wolverine.Envelope`.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC

_KEYS = ("id", "message_type", "conversation_id", "correlation_id")
_OTHERS = ("saga_id", "reply_uri", "accepted_content_types", "deliver_by", "reply_requested", "ack_requested")


def _match(shape: Shape) -> Path | None:
    is_envelope = shape.names(*_KEYS) and any(shape.names(other) for other in _OTHERS)
    return () if is_envelope else None


FORMAT = JsonFormat(
    name="wolverine",
    priority=225,
    match=_match,
    vocabulary=GENERIC.changed(
        event_id=("id",),
        event_type=("message_type",),
        causation_id=("conversation_id",),
        parent_id=(),
        correlation_id=("correlation_id",),
        operation_hint=("direction", "event", "kind"),
        stream=("topic_name", "destination"),
        stream_key=("group_id", "partition_key", *NAMES["stream_key"]),
        entity=("saga_id",),
        message=(),
    ),
    derived={"causation_id": "nullif({causation_id}, {event_id})"},
)
