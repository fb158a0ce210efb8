"""Records of streams of Amazon DynamoDB: changes of items, as AWS Lambda gets them.

The table is the stream, the values of the item's keys the key. Sequence numbers have holes and 21 digits and
more, so they tell no loss, and are kept. Source: AWS Lambda documentation, "Using AWS Lambda with Amazon
DynamoDB"; DynamoDB API, "StreamRecord".
"""

from ingest.formats.base import JsonFormat

_TABLE = "nullif(regexp_extract({source}, ':table/([^/]+)', 1), '')"
# Each is an object of a type and a value.
_KEY = "nullif(array_to_string(json_extract_string({keys}, '$.*.*'), '/'), '')"

FORMAT = JsonFormat(
    name="dynamodb_stream",
    priority=116,
    match=lambda shape: () if shape.has("eventID", "eventName", "eventSource", "dynamodb") else None,
    by_name=False,
    fields={
        "event_id": (("eventID",),),
        "service": (("eventSource",),),
        "event_type": (("eventName",),),
        "schema_version": (("eventVersion",),),
    },
    inputs={
        "source": ("eventSourceARN",),
        "keys": ("dynamodb", "Keys"),
        "changed": ("dynamodb", "ApproximateCreationDateTime"),
    },
    prepared={"table": _TABLE, "item": _KEY},
    derived={
        "occurred_at": "{changed}",
        "stream": "{table}",
        "stream_key": "{item}",
        "entity": "coalesce({table} || '/', '') || {item}",
    },
)
