"""Brighter for .NET: messages with their `header` and `body`, as its outbox and clients write them.

What the header calls `messageType` is the kind of message (`MT_EVENT`), its `topic` what happened and where
it goes. `handledCount` counts the attempts before. Source: Brighter documentation, "Basic Concepts";
`Paramore.Brighter.MessageHeader`.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC

_KEYS = ("messageId", "topic", "messageType", "handledCount")


def _match(shape: Shape) -> Path | None:
    return () if shape.names(*_KEYS) else None


FORMAT = JsonFormat(
    name="brighter",
    priority=227,
    match=_match,
    vocabulary=GENERIC.changed(
        event_type=("event_type", "type", "topic"),
        operation=("direction",),
        operation_hint=(),
        message=(),
        attempt=("handled_count",),
        occurred_at=("time_stamp", *NAMES["occurred_at"]),
    ),
    derived={"attempt": "(try_cast({attempt} AS INTEGER) + 1)::VARCHAR"},
)
