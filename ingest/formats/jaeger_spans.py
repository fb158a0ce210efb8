"""Jaeger spans, one an object: what its storage in Elasticsearch and OpenSearch holds, and its API.

The first CHILD_OF reference is the cause; every other reference is a further one. Tags are a list
or, in an index that makes fields of them, an object with `@` for dots. Times are microseconds.
Source: Jaeger, model/json and the Elasticsearch span model.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_STREAMS = ("messaging.destination.name", "messaging.destination", "message_bus.destination", "kafka.topic")
_KEYS = ("messaging.kafka.message.key", "messaging.kafka.message_key")
_MESSAGES = ("messaging.message.id", "messaging.message_id")
_OPERATIONS = ("messaging.operation.type", "messaging.operation")
_NODES = ("hostname", "host.name", "service.instance.id", "ip")
_SENDS, _RECEIVES = "'producer', 'send', 'publish', 'create'", "'receive'"
_PROCESSES = "'consumer', 'process', 'deliver'"


def _match(shape: Shape) -> Path | None:
    return () if shape.has("traceID", "spanID", "operationName") else None


def _of(tags: str, fields: str, names: tuple[str, ...]) -> str:
    """The value of the first of these tags that is there."""
    listed = (
        f"list_filter(json_extract({{{tags}}}, '$[*]'), lambda tag: tag->>'key' = '{name}')[1]->>'value'"
        for name in names
    )
    as_fields = (f"json_extract_string({{{fields}}}, '/{name.replace('.', '@')}')" for name in names)
    # Most spans are of no message: to look for one word is cheaper than to look at each tag. The search
    # skips to the first byte, which would be one of many quotes.
    words = " OR ".join(f"contains({{{tags}}}, '{name}\"')" for name in names)
    return f"coalesce(CASE WHEN {words} THEN coalesce({', '.join(listed)}) END, {', '.join(as_fields)})"


_KIND = f"lower(coalesce({_of('tags', 'tag', _OPERATIONS)}, {_of('tags', 'tag', ('span.kind',))}))"
_REFERENCES = "json_extract({references}, '$[*]')"
# Nearly every span has one reference: what the path finds needs no list.
_PARENT = (
    "CASE WHEN {parent} <> '' THEN {parent} WHEN {first_type} IN ('CHILD_OF', '0') THEN {first_span}"
    " WHEN {second_span} IS NOT NULL THEN list_filter("
    f"{_REFERENCES}, lambda one: one->>'refType' IN ('CHILD_OF', '0'))[1]->>'spanID' END"
)
_HAS_LINKS = "{second_span} IS NOT NULL OR {first_type} NOT IN ('CHILD_OF', '0')"
_LINK = (
    "json_object('id', one->>'spanID', 'kind',"
    " CASE WHEN one->>'refType' IN ('CHILD_OF', '0') THEN 'parent' ELSE 'link' END)"
)
_LINKS = f"to_json(list_transform({_REFERENCES}, lambda one: {_LINK}))"

FORMAT = JsonFormat(
    name="jaeger_spans",
    priority=640,
    match=_match,
    by_name=False,
    fields={
        "event_id": (("spanID",),),
        "correlation_id": (("traceID",),),
        "occurred_at": (("startTime",),),
        "event_type": (("operationName",),),
        "service": (("process", "serviceName"),),
    },
    inputs={
        "parent": ("parentSpanID",),
        "references": ("references",),
        "first_type": ("references", "0", "refType"),
        "first_span": ("references", "0", "spanID"),
        "second_span": ("references", "1", "spanID"),
        "tags": ("tags",),
        "tag": ("tag",),
        "process_tags": ("process", "tags"),
        "process_tag": ("process", "tag"),
    },
    computed={
        "node": _of("process_tags", "process_tag", _NODES),
        "operation": (
            f"CASE WHEN {_KIND} IN ({_SENDS}) THEN 'send' WHEN {_KIND} IN ({_PROCESSES}) THEN 'process'"
            f" WHEN {_KIND} IN ({_RECEIVES}) THEN 'receive' WHEN {_KIND} = 'settle' THEN 'settle' END"
        ),
        "stream": _of("tags", "tag", _STREAMS),
        "stream_key": _of("tags", "tag", _KEYS),
        "message_id": _of("tags", "tag", _MESSAGES),
        "severity": f"CASE WHEN {_of('tags', 'tag', ('error',))} = 'true' THEN 'ERROR' END",
        "causation_id": _PARENT,
        "cause_kind": f"CASE WHEN ({_PARENT}) IS NOT NULL THEN 'parent' END",
        "links": f"CASE WHEN {_HAS_LINKS} THEN {_LINKS} END",
    },
)
