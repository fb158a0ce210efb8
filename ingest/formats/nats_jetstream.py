"""NATS advisories and metrics, above all those of JetStream: `type` begins with `io.nats.`.

Most are about one message: stream and `stream_seq` name it, `deliveries` says how often it was
delivered, the consumer is who it was delivered to. Source: NATS documentation, "Monitoring
JetStream"; schemas of jsm.go.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_MARK = '"io.nats.'


def _match(shape: Shape) -> Path | None:
    return () if _MARK in shape.marks and shape.has("type", "id", "timestamp") else None


FORMAT = JsonFormat(
    name="nats_jetstream",
    priority=150,
    match=_match,
    mark=_MARK,
    by_name=False,
    fields={
        "event_id": (("id",),),
        "occurred_at": (("timestamp",),),
        "event_type": (("type",),),
        "service": (("consumer",),),
        "stream": (("stream",),),
        "broker_sequence": (("stream_seq",),),
        "attempt": (("deliveries",),),
        "message": (("reason",), ("error",)),
    },
    inputs={
        "server": ("server",),
        "server_name": ("server", "name"),
        "message_number": ("stream_seq",),
    },
    derived={
        "operation": (
            "CASE WHEN regexp_matches({event_type}, '\\.(nak|terminated|consumer_ack)$') THEN 'settle'"
            " WHEN ends_with({event_type}, '_action') THEN 'change' END"
        ),
        "node": "coalesce({server_name}, CASE WHEN NOT starts_with({server}, '{{') THEN {server} END)",
        "message_id": "{stream} || '/' || {message_number}",
    },
)
