"""OTLP/JSON logs: one `LogsData` per line, as the file exporter writes them.

A log record has no id of its own unless it carries `log.record.uid`; the span it was written
in is its cause, its trace the flow. Source: OTLP; OpenTelemetry logs data model.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.formats import otlp
from ingest.formats.base import JsonFormat, Transcoder
from ingest.formats.otlp import Json


def _log(common: Json, record: Json) -> Json:
    about = otlp.attributes(record.get("attributes"))
    body = otlp.value(record.get("body"))
    text = body if isinstance(body, str) else None
    known = {
        "id": about.get("log.record.uid"),
        "time": record.get("timeUnixNano") or record.get("observedTimeUnixNano"),
        "type": record.get("eventName") or about.get("event.name"),
        "parent": otlp.hex_id(record.get("spanId")),
        "correlation": otlp.hex_id(record.get("traceId")),
        "severity": record.get("severityText"),
        "message": text,
        "body": None if text is not None else body,
        "attributes": about,
    }
    mapped = {
        "attributes", "body", "timeUnixNano", "eventName", "spanId", "traceId", "severityText",
    }  # fmt: skip
    rest = {key: field for key, field in record.items() if key not in mapped}
    return otlp.present({**rest, **common, **known})


def _transcode(line: bytes) -> Iterator[Json]:
    record = otlp.load(line)
    for common, entry in otlp.scoped(record, "resourceLogs", "scopeLogs", "logRecords"):
        yield _log(common, entry)


_MAPPED = JsonFormat(
    name="otlp_logs",
    priority=0,
    match=lambda _: None,
    by_name=False,
    fields={
        "event_id": (("id",),),
        "occurred_at": (("time",),),
        "service": (("service",),),
        "node": (("node",),),
        "event_type": (("type",),),
        "parent_id": (("parent",),),
        "correlation_id": (("correlation",),),
        "severity": (("severity",),),
        "message": (("message",),),
        "schema_version": (("schemaUrl",),),
    },
)

FORMAT = Transcoder(
    name="otlp_logs",
    format=_MAPPED,
    match_json=lambda shape: shape.has("resourceLogs"),
    transcode=_transcode,
)
