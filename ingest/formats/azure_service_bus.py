"""Messages of Azure Service Bus as its SDKs and Functions write them in JSON.

The subject (once called label) says what a message is, no stream; the session orders. The sequence number is
that of the entity, whose name is not written, and has holes in every session. Source: Azure Service Bus
documentation, "Messages, payloads, and serialization".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC

_TELLING = (
    ("messageId", "enqueuedTimeUtc", "deliveryCount"),
    ("MessageId", "EnqueuedTimeUtc", "DeliveryCount"),
    ("messageId", "lockToken", "deliveryCount"),
    ("MessageId", "LockToken", "DeliveryCount"),
    ("messageId", "enqueuedTime", "deliveryCount"),
    ("MessageId", "EnqueuedTime", "DeliveryCount"),
)


def _match(shape: Shape) -> Path | None:
    return next((place for names in _TELLING if (place := shape.envelope(*names)) is not None), None)


def _without_subject(role: str) -> tuple[str, ...]:
    return tuple(name for name in NAMES[role] if name != "subject")


FORMAT = JsonFormat(
    name="azure_service_bus",
    priority=175,
    match=_match,
    by_value=True,
    # Messages of a subject may be all that are in a queue: values would tell it for the key of the numbers.
    fields={"stream_key": (), "sequence": ()},
    named={"stream_key", "sequence"},
    vocabulary=GENERIC.changed(
        stream=(*_without_subject("stream"), "entity_path"),
        stream_key=("session_id", *_without_subject("stream_key")),
        event_type=(*NAMES["event_type"], "subject", "label"),
        sequence=(),
        broker_sequence=(),
    ),
)
