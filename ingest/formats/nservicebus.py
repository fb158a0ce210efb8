"""NServiceBus: the headers of a message, in an object of a log line or as its own fields.

`RelatedTo` names the message that was being handled, `ConversationId` the flow (`CorrelationId` pairs a
request with its reply). The first of `EnclosedMessageTypes` is the type, its `Version=` that of the
schema. Headers that say when it was processed, or failed, are those of an audit or error queue: then
the event is that. Times are written `yyyy-MM-dd HH:mm:ss:ffffff Z`. Source: NServiceBus documentation,
"Message Headers".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_PREFIX = "NServiceBus."
_TELLING = tuple(
    _PREFIX + name
    for name in ("MessageId", "ConversationId", "RelatedTo", "EnclosedMessageTypes", "TimeSent")
)


def _match(shape: Shape) -> Path | None:
    found = {path[:-1] for path in shape.paths if path[-1] in _TELLING}
    return min(found, key=lambda place: (len(place), place), default=None)


def _header(name: str) -> Path:
    return (_PREFIX + name,)


def _iso(text: str) -> str:
    """A time as its headers have it, in a notation that is read faster."""
    return (
        f"CASE WHEN length({text}) = 28 AND substr({text}, 20, 1) = ':' AND ends_with({text}, ' Z')"
        f" THEN substr({text}, 1, 10) || 'T' || substr({text}, 12, 8) || '.' || substr({text}, 21, 6) || 'Z'"
        f" ELSE {text} END"
    )


FORMAT = JsonFormat(
    name="nservicebus",
    priority=210,
    match=_match,
    fields={
        "event_id": (_header("MessageId"),),
        "occurred_at": (),
        "event_type": (),
        "causation_id": (_header("RelatedTo"),),
        "parent_id": (),
        "correlation_id": (_header("ConversationId"),),
        "stream": (_header("FailedQ"),),
        "message": (_header("ExceptionInfo.Message"),),
    },
    named={"event_id", "occurred_at", "stream", "message"},
    inputs={
        "types": _header("EnclosedMessageTypes"),
        "sent": _header("TimeSent"),
        "started": _header("ProcessingStarted"),
        "failed": _header("TimeOfFailure"),
        "sender": _header("OriginatingEndpoint"),
        "sender_machine": _header("OriginatingMachine"),
        "receiver": _header("ProcessingEndpoint"),
        "receiver_machine": _header("ProcessingMachine"),
        "retries": _header("Retries"),
        "exception": _header("ExceptionInfo.ExceptionType"),
    },
    prepared={"told": "coalesce({started}, {failed}, {sent})"},
    derived={
        "occurred_at": f"coalesce({{occurred_at}}, {_iso('{told}')})",
        "event_type": "nullif(trim(regexp_extract({types}, '^[^,;]+')), '')",
        "schema_version": (
            "coalesce({schema_version},"
            " nullif(regexp_extract({types}, '^[^;]*?\\bVersion=([\\w.+-]+)', 1), ''))"
        ),
        "service": "coalesce({service}, {receiver}, {sender})",
        "node": "coalesce({node}, {receiver_machine}, {sender_machine})",
        "operation": (
            "coalesce({operation}, CASE WHEN coalesce({started}, {failed}) IS NOT NULL THEN 'process' END)"
        ),
        "attempt": "coalesce({attempt}, (try_cast({retries} AS INTEGER) + 1)::VARCHAR)",
        "severity": "coalesce({severity}, CASE WHEN {exception} IS NOT NULL THEN 'ERROR' END)",
    },
)
