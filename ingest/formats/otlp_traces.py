"""OTLP/JSON traces: one `TracesData` per line, as the file exporter writes them.

A span is an event named by its span id. Its parent is its cause; each link is a further cause
(batches and queues link where they cannot nest). `messaging.*` attributes give the operation,
the destination and the message. A span is malformed when an id, a time or its status is none, or
when it has no name; then so is the record. Source: OTLP; OpenTelemetry semantic conventions, messaging.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from ingest.formats import otlp
from ingest.formats.base import JsonFormat, Transcoder
from ingest.formats.exact import whole
from ingest.formats.otlp import Json

_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_CODES = ("UNSET", "OK", "ERROR")
_MESSAGING = "messaging."
_MADE = (
    "@operation", "@message_id", "@stream", "@key", "@offset", "@attempt", "@severity", "@text",
    *otlp.COMMON,
)  # fmt: skip


def _spelled(prefix: str, names: tuple[str, ...]) -> dict[str | int, str]:
    found: dict[str | int, str] = {}
    for number, name in enumerate(names):
        found |= {number: name, str(number): name, prefix + name: name, name: name}
    return found


_SPELLED: Final = {
    prefix: _spelled(prefix, names) for prefix, names in (("SPAN_KIND_", _KINDS), ("STATUS_CODE_", _CODES))
}


def _named(written: Any, prefix: str, names: tuple[str, ...]) -> Any:
    """The short name of an enum's value, however it was written."""
    if type(written) in (str, int) and (name := _SPELLED[prefix].get(written)):
        return name
    if isinstance(written, str):
        written = whole(written) if written.isascii() and written.isdigit() else written.removeprefix(prefix)
    is_known = isinstance(written, int) and 0 <= written < len(names)
    return names[written] if is_known else written


def _code(status: Json) -> Any:
    if "code" not in status:
        return None
    code = _named(status["code"], "STATUS_CODE_", _CODES)
    if isinstance(code, str) and code not in ("", *_CODES):
        raise ValueError(f"status code {code[:40]!r} is none of {', '.join(_CODES)}")
    return code


def _operation(about: Json, kind: Any) -> Any:
    named = about.get("messaging.operation.type") or about.get("messaging.operation")
    if named:
        return {"publish": "send", "deliver": "process"}.get(str(named), named)
    return {"PRODUCER": "send", "CONSUMER": "process"}.get(str(kind))


def _message(about: Json, kind: Any) -> Json:
    """What `messaging.*` attributes say."""
    # Most spans are of no message, which one look at all keys tells.
    if _MESSAGING not in "".join(about) or not any(key.startswith(_MESSAGING) for key in about):
        return {}
    return {
        "@operation": _operation(about, kind),
        "@message_id": _first(about, otlp.MESSAGES),
        "@stream": _first(about, otlp.STREAMS),
        "@key": _first(about, (*otlp.KEYS, *otlp.PARTITIONS)),
        "@offset": _first(about, otlp.OFFSETS),
        "@attempt": _first(about, otlp.ATTEMPTS),
    }


def _first(about: Json, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if key in about:
            return about[key]
    return None


def _link(link: Json) -> Json:
    if "traceId" not in link and "spanId" not in link:
        raise ValueError("a link names no span")
    made = {"attributes": otlp.attributes(link.pop("attributes", None))}
    return otlp.put(link, {**_ids(link, "link"), **made})


def _ids(holder: Json, what: str) -> Json:
    """The ids of a span: both of them, or neither."""
    trace, span = otlp.record_id(holder, "traceId"), otlp.record_id(holder, "spanId")
    if (trace is None) != (span is None):
        raise ValueError(f"a {what} without its {'traceId' if trace is None else 'spanId'}")
    return {"traceId": trace, "spanId": span}


def _check_events(span: Json) -> None:
    for event in otlp.items(span, "events"):
        if not otlp.present({"name": event.get("name"), "time": event.get("timeUnixNano")}):
            raise ValueError("an event of a span with neither a name nor a time")
        otlp.check_times(event, "timeUnixNano")


def _span(common: Json, span: Json) -> Json:
    if not isinstance(span.get("name"), str):
        raise ValueError("a span without a name")  # noqa: TRY004 - the reason of a reject
    otlp.check_times(span, "startTimeUnixNano", "endTimeUnixNano")
    if "events" in span:
        _check_events(span)
    about = otlp.attributes(span.pop("attributes", None))
    kind = _named(span.get("kind"), "SPAN_KIND_", _KINDS)
    status = otlp.part(span, "status") if "status" in span else {}
    links = otlp.items(span, "links") if "links" in span else []
    made = {
        **_ids(span, "span"),
        "parentSpanId": otlp.record_id(span, "parentSpanId"),
        "kind": kind,
        "links": [_link(link) for link in links],
        "attributes": about,
        **_message(about, kind),
        "@severity": "ERROR" if _code(status) == "ERROR" else None,
        "@text": status.get("message"),
    }
    span.update(common)
    return otlp.put(span, made)


def _transcode(line: bytes) -> Iterator[Json]:
    for common, span in otlp.scoped(line, "Spans", "spans"):
        yield _span(common, span)


_MAPPED = JsonFormat(
    name="otlp_traces",
    priority=0,
    match=lambda _: None,
    by_name=False,
    fields={
        "event_id": (("spanId",),),
        "occurred_at": (("startTimeUnixNano",),),
        "service": (("@service",),),
        "node": (("@node",),),
        "event_type": (("name",),),
        "operation": (("@operation",),),
        "parent_id": (("parentSpanId",),),
        "correlation_id": (("traceId",),),
        "message_id": (("@message_id",),),
        "stream": (("@stream",),),
        "stream_key": (("@key",),),
        "broker_sequence": (("@offset",),),
        "attempt": (("@attempt",),),
        "severity": (("@severity",),),
        "message": (("@text",),),
        "schema_version": (("@schema",),),
        "links": (("links",),),
    },
    made=_MADE,
)

FORMAT = Transcoder(
    name="otlp_traces",
    format=_MAPPED,
    match_json=lambda shape: shape.has("resourceSpans") or shape.has("resource_spans"),
    known_by='{"resourceSpans":[',
    transcode=_transcode,
    opaque=otlp.OPAQUE,
    cut=partial(otlp.cut, records="spans"),
)
