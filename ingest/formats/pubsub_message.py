"""Messages of Google Pub/Sub, as they are pushed (`subscription`) and pulled (`ackId`): the data in base64.

The data is read again as a record of its own; attributes that the sender wrote mean what their names say,
and go before it. Source: Google Cloud documentation, "Push subscriptions", PubsubMessage,
`gcloud pubsub subscriptions pull --format=json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ingest.formats import exact
from ingest.formats.base import Envelope, Shape, Transcoder, made
from ingest.formats.base64_text import decoded

_BESIDE: Final = frozenset({"subscription", "ackId", "deliveryAttempt"})
_SUBSCRIPTION: Final = "nullif(regexp_extract({subscription}, '[^/]+$'), '')"
_ROLES: Final = {
    "event_id": "{id}",
    "occurred_at": "{time}",
    "stream": _SUBSCRIPTION,
    "stream_key": "{key}",
    "attempt": "{delivery}",
}


def _match(shape: Shape) -> bool:
    keys = {path[0] for path in shape.paths}
    return shape.has("message") and keys <= {"message", *_BESIDE} and bool(keys & {"subscription", "ackId"})


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    content = exact.loads(record)
    message = content.pop("message", None)
    if not isinstance(message, dict):
        raise ValueError("a message that is no object")  # noqa: TRY004 - the reason of a reject
    yield {**content, **message, "data": decoded(message.get("data"))}


FORMAT = Transcoder(
    name="pubsub_message",
    format=Envelope(
        name="pubsub_message",
        match=lambda _: False,
        held=("data",),
        format=made(
            name="pubsub_message",
            fields={
                "event_id": "messageId",
                "occurred_at": "publishTime",
                "stream_key": "orderingKey",
                "attempt": "deliveryAttempt",
                "message": "data",
            },
            inputs={"subscription": ("subscription",)},
            derived={"stream": _SUBSCRIPTION},
        ),
        about=_ROLES,
        headers="attributes",
        inputs={
            "id": ("messageId",),
            "time": ("publishTime",),
            "key": ("orderingKey",),
            "delivery": ("deliveryAttempt",),
            "subscription": ("subscription",),
        },
    ),
    match_json=_match,
    holds=b'"messageId"',
    transcode=_transcode,
)
