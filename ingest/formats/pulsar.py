"""Messages of Apache Pulsar as consumers log them: the fields of a `Message` as JSON.

`eventTime` is 0 where the producer said none; then it is the time of publishing. A producer numbers its
messages, so that it is the epoch beside the key, and `redeliveryCount` counts from 0. Source: Pulsar
documentation, "Messaging"; Java client, `Message`.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_TIMES = ("event_time", "publish_time")


def _match(shape: Shape) -> Path | None:
    is_message = shape.names("message_id") and (shape.names("topic") or shape.names("topic_name"))
    return () if is_message and shape.names(*_TIMES) else None


FORMAT = JsonFormat(
    name="pulsar",
    priority=285,
    match=_match,
    by_value=True,
    fields={
        "occurred_at": (),
        "event_type": (("eventType",), ("type",)),
    },
    named={"event_type"},
    inputs={
        "said": ("eventTime",),
        "said_so": ("event_time",),
        "published": ("publishTime",),
        "published_so": ("publish_time",),
        "redelivered": ("redeliveryCount",),
        "redelivered_so": ("redelivery_count",),
    },
    derived={
        "occurred_at": "coalesce(nullif(coalesce({said}, {said_so}), '0'), {published}, {published_so})",
        "attempt": (
            "coalesce({attempt},"
            " (try_cast(coalesce({redelivered}, {redelivered_so}) AS INTEGER) + 1)::VARCHAR)"
        ),
    },
)
