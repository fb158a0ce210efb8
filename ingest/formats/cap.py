"""CAP for .NET (DotNetCore.CAP): the headers of a message, `cap-msg-id` and others, in an object or alone.

`cap-corr-id` names the message to which this one is the answer, and the message itself where it is none;
`cap-corr-seq` counts answers to answers, and numbers nothing else. `cap-msg-name` is the topic,
`cap-msg-group` who consumes it. Source: CAP documentation, "Message"; `DotNetCore.CAP.Messages.Headers`.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path


def _match(shape: Shape) -> Path | None:
    return shape.envelope("cap-msg-id", "cap-msg-name")


FORMAT = JsonFormat(
    name="cap",
    priority=215,
    match=_match,
    fields={
        "event_id": (("cap-msg-id",),),
        "occurred_at": (("cap-senttime",),),
        "event_type": (("cap-msg-type",), ("cap-msg-name",)),
        "stream": (("cap-msg-name",),),
        "stream_key": (("cap-kafka-key",),),
        "service": (("cap-msg-group",),),
        "node": (("cap-exec-instance-id",),),
        "causation_id": (("cap-corr-id",),),
        "parent_id": (),
        "correlation_id": (),
        "sequence": (),
        "message": (("cap-exception",),),
    },
    named={"occurred_at", "stream_key", "service", "node", "message"},
    derived={"causation_id": "nullif({causation_id}, {event_id})"},
)
