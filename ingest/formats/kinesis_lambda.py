"""Records of Amazon Kinesis as AWS Lambda gets them: the data in base64, below `kinesis`.

The data is read again as a record of its own. Sequence numbers have holes and 56 digits, so they tell no
loss, and are kept. Source: AWS Lambda documentation, "Using Lambda with Kinesis".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ingest.formats import exact
from ingest.formats.base import Envelope, Transcoder, made
from ingest.formats.base64_text import decoded

_STREAM: Final = "nullif(regexp_extract({source}, '[^/]+$'), '')"


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    content = exact.loads(record)
    inner = content.pop("kinesis", None)
    if not isinstance(inner, dict):
        raise ValueError("kinesis is no object")  # noqa: TRY004 - the reason of a reject
    yield {**content, **inner, "data": decoded(inner.get("data"))}


FORMAT = Transcoder(
    name="kinesis_lambda",
    format=Envelope(
        name="kinesis_lambda",
        match=lambda _: False,
        held=("data",),
        format=made(
            name="kinesis_lambda",
            fields={
                "event_id": "eventID",
                "occurred_at": "approximateArrivalTimestamp",
                "stream_key": "partitionKey",
                "message": "data",
            },
            inputs={"source": ("eventSourceARN",)},
            derived={"stream": _STREAM},
        ),
        about={
            "event_id": "{id}",
            "occurred_at": "{time}",
            "stream": _STREAM,
            "stream_key": "{key}",
        },
        inputs={
            "id": ("eventID",),
            "time": ("approximateArrivalTimestamp",),
            "key": ("partitionKey",),
            "source": ("eventSourceARN",),
        },
    ),
    match_json=lambda shape: shape.has("kinesis", "eventID", "eventSource"),
    holds=b'"partitionKey"',
    transcode=_transcode,
)
