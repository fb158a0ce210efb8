"""Rebus: the headers of a message (`rbs2-msg-id` ...), in an object of a log line or as its own fields.

`rbs2-in-reply-to` names the message that is answered, `rbs2-corr-id` the flow. `rbs2-corr-seq` counts
how deep in the flow a message is, not the messages of a queue. Source: Rebus documentation, "Message
headers".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path


def _match(shape: Shape) -> Path | None:
    found = {path[:-1] for path in shape.paths if path[-1] == "rbs2-msg-id"}
    return min(found, key=lambda place: (len(place), place), default=None)


FORMAT = JsonFormat(
    name="rebus",
    priority=215,
    match=_match,
    fields={
        "event_id": (("rbs2-msg-id",),),
        "occurred_at": (("rbs2-senttime",),),
        "event_type": (),
        "causation_id": (("rbs2-in-reply-to",),),
        "correlation_id": (("rbs2-corr-id",),),
        "service": (("rbs2-sender-address",), ("rbs2-return-address",)),
        "stream": (("rbs2-source-queue",),),
    },
    named={"causation_id", "stream"},
    inputs={"deliveries": ("rbs2-delivery-count",), "type": ("rbs2-msg-type",)},
    derived={
        "attempt": "coalesce({attempt}, {deliveries})",
        "event_type": "nullif(trim(split_part({type}, ',', 1)), '')",
    },
)
