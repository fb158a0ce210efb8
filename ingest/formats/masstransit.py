"""MassTransit's message envelope in JSON, also as an object inside a log line.

`initiatorId` names the `correlationId` of the message that was being consumed, so an event is named
by its own correlation id, else by its message id; the message id is always kept. Messages of one saga
share a correlation id, which is then their initiator as well: such a message is named by its message
id. One redelivered under a new id keeps the name it had (`MT-OriginalMessageId`). `conversationId`
is the flow, the first of `messageType` the type. Source: MassTransit documentation, "Serialization";
MessageEnvelope, MessageHeaders.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC

_KEYS = ("messageId", "messageType", "message")
_OTHERS = (
    "conversationId", "initiatorId", "sourceAddress", "destinationAddress", "responseAddress", "sentTime",
    "host",
)  # fmt: skip


def _match(shape: Shape) -> Path | None:
    for place in ((), *sorted({path[:1] for path in shape.paths if len(path) > 1})):
        here = {path[-1] for path in shape.paths if path[:-1] == place}
        if here.issuperset(_KEYS) and not here.isdisjoint(_OTHERS):
            return place
    return None


_MESSAGE = "coalesce({original}, {message_key})"

FORMAT = JsonFormat(
    name="masstransit",
    priority=200,
    match=_match,
    vocabulary=GENERIC.changed(
        stream=("destination_address", *NAMES["stream"]),
        # What the message is about is its own business; "message" and "messageType" are no texts here.
        stream_key=tuple(name for name in NAMES["stream_key"] if name.endswith("_key")),
        operation_hint=("direction", "event", "event_name", "kind"),
        message=("msg", "text", "error"),
    ),
    fields={
        "event_id": (),
        "occurred_at": (("sentTime",),),
        "node": (("host", "machineName"),),
        "event_type": (),
        "causation_id": (("initiatorId",),),
        "parent_id": (),
        "correlation_id": (("conversationId",),),
        "schema_version": (),
        "entity": (),
        "attempt": (),
    },
    named={"occurred_at"},
    inputs={
        "message_key": ("messageId",),
        "own": ("correlationId",),
        "original": ("headers", "MT-OriginalMessageId"),
        "redelivery": ("headers", "MT-Redelivery-Count"),
        "type": ("messageType", "0"),
        "types": ("messageType",),
        "machine": ("host", "machineName"),
        "assembly": ("host", "assembly"),
        "assembly_version": ("host", "assemblyVersion"),
        "source": ("sourceAddress",),
    },
    derived={
        "event_id": f"coalesce(nullif({{own}}, {{causation_id}}), {_MESSAGE})",
        "message_id": "{message_key}",
        "event_type": "coalesce({type}, split_part({types}, ';', 1))",
        "node": "coalesce({node}, {machine})",
        "service": "coalesce({service}, {assembly}, {source})",
        "schema_version": "{assembly_version}",
        "attempt": "(try_cast({redelivery} AS INTEGER) + 1)::VARCHAR",
        "is_redelivered": "coalesce({is_redelivered}, CASE WHEN {original} <> {message_key} THEN 'true' END)",
    },
)
