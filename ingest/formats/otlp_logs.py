"""OTLP/JSON logs: one `LogsData` per line, as the file exporter writes them.

Attributes mean what they are called: `messaging.*` of the semantic conventions, and the names any JSON
line is read by. A log record is named by `log.record.uid`, else by the message or event that its
attributes name. Where they name no cause and no flow, the span it was written in is its cause, its
trace the flow. Without a text the number names the severity. A body that is an object, or the text of
one, is the record that was written: its fields mean what they are called as well. Source: OTLP;
OpenTelemetry logs data model; OpenTelemetry semantic conventions, messaging.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

from ingest.formats import exact, otlp
from ingest.formats.base import JsonFormat, Transcoder
from ingest.formats.otlp import Json
from ingest.names import NAMES
from ingest.vocabulary import GENERIC

_MADE = ("@record", "@id", "@type", "@text", "@severity", *otlp.COMMON)
_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_NUMBERS_PER_LEVEL = 4


def _severity(number: Any) -> str | None:
    """The name of a severity number, without which of the four of its range it is."""
    if isinstance(number, str):
        name = number.removeprefix("SEVERITY_NUMBER_").rstrip("234")
        return name if name in _LEVELS else None
    if not isinstance(number, int) or not 0 < number <= _NUMBERS_PER_LEVEL * len(_LEVELS):
        return None
    return _LEVELS[(number - 1) // _NUMBERS_PER_LEVEL]


def _log(common: Json, record: Json) -> Json:
    about = otlp.attributes(record.pop("attributes", None))
    body = otlp.value(record.pop("body", None))
    written = _written(body)
    is_text = isinstance(body, str) and written is None
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        if record.get(name) in (0, "0"):
            del record[name]
    observed = None
    if written and "timeUnixNano" not in record and _says_when(tuple(written)):
        observed = record.pop("observedTimeUnixNano", None)
    made = {
        "@id": about.get("log.record.uid"),
        "@type": record.get("eventName") or about.get("event.name"),
        "@text": body if is_text else None,
        "@severity": None if record.get("severityText") else _severity(record.get("severityNumber")),
        "traceId": otlp.known_id(record.get("traceId")),
        "spanId": otlp.known_id(record.get("spanId")),
        "@record": written,
        "body": None if is_text else body,
        "observed": observed,
        "attributes": about,
    }
    record.update(common)
    return otlp.put(record, made)


def _written(body: Any) -> Json | None:
    """The record that a body is, or the text of one: what a log file held that a collector read."""
    if isinstance(body, str) and body.lstrip().startswith('{"'):
        try:
            body = exact.loads(body.encode())
        except ValueError:
            return None
    return body if isinstance(body, dict) else None


@lru_cache(maxsize=1024)
def _says_when(keys: tuple[str, ...]) -> bool:
    """Whether a record with these fields has a time of its own, which goes before that of who read it."""
    return "occurred_at" in GENERIC.roles((key,) for key in keys)


def _transcode(line: bytes) -> Iterator[Json]:
    for common, entry in otlp.scoped(line, "Logs", "logRecords", "logs"):
        yield _log(common, entry)


_MAPPED = JsonFormat(
    name="otlp_logs",
    priority=0,
    match=lambda _: None,
    by_value=True,
    fields={
        "event_id": (("@id",),),
        "occurred_at": (("timeUnixNano",), ("observedTimeUnixNano",)),
        "service": (("@service",),),
        "node": (("@node",),),
        "event_type": (("@type",),),
        "severity": (("severityText",), ("@severity",)),
        "message": (("@text",),),
        # What the record's resource is, is no lock.
        "lock_resource": tuple(("attributes", name) for name in NAMES["lock_resource"]),
    },
    named={"event_id", "occurred_at", "service", "node", "event_type", "severity", "message"},
    vocabulary=GENERIC.changed(
        event_id=(*otlp.MESSAGES, *NAMES["event_id"]),
        stream=(*otlp.STREAMS, *NAMES["stream"]),
        stream_key=(*otlp.KEYS, *NAMES["stream_key"], *otlp.PARTITIONS),
        broker_sequence=(*otlp.OFFSETS, *NAMES["broker_sequence"]),
        attempt=(*otlp.ATTEMPTS, *NAMES["attempt"]),
        parent_id=(*NAMES["parent_id"], "span_id"),
    ),
    inputs={"schema": ("@schema",)},
    derived={"schema_version": "coalesce({schema_version}, {schema})"},
    made=_MADE,
)

FORMAT = Transcoder(
    name="otlp_logs",
    format=_MAPPED,
    match_json=lambda shape: shape.has("resourceLogs") or shape.has("resource_logs"),
    known_by='{"resourceLogs":[',
    transcode=_transcode,
    opaque=otlp.OPAQUE,
    cut=partial(otlp.cut, records="logRecords"),
)
