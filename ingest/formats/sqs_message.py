"""Messages of Amazon SQS as its API hands them out (`aws sqs receive-message`): the body as a text.

The body is read again as a record of its own: a notification of SNS, an event of EventBridge, any JSON.
What the queue says of the message fills what that does not say; attributes that the sender wrote
(`MessageAttributes`) go before it. `SequenceNumber` has holes, so it tells no loss, and is kept. Source:
Amazon SQS documentation, ReceiveMessage and "Message metadata".
"""

from __future__ import annotations

from ingest.formats.base import Envelope, Shape, made
from ingest.names import Path

_TRACE = "nullif(regexp_extract({trace}, 'Root=([^;]+)', 1), '')"
_QUEUE = "nullif(regexp_extract({queue}, '[^:]+$'), '')"


def enveloped(name: str, spelled: str, queue: str) -> Envelope:
    """The envelope of one of the spellings of its keys; `spelled` is that of the body's."""

    def key(words: str) -> str:
        return words if spelled == "Body" else words[0].lower() + words[1:]

    body, attributes, headers = key("Body"), key("Attributes"), key("MessageAttributes")
    inputs: dict[str, Path] = {
        "id": (key("MessageId"),),
        "queue": (queue,),
        "sent": (attributes, "SentTimestamp"),
        "received": (attributes, "ApproximateReceiveCount"),
        "group": (attributes, "MessageGroupId"),
        "trace": (attributes, "AWSTraceHeader"),
    }
    about = {
        "event_id": "{id}",
        "occurred_at": "{sent}",
        "stream": _QUEUE,
        "stream_key": "{group}",
        "attempt": "{received}",
        "correlation_id": _TRACE,
    }

    def match(shape: Shape) -> bool:
        return shape.has(body, key("MessageId"), key("ReceiptHandle"))

    return Envelope(
        name=name,
        match=match,
        held=(body,),
        format=made(
            name=name,
            fields={"event_id": key("MessageId"), "message": body},
            inputs={
                role: path for role, path in inputs.items() if role in {"sent", "received", "group", "queue"}
            },
            derived={
                "occurred_at": "{sent}",
                "stream": _QUEUE,
                "stream_key": "{group}",
                "attempt": "{received}",
            },
        ),
        about=about,
        headers=headers,
        inputs=inputs,
    )


FORMAT = enveloped("sqs_message", "Body", "QueueUrl")
