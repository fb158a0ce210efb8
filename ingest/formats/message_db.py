"""Message DB and Eventide: messages as its functions return them, and clients print them.

A message is named by its stream and its position there, as those that follow it name it in their metadata
(`causationMessageStreamName` and `causationMessagePosition`); `correlationStreamName` is the flow. A stream
counts its messages from 0 without holes: it is the key, its category (what stands before the first `-`) the
stream. Source: Message DB, "Server Functions"; Eventide documentation, "Message Metadata".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.formats.stored_metadata import text_of, values_of
from ingest.names import Path
from ingest.vocabulary import GENERIC

_CAUSE = ("causationMessageStreamName", "causationMessagePosition")


def _match(shape: Shape) -> Path | None:
    return () if shape.names("stream_name", "position", "global_position") and shape.has("type") else None


FORMAT = JsonFormat(
    name="message_db",
    priority=245,
    match=_match,
    vocabulary=GENERIC.changed(
        event_id=("id",),
        event_type=("type",),
        operation=(),
        operation_hint=(),
        stream=("stream_name",),
        stream_key=(),
        sequence=("position",),
        broker_sequence=(),
        correlation_id=(),
        causation_id=(),
        parent_id=(),
        links=(),
    ),
    inputs={"meta": ("metadata",)},
    prepared={
        "metadata": text_of("meta"),
        "told": values_of("metadata", *_CAUSE, "correlationStreamName"),
    },
    derived={
        "message_id": "{event_id}",
        "event_id": "{stream} || '/' || {sequence}",
        "stream_key": "{stream}",
        "entity": "{stream}",
        "causation_id": "{told}[1] || '/' || {told}[2]",
        "correlation_id": "nullif({told}[3], '')",
    },
    computed={"stream": "split_part({stream}, '-', 1)"},
)
