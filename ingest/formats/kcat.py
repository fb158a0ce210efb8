"""Kafka records as `kcat -J` (kafkacat) prints them: where a record stood, and its payload as a text.

The payload is read again: CloudEvents, Debezium, any JSON. Topic and key of the record are the stream
and its key; headers mean what their names say (`ce_id` of CloudEvents in binary mode,
`causation_id`, `traceparent`) and go before the payload, which an application may have copied. The
offset numbers, the timestamp dates and topic, partition and offset name what does not say so itself.
Source: kcat, json.c.
"""

from ingest.expressions import glued
from ingest.formats.base import Envelope, Shape, made

_KEYS = {
    "topic", "partition", "offset", "tstype", "ts", "broker", "headers", "key", "payload", "key_error",
    "payload_error", "key_schema_id", "value_schema_id", "key_len", "payload_len",
}  # fmt: skip
_PLACE = "{topic} || '/' || {partition} || '/' || {offset}"
# Kafka writes 0 or -1 where it has no time.
_TIME = "nullif(nullif({ts}, '0'), '-1')"
TRACE = "nullif(regexp_extract({traceparent}, '^[0-9a-f]{{2}}-([0-9a-f]{{32}})-', 1), '')"
# A key that is an object, as of Debezium, is its values; a schema may stand beside it.
_VALUES = (
    "json_extract_string(CASE WHEN json_exists({key}, '$.schema')"
    " THEN json_extract({key}, '$.payload') ELSE {key} END, '$.*')"
)
KEY = (
    "CASE WHEN starts_with({key}, '{{\"') AND json_valid({key})"
    f" THEN {glued(_VALUES, '/')} ELSE {{key}} END"
)


def _match(shape: Shape) -> bool:
    # What an application logs of a record has fields of its own beside these.
    keys = {path[0] for path in shape.paths}
    return shape.has("topic", "partition", "offset", "payload") and keys <= _KEYS


FORMAT = Envelope(
    name="kcat",
    match=_match,
    held=("payload",),
    format=made(
        name="kcat",
        fields={
            "occurred_at": "ts",
            "stream": "topic",
            "broker_sequence": "offset",
        },
        inputs={"partition": ("partition",), "key": ("key",)},
        derived={
            "occurred_at": "nullif(nullif({occurred_at}, '0'), '-1')",
            "stream_key": f"coalesce({{stream_key}}, nullif({KEY}, ''), {{partition}})",
        },
    ),
    about={
        "event_id": _PLACE,
        "occurred_at": _TIME,
        "broker_sequence": "{offset}",
        "stream_key": "{partition}",
        "correlation_id": TRACE,
    },
    above={"stream": "{topic}", "stream_key": KEY},
    headers="headers",
    inputs={
        "topic": ("topic",),
        "partition": ("partition",),
        "offset": ("offset",),
        "key": ("key",),
        "ts": ("ts",),
        "traceparent": ("headers", "traceparent"),
    },
)
