"""Spans as the Go SDK of OpenTelemetry prints them: one an object, attributes as lists of `Key` and `Value`.

A parent of zeros is none. A producer sends, a consumer processes. Source: OpenTelemetry Go,
exporters/stdout/stdouttrace.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_STREAMS = ("messaging.destination.name", "messaging.destination")
_KEYS = ("messaging.kafka.message.key", "messaging.kafka.message_key")
_MESSAGES = ("messaging.message.id", "messaging.message_id")
_OPERATIONS = ("messaging.operation.type", "messaging.operation")
_NODES = ("service.instance.id", "host.name", "k8s.pod.name")


def _match(shape: Shape) -> Path | None:
    return () if shape.has("Name", "SpanContext", "Parent", "SpanKind", "StartTime") else None


def _of(listed: str, names: tuple[str, ...]) -> str:
    """The value of the first of these attributes that is there."""
    found = (
        f"list_filter(json_extract({{{listed}}}, '$[*]'), lambda one: one->>'Key' = '{name}')[1]"
        "->'Value'->>'Value'"
        for name in names
    )
    words = " OR ".join(f"contains({{{listed}}}, '\"{name}\"')" for name in names)
    return f"CASE WHEN {words} THEN coalesce({', '.join(found)}) END"


_PARENT = "nullif(nullif({parent}, '0000000000000000'), '')"
_OPERATION = (
    f"coalesce(lower({_of('attributes', _OPERATIONS)}),"
    " CASE {kind} WHEN '4' THEN 'send' WHEN '5' THEN 'process' END)"
)
_LINK = "json_object('id', one->'SpanContext'->>'SpanID', 'kind', 'link')"

FORMAT = JsonFormat(
    name="go_spans",
    priority=645,
    match=_match,
    by_name=False,
    fields={
        "occurred_at": (("StartTime",),),
        "event_type": (("Name",),),
    },
    inputs={
        "span": ("SpanContext", "SpanID"),
        "trace": ("SpanContext", "TraceID"),
        "parent": ("Parent", "SpanID"),
        "kind": ("SpanKind",),
        "attributes": ("Attributes",),
        "resource": ("Resource",),
        "links_listed": ("Links",),
        "status": ("Status", "Code"),
        "described": ("Status", "Description"),
    },
    computed={
        "event_id": "{span}",
        "correlation_id": "{trace}",
        "service": _of("resource", ("service.name",)),
        "node": _of("resource", _NODES),
        "operation": (
            f"CASE WHEN {_OPERATION} IN ('send', 'publish') THEN 'send' WHEN {_OPERATION} = 'create'"
            f" THEN 'create' WHEN {_OPERATION} IN ('process', 'deliver') THEN 'process'"
            f" WHEN {_OPERATION} = 'receive' THEN 'receive' WHEN {_OPERATION} = 'settle' THEN 'settle' END"
        ),
        "stream": _of("attributes", _STREAMS),
        "stream_key": _of("attributes", _KEYS),
        "message_id": _of("attributes", _MESSAGES),
        "severity": "CASE WHEN {status} = 'Error' THEN 'ERROR' END",
        "message": "nullif({described}, '')",
        "causation_id": _PARENT,
        "cause_kind": f"CASE WHEN {_PARENT} IS NOT NULL THEN 'parent' END",
        "links": (
            "CASE WHEN starts_with({links_listed}, '[')"
            f" THEN to_json(list_transform(json_extract({{links_listed}}, '$[*]'), lambda one: {_LINK})) END"
        ),
    },
)
