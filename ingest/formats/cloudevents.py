"""CloudEvents 1.0 in JSON, structured mode; also as an object inside a log line.

`source`, `id`, `type` and `specversion` are mandatory; read as extensions: `sequence`,
`partitionkey`, `causationid`, `correlationid`, `traceparent` (its trace id names the flow), and who logs
it (`service`, `consumer`), which goes before the source.
Dapr writes the whole of it as `traceid`. `subject` is the key within the source. Source: CloudEvents
specification 1.0.2, JSON format; Dapr documentation, "Publishing & subscribing messages with Cloudevents".
"""

from ingest.formats.base import JsonFormat
from ingest.names import NAMES
from ingest.vocabulary import GENERIC

FORMAT = JsonFormat(
    name="cloudevents",
    priority=100,
    match=lambda shape: shape.envelope("specversion", "id", "source", "type"),
    by_value=True,
    fields={
        "event_id": (("id",),),
        "occurred_at": (("time",), ("recordedtime",)),
        # A source may be an instance, or who sent what another one logs here.
        "service": (
            ("service",),
            ("servicename",),
            ("service_name",),
            ("consumer",),
            ("consumergroup",),
            ("consumer_group",),
            ("source",),
        ),
        "event_type": (("type",),),
        "stream_key": (("partitionkey",), ("subject",)),
        "entity": (("subject",),),
        "schema_version": (("dataschema",),),
    },
    # A subject is also the key of an event without one, so that some name their entity apart.
    named={"entity", "schema_version"},
    # Elsewhere a subject may be a stream; here it is what the event is about.
    vocabulary=GENERIC.changed(stream=tuple(name for name in NAMES["stream"] if name != "subject")),
    inputs={"traceparent": ("traceparent",)},
    derived={
        "correlation_id": (
            "coalesce(nullif(regexp_extract({correlation_id}, '^[0-9a-f]{{2}}-([0-9a-f]{{32}})-', 1), ''),"
            " {correlation_id}, nullif(split_part({traceparent}, '-', 2), ''))"
        ),
    },
)
