"""Notifications of Amazon SNS as it delivers them: the message as a text, read again as a record of its own.

Topic, time and id fill what it does not say; attributes that the sender wrote go before it. Source:
Amazon SNS documentation, "Parsing Amazon SNS message formats".
"""

from ingest.formats.base import Envelope, made

_TOPIC = "nullif(regexp_extract({topic}, '[^:]+$'), '')"

FORMAT = Envelope(
    name="sns_notification",
    match=lambda shape: shape.has("Type", "MessageId", "TopicArn", "Message"),
    held=("Message",),
    format=made(
        name="sns_notification",
        fields={"event_id": "MessageId", "occurred_at": "Timestamp", "message": "Message"},
        inputs={"topic": ("TopicArn",), "subject": ("Subject",)},
        derived={"stream": _TOPIC, "event_type": "{subject}"},
    ),
    about={
        "event_id": "{id}",
        "occurred_at": "{time}",
        "stream": _TOPIC,
    },
    headers="MessageAttributes",
    inputs={"id": ("MessageId",), "time": ("Timestamp",), "topic": ("TopicArn",)},
)
