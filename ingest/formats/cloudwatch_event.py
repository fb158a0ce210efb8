"""Events of CloudWatch Logs by themselves: a time, and what was written in `message`, read as a record.

So `aws logs` and exports have them, one per line; objects with a list of them are event_lists.py. The group
is the service and the stream the node, where the record names none. Source: CloudWatch Logs API Reference,
OutputLogEvent and FilteredLogEvent.
"""

from ingest.formats.base import Envelope, Shape, made
from ingest.names import Path

_BESIDE = frozenset(
    {"timestamp", "message", "ingestionTime", "eventId", "id", "logGroup", "logGroupName", "logStream",
     "logStreamName"}
)  # fmt: skip
_GROUPS, _STREAMS, _IDS = ("logGroup", "logGroupName"), ("logStream", "logStreamName"), ("eventId", "id")
_INPUTS: dict[str, Path] = {name: (name,) for name in (*_GROUPS, *_STREAMS, *_IDS, "timestamp")}
_ABOUT = {
    "occurred_at": "{timestamp}",
    "event_id": "coalesce({eventId}, {id})",
    "service": "coalesce({logGroup}, {logGroupName})",
    "node": "coalesce({logStream}, {logStreamName})",
}


def _match(shape: Shape) -> bool:
    keys = {path[0] for path in shape.paths}
    is_of_the_api = not keys.isdisjoint({"ingestionTime", "eventId", *_GROUPS, *_STREAMS})
    return shape.has("timestamp", "message") and keys <= _BESIDE and (is_of_the_api or len(keys) == 2)  # noqa: PLR2004 - a time and a text


FORMAT = Envelope(
    name="cloudwatch_event",
    match=_match,
    held=("message",),
    format=made(
        name="cloudwatch_event",
        fields={
            "event_id": _IDS,
            "occurred_at": "timestamp",
            "service": _GROUPS,
            "node": _STREAMS,
            "message": "message",
        },
        computed={"message": "rtrim({message}, chr(13) || chr(10))"},
    ),
    about=_ABOUT,
    inputs=_INPUTS,
)
