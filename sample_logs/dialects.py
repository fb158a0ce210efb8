"""How a record is spelled in a line of a log file.

Services of one system seldom agree on that: most here write the canonical fields, `notify` writes
the Elastic Common Schema, `shipping` wraps the event in a CloudEvents envelope.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Record = Mapping[str, Any]
"""Canonical field names, in the order of the line; fields without a value are left out."""
Dialect = Callable[[Record], bytes]


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def canonical(record: Record) -> bytes:
    return _line(record)


_ECS_NAMES = {
    "id": "event.id",
    "time": "@timestamp",
    "type": "event.name",
    "service": "service.name",
    "node": "service.node.name",
    "operation": "event.action",
    "stream": "messaging.destination.name",
    "partition_key": "message_key",
    "sequence": "event.sequence",
    "correlation_id": "trace.id",
    "entity": "object.id",
    "severity": "log.level",
}


def ecs(record: Record) -> bytes:
    """Dotted names of the Elastic Common Schema; what it has no name for keeps its own."""
    return _line({_ECS_NAMES.get(name, name): value for name, value in record.items()})


_CLOUDEVENTS_NAMES = {
    "id": "id",
    "service": "source",
    "type": "type",
    "entity": "subject",
    "partition_key": "partitionkey",
    "sequence": "sequence",
    "causation_id": "causationid",
    "correlation_id": "correlationid",
}


def cloudevents(record: Record) -> bytes:
    """A log line that carries the event in a CloudEvents 1.0 envelope."""
    event = {"specversion": "1.0"}
    event |= {spelled: record[name] for name, spelled in _CLOUDEVENTS_NAMES.items() if name in record}
    if "sequence" in event:
        event["sequence"] = str(event["sequence"])  # the extension is a string
    outer = {name: value for name, value in record.items() if name not in _CLOUDEVENTS_NAMES}
    # The source of an event is its producer; who logs that it arrived, and when, says the line.
    return _line({"service": record["service"], **outer, "event": event})
