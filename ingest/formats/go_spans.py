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


def _pairs(listed: str) -> str:
    """The names and values of a list of attributes, each pair a list."""
    pairs = f"list_transform(json_extract({listed}, '$[*]'), lambda one: {_PAIR})"
    return f"CASE WHEN starts_with({listed}, '[') AND json_valid({listed}) THEN {pairs} END"


def _of(pairs: str, names: tuple[str, ...]) -> str:
    """The value of the first of these attributes that is there."""
    found = (f"list_filter({{{pairs}}}, lambda pair: pair[1] = '{name}')[1][2]" for name in names)
    return f"coalesce({', '.join(found)})"


_PAIR = "json_extract_string(one, ['/Key', '/Value/Value'])"
_PARENT = "nullif(nullif({parent}, '0000000000000000'), '')"
_OPERATION = (
    f"coalesce(lower({_of('pairs', _OPERATIONS)}),"
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
    prepared={
        "pairs": _pairs("{attributes}"),
        "resource_pairs": _pairs("{resource}"),
        "told": _OPERATION,
    },
    computed={
        "event_id": "{span}",
        "correlation_id": "{trace}",
        "service": _of("resource_pairs", ("service.name",)),
        "node": _of("resource_pairs", _NODES),
        "operation": (
            "CASE WHEN {told} IN ('send', 'publish') THEN 'send' WHEN {told} = 'create' THEN 'create'"
            " WHEN {told} IN ('process', 'deliver') THEN 'process' WHEN {told} = 'receive' THEN 'receive'"
            " WHEN {told} = 'settle' THEN 'settle' END"
        ),
        "stream": _of("pairs", _STREAMS),
        "stream_key": _of("pairs", _KEYS),
        "message_id": _of("pairs", _MESSAGES),
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
