"""Records as logging libraries write them: the time, the level and the text under names of their own."""

from __future__ import annotations

import json
from typing import Any

from spelling import Record, line_of, microseconds_of, text_of


def _logged(record: Record, time: str, level: str, message: str) -> dict[str, Any]:
    """Fields of a logging library, whose own names stand for three of the record's."""
    own = {"time": time, "severity": level, "message": message}
    return {own.get(name, name): value for name, value in record.items()}


def structlog(record: Record) -> bytes:
    """Of Python: the text is the type of what has no other text."""
    fields = _logged({"message": record["type"], **record}, "timestamp", "level", "event")
    if "message" not in record:
        del fields["type"]
    return line_of(fields | {"level": fields.get("level", "info").lower()})


def zap(record: Record) -> bytes:
    """Of Go: the time in seconds since 1970."""
    fields = _logged({"message": record["type"], **record}, "ts", "level", "msg")
    level = {"level": fields.pop("level", "info").lower()}
    fields["ts"] = microseconds_of(record) / 1e6
    return line_of(level | fields)


_BUNYAN_LEVELS = {"DEBUG": 20, "INFO": 30, "WARN": 40, "ERROR": 50, "FATAL": 60}


def bunyan(record: Record) -> bytes:
    """Of Node.js: the name is the service, the host name the node."""
    kept = {name: value for name, value in record.items() if name not in ("service", "node")}
    fields = _logged({"message": record["type"], **kept}, "time", "level", "msg")
    head = {"v": 0, "name": record["service"], "hostname": record["node"], "pid": 1}
    return line_of(head | fields | {"level": _BUNYAN_LEVELS[fields.get("level", "INFO")]})


_CLEF_LEVELS = {
    "DEBUG": "Debug",
    "INFO": "Information",
    "WARN": "Warning",
    "ERROR": "Error",
    "FATAL": "Fatal",
}


def clef(record: Record) -> bytes:
    """Of Serilog: what it writes itself begins with an @."""
    fields = _logged({"message": record["type"], **record}, "@t", "@l", "@mt")
    return line_of(fields | {"@l": _CLEF_LEVELS[fields.get("@l", "INFO")]})


def logfmt(record: Record) -> bytes:
    def value(found: Any) -> str:
        text = text_of(found)
        plain = text and not any(letter in ' ="\\' or letter < " " for letter in text)
        return text if plain else json.dumps(text, ensure_ascii=False)

    return " ".join(f"{name}={value(found)}" for name, found in record.items()).encode() + b"\n"


_LIBRARY = {"time", "severity", "message"}
"""What a library says itself of each record."""


def _beside(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _LIBRARY}


def loguru(record: Record) -> bytes:
    """Of Python, with `serialize=True`: what is bound stands in `extra`."""
    level, text = record.get("severity", "INFO"), record.get("message", record["type"])
    own = {
        "elapsed": {"repr": "0:00:01", "seconds": 1.0},
        "extra": _beside(record),
        "level": {"name": level, "no": 20},
        "message": text,
        "name": "shop",
        "process": {"id": 1, "name": "MainProcess"},
        "time": {"repr": record["time"], "timestamp": microseconds_of(record) / 1e6},
    }
    return line_of({"text": f"{record['time']} | {level} | {text}\n", "record": own})


def log4j(record: Record) -> bytes:
    """Of Java: what stands in its `contextMap` are texts."""
    seconds, microseconds = divmod(microseconds_of(record), 1_000_000)
    context = {name: text_of(value) for name, value in _beside(record).items()}
    return line_of(
        {"instant": {"epochSecond": seconds, "nanoOfSecond": microseconds * 1000}, "thread": "main",
         "level": record.get("severity", "INFO"), "loggerName": "shop",
         "message": record.get("message", record["type"]), "endOfBatch": False, "contextMap": context}
    )  # fmt: skip


def rust_tracing(record: Record) -> bytes:
    """Of Rust's `tracing`: the event in `fields`."""
    fields = {"message": record.get("message", record["type"]), **_beside(record)}
    head = {"timestamp": record["time"], "level": record.get("severity", "INFO")}
    return line_of({**head, "fields": fields, "target": "shop"})
