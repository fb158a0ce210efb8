"""OTLP/JSON traces: one `TracesData` per line, as the file exporter writes them.

A span is an event named by its span id. Its parent is its cause; each link is a further cause
(batches and queues link where they cannot nest). `messaging.*` attributes give the operation,
the destination and the message. Source: OTLP; OpenTelemetry semantic conventions, messaging.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.formats import otlp
from ingest.formats.base import JsonFormat, Transcoder
from ingest.formats.otlp import Json

_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_KEYS = (
    "messaging.kafka.message.key",
    "messaging.gcp_pubsub.message.ordering_key",
    "messaging.rocketmq.message.group",
    "messaging.destination.partition.id",
)
_ATTEMPTS = (
    "messaging.gcp_pubsub.message.delivery_attempt",
    "messaging.servicebus.message.delivery_count",
)


def _kind(raw: Any) -> str | None:
    if isinstance(raw, int) and 0 <= raw < len(_KINDS):
        return _KINDS[raw]
    return raw.removeprefix("SPAN_KIND_") if isinstance(raw, str) else None


def _operation(about: Json, kind: str | None) -> str | None:
    named = about.get("messaging.operation.type") or about.get("messaging.operation")
    if named:
        return {"publish": "send", "deliver": "process"}.get(named, named)
    messaging = any(key.startswith("messaging.") for key in about)
    return {"PRODUCER": "send", "CONSUMER": "process"}.get(kind or "") if messaging else None


def _first(about: Json, keys: tuple[str, ...]) -> Any:
    return next((about[key] for key in keys if key in about), None)


def _span(common: Json, span: Json) -> Json:
    about, kind = otlp.attributes(span.get("attributes")), _kind(span.get("kind"))
    status = span.get("status") or {}
    failed = status.get("code") in (2, "STATUS_CODE_ERROR")
    known = {
        "id": otlp.hex_id(span.get("spanId")),
        "time": span.get("startTimeUnixNano"),
        "type": span.get("name"),
        "operation": _operation(about, kind),
        "parent": otlp.hex_id(span.get("parentSpanId")),
        "correlation": otlp.hex_id(span.get("traceId")),
        "message_id": about.get("messaging.message.id"),
        "stream": about.get("messaging.destination.name"),
        "key": _first(about, _KEYS),
        "offset": about.get("messaging.kafka.offset", about.get("messaging.kafka.message.offset")),
        "attempt": _first(about, _ATTEMPTS),
        "severity": "ERROR" if failed else None,
        "message": status.get("message"),
        "kind": kind,
        "attributes": about,
    }
    links = [
        {"id": otlp.hex_id(link.get("spanId")), "kind": "link"}
        for link in otlp.items(span, "links")
        if otlp.hex_id(link.get("spanId"))
    ]
    mapped = {
        "spanId", "startTimeUnixNano", "name", "parentSpanId", "traceId", "kind", "attributes",
    }  # fmt: skip
    rest = {key: field for key, field in span.items() if key not in mapped}
    return otlp.present({**rest, **common, **known, "causes": links})


def _transcode(line: bytes) -> Iterator[Json]:
    record = otlp.load(line)
    for common, span in otlp.scoped(record, "resourceSpans", "scopeSpans", "spans"):
        yield _span(common, span)


_MAPPED = JsonFormat(
    name="otlp_traces",
    priority=0,
    match=lambda _: None,
    by_name=False,
    fields={
        "event_id": (("id",),),
        "occurred_at": (("time",),),
        "service": (("service",),),
        "node": (("node",),),
        "event_type": (("type",),),
        "operation": (("operation",),),
        "parent_id": (("parent",),),
        "correlation_id": (("correlation",),),
        "message_id": (("message_id",),),
        "stream": (("stream",),),
        "stream_key": (("key",),),
        "broker_sequence": (("offset",),),
        "attempt": (("attempt",),),
        "severity": (("severity",),),
        "message": (("message",),),
        "schema_version": (("schemaUrl",),),
    },
    causes=("causes",),
)

FORMAT = Transcoder(
    name="otlp_traces",
    format=_MAPPED,
    match_json=lambda shape: shape.has("resourceSpans"),
    transcode=_transcode,
)
