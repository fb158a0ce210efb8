"""Events that stand together in one object, in a list: each is read as a record of its own.

`Records` of AWS CloudTrail, S3 and Lambda, `Messages` of `aws sqs receive-message`, `logEvents` of
CloudWatch Logs, `records` of Azure's diagnostic logs, `items` of `kubectl get -o json`, `events` of exports
and of Temporal's histories, `entries` of EventStoreDB's feeds, which have the newest first, and other names
of lists where nothing stands beside them, or what says of a batch who sent it and when: its service and node
are those of all its events. What stands beside the list is kept with the first. Of CloudWatch
Logs the group is the service, the stream the node, and a message may be any record.
Source: AWS documentation, "CloudTrail record contents", "Using CloudWatch Logs subscription filters";
Kubernetes API, lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from ingest.formats import exact
from ingest.formats.base import Envelope, Shape, Transcoder, made
from ingest.formats.step_functions import of_execution
from ingest.formats.temporal_history import of_run
from ingest.vocabulary import GENERIC, normalise

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
_BATCHES: Final = ("events", "records", "messages", "batch", "logs", "Events", "Records", "Messages")
"""Keys of lists that batches are in, as clients and collectors send them."""
_OF_A_BATCH: Final = frozenset(
    {
        "app", "appid", "appname", "application", "batchid", "batchsize", "client", "clientid", "context",
        "count", "env", "environment", "headers", "host", "hostname", "instance", "meta", "metadata", "node",
        "producer", "receivedat", "requestid", "schema", "schemaversion", "sdk", "sentat", "service",
        "servicename", "size", "source", "timestamp", "total", "version", "writekey",
    }
)  # fmt: skip
"""Words for what stands beside such a list."""
_OF_ALL: Final = ("service", "node")
"""Roles that a batch fills for its events."""
_OF_TEXTS: Final = frozenset({"events", "logEvents"})


def is_one(shape: Shape) -> bool:
    """Whether records with these keys are events in a list, with nothing beside it that is their own."""
    if shape.has("@event_lists"):  # what was in a list, or is none
        return False
    keys = _own(path[0] for path in shape.paths)
    return _is_list(keys) or _is_batch(keys)


def _own(keys: Iterable[str]) -> set[str]:
    """The keys that are not of what a record was in."""
    return {key for key in keys if not key.startswith("@")}


def _is_list(keys: set[str]) -> bool:
    return any(name in keys and keys <= beside | {name} for name, beside in _LISTS.items())


def _is_batch(keys: set[str]) -> bool:
    beside = keys.difference(_BATCHES)
    return len(keys) == len(beside) + 1 and _OF_A_BATCH.issuperset(map(normalise, beside))


def _are_events(listed: Iterable[Mapping[str, Any]]) -> bool:
    """Whether all name themselves and say when they were: other lists are part of what they stand in."""
    named = (GENERIC.roles((key,) for key in one) for one in listed)
    return all("event_id" in roles and "occurred_at" in roles for roles in named)


def _of_all(content: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Role -> the field that fills it for every event of a batch."""
    named = GENERIC.roles((key,) for key, value in content.items() if isinstance(value, str))
    return {role: {named[role][0][0]: content[named[role][0][0]]} for role in _OF_ALL if role in named}


def _told(one: dict[str, Any], of_all: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    """An event with what its batch says of it, where it does not say so itself."""
    named = GENERIC.roles((key,) for key in one) if of_all else {}
    for role, said in of_all.items():
        one = one if role in named else {**said, **one}
    return one


def _transcode(record: bytes) -> Iterator[dict[str, Any] | bytes]:
    content = exact.loads(record)
    [name] = [name for name in (*_LISTS, *_BATCHES) if name in content][:1]
    is_batch = not _is_list(_own(content))
    listed = content.pop(name)
    are_objects = isinstance(listed, list) and listed and all(isinstance(one, dict) for one in listed)
    if not are_objects or (is_batch and not _are_events(listed)):
        yield {"event": orjson.dumps({**content, name: listed}).decode()}
        return
    if "selfUrl" in content:
        listed.reverse()
    around = {key: content[key] for key in ("logGroup", "logStream") if key in content}
    of_all = _of_all(content) if is_batch else {}
    listed = [_told(one, of_all) for one in listed]
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
