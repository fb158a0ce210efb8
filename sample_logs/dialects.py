"""How a record is spelled in a line of a log file.

Services of one system seldom agree on that: most here write the canonical fields, `notify` writes
the Elastic Common Schema, `shipping` wraps the event in a CloudEvents envelope. Or all of them write one
of the DIALECTS that can say everything that a record holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
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


def _logged(record: Record, time: str, level: str, message: str) -> dict[str, Any]:
    """Fields of a logging library, whose own names stand for three of the record's."""
    own = {"time": time, "severity": level, "message": message}
    return {own.get(name, name): value for name, value in record.items()}


def structlog(record: Record) -> bytes:
    fields = _logged({"message": record["type"], **record}, "timestamp", "level", "event")
    return _line(fields | {"level": fields.get("level", "info").lower()})


def zap(record: Record) -> bytes:
    """Of Go: the time in seconds since 1970."""
    fields = _logged({"message": record["type"], **record}, "ts", "level", "msg")
    level = {"level": fields.pop("level", "info").lower()}
    moment = datetime.fromisoformat(record["time"])
    fields["ts"] = int(moment.timestamp()) + moment.microsecond / 1e6
    return _line(level | fields)


_BUNYAN_LEVELS = {"DEBUG": 20, "INFO": 30, "WARN": 40, "ERROR": 50}


def bunyan(record: Record) -> bytes:
    """Of Node.js: the name is the service, the host name the node."""
    kept = {name: value for name, value in record.items() if name not in ("service", "node")}
    fields = _logged({"message": record["type"], **kept}, "time", "level", "msg")
    head = {"v": 0, "name": record["service"], "hostname": record["node"], "pid": 1}
    return _line(head | fields | {"level": _BUNYAN_LEVELS[fields.get("level", "INFO")]})


_CLEF_LEVELS = {"DEBUG": "Debug", "INFO": "Information", "WARN": "Warning", "ERROR": "Error"}


def clef(record: Record) -> bytes:
    """Of Serilog: what it writes itself begins with an @."""
    fields = _logged({"message": record["type"], **record}, "@t", "@l", "@mt")
    return _line(fields | {"@l": _CLEF_LEVELS[fields.get("@l", "INFO")]})


def logfmt(record: Record) -> bytes:
    def value(found: Any) -> str:
        text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
        plain = text and not any(letter in ' ="\\' or letter < " " for letter in text)
        return text if plain else json.dumps(text, ensure_ascii=False)

    return " ".join(f"{name}={value(found)}" for name, found in record.items()).encode() + b"\n"


def docker(record: Record) -> bytes:
    """The canonical line as the json-file driver of docker keeps it."""
    return _line({"log": canonical(record).decode(), "stream": "stdout", "time": record["time"]})


def kubernetes(record: Record) -> bytes:
    """The canonical line as a container runtime of Kubernetes keeps it."""
    return f"{record['time']} stdout F ".encode() + canonical(record)


def journald(record: Record) -> bytes:
    """The canonical line as `journalctl -o json` gives it."""
    moment = datetime.fromisoformat(record["time"])
    microseconds = int(moment.timestamp()) * 1_000_000 + moment.microsecond
    fields = {"__REALTIME_TIMESTAMP": str(microseconds), "_HOSTNAME": record["node"], "_PID": "1"}
    return _line(fields | {"MESSAGE": canonical(record).decode().rstrip("\n")})


DIALECTS: Mapping[str, Dialect] = {
    one.__name__: one
    for one in (canonical, ecs, structlog, zap, bunyan, clef, logfmt, docker, kubernetes, journald)
}
"""Name -> dialect, of those in which every record of a story can be written."""
