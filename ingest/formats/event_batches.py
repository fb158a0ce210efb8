"""Events that one sent together, with who sent them and when beside the list: each is a record of its own.

`events`, `records`, `messages`, `batch` or `logs` as clients and collectors send them. Only where all in the
list have an id and a time are they events, and a type where what stands beside the list may be anything but
an event or a log line itself: else the list is part of the record that it stands in. The service
and node of the batch are theirs, where they say none; what stands beside the list is kept with the first.
Source: batches of Segment, "HTTP Tracking API"; bodies that collectors of applications take.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from ingest.formats import exact
from ingest.formats.base import Envelope, Shape, Transcoder, made
from ingest.vocabulary import GENERIC, normalise

_LISTS: Final = ("events", "records", "messages", "batch", "logs", "Events", "Records", "Messages")
"""Keys of lists that batches are in."""
_BESIDE: Final = frozenset(
    {
        "app", "appid", "appname", "application", "batchid", "batchsize", "client", "clientid", "context",
        "count", "env", "environment", "headers", "host", "hostname", "instance", "meta", "metadata", "node",
        "producer", "receivedat", "requestid", "schema", "schemaversion", "sdk", "sentat", "service",
        "servicename", "size", "source", "timestamp", "total", "version", "writekey",
    }
)  # fmt: skip
"""Words for what stands beside such a list."""
_OF_EVENTS: Final = ("event_id", "event_type", "causation_id", "parent_id", "severity")
"""Roles that what is an event or a log line itself has: a list in it is its own."""
_SAID: Final = frozenset({"message", "msg"})
"""What only a log line has, in these words."""
_OF_ALL: Final = ("service", "node")
"""Roles that a batch fills for its events."""


def _match(shape: Shape) -> bool:
    if shape.has("@event_batches"):
        return False
    keys = {path[0] for path in shape.paths if not path[0].startswith("@")}
    beside = keys.difference(_LISTS)
    return len(keys) == len(beside) + 1 and (_is_of_a_batch(beside) or _is_no_event(beside))


def _is_of_a_batch(beside: Iterable[str]) -> bool:
    return _BESIDE.issuperset(map(normalise, beside))


def _is_no_event(beside: Collection[str]) -> bool:
    is_said = not _SAID.isdisjoint(map(normalise, beside))
    return not is_said and GENERIC.roles((key,) for key in beside).keys().isdisjoint(_OF_EVENTS)


def _is_told(record: bytes) -> bool:
    try:
        content = exact.loads(record)
    except ValueError:
        return False
    is_sure = _is_of_a_batch(content.keys() - set(_LISTS))
    return any(_are_events(content[name], is_sure=is_sure) for name in _LISTS if name in content)


def _are_events(listed: Any, *, is_sure: bool) -> bool:
    """Whether all say their ids and times, and types unless it is sure that they are in a batch."""
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return False
    named = (GENERIC.roles((key,) for key in one) for one in listed)
    needed = {"event_id", "occurred_at"} if is_sure else {"event_id", "occurred_at", "event_type"}
    return bool(listed) and all(needed <= roles.keys() for roles in named)


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
    [listed] = [content.pop(name) for name in _LISTS if name in content]
    of_all = _of_all(content)
    for number, one in enumerate(listed):
        event = orjson.dumps(_told(one, of_all))
        yield event if number else {"event": event.decode(), **content}


FORMAT = Transcoder(
    name="event_batches",
    format=Envelope(
        name="event_batches",
        match=lambda _: False,
        held=("event",),
        format=made(name="event_batches", fields={"message": "event"}),
    ),
    match_json=_match,
    is_told=_is_told,
    transcode=_transcode,
    is_last=True,
)
