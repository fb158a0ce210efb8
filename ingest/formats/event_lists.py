"""Events that stand together in one object, in a list: each is read as a record of its own.

`Records` of AWS CloudTrail, S3 and Lambda, `Messages` of `aws sqs receive-message`, `logEvents` of
CloudWatch Logs, `records` of Azure's diagnostic logs, `items` of `kubectl get -o json`, `events` of exports
and of Temporal's histories, `entries` of EventStoreDB's feeds, which have the newest first, and other names
of lists where nothing stands beside them. What stands beside the list is kept with the first. Of CloudWatch
Logs the group is the service, the stream the node, and a message may be any record.
Source: AWS documentation, "CloudTrail record contents", "Using CloudWatch Logs subscription filters";
Kubernetes API, lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from ingest.formats import exact
from ingest.formats.base import Envelope, Shape, Transcoder, made
from ingest.formats.step_functions import of_execution
from ingest.formats.temporal_history import of_run

_LISTS: Final = {
    **dict.fromkeys(("Records", "records", "Messages", "messages", "Events", "logs"), frozenset[str]()),
    "entries": frozenset(
        {"title", "id", "updated", "author", "links", "streamId", "headOfStream", "selfUrl", "eTag"}
    ),
    "events": frozenset({"nextForwardToken", "nextBackwardToken", "nextToken", "searchedLogStreams"}),
    "items": frozenset({"apiVersion", "kind", "metadata"}),
    "logEvents": frozenset(
        {"messageType", "owner", "logGroup", "logStream", "subscriptionFilters", "policyLevel"}
    ),
}
"""Key of the list -> what may stand beside it; what has other keys is a record itself."""
_OF_TEXTS: Final = frozenset({"events", "logEvents"})


def is_one(shape: Shape) -> bool:
    """Whether records with these keys are events in a list, with nothing beside it that is their own."""
    keys = {path[0] for path in shape.paths if not path[0].startswith("@")}
    if shape.has("@event_lists"):  # what was in a list, or is none
        return False
    return any(name in keys and keys <= beside | {name} for name, beside in _LISTS.items())


def _transcode(record: bytes) -> Iterator[dict[str, Any] | bytes]:
    content = exact.loads(record)
    [name] = [name for name in _LISTS if name in content][:1]
    listed = content.pop(name)
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        yield {"event": orjson.dumps({**content, name: listed}).decode()}
        return
    if "selfUrl" in content:
        listed.reverse()
    around = {key: content[key] for key in ("logGroup", "logStream") if key in content}
    for number, one in enumerate(of_execution(of_run(listed))):
        beside = around if number else content
        if name in _OF_TEXTS and isinstance(one.get("message"), str) and "timestamp" in one:
            rest = {key: value for key, value in one.items() if key != "message"}
            yield {"event": one["message"], **beside, **rest}
        elif one and not beside:
            yield orjson.dumps(one)
        else:
            yield {"event": orjson.dumps(one).decode(), **beside}


FORMAT = Transcoder(
    name="event_lists",
    format=Envelope(
        name="event_lists",
        match=lambda _: False,
        held=("event",),
        format=made(
            name="event_lists",
            fields={
                "event_id": ("id", "eventId"),
                "occurred_at": "timestamp",
                "service": "logGroup",
                "node": "logStream",
                "message": "event",
            },
            computed={"message": "rtrim({message}, chr(13) || chr(10))"},
        ),
        about={
            "event_id": "coalesce({id}, {event})",
            "occurred_at": "{time}",
            "service": "{group}",
            "node": "{stream}",
        },
        inputs={
            "id": ("id",),
            "event": ("eventId",),
            "time": ("timestamp",),
            "group": ("logGroup",),
            "stream": ("logStream",),
        },
    ),
    match_json=is_one,
    transcode=_transcode,
)
