"""Records that Zeebe (Camunda 8) exports: commands and events of a partition, each naming what it follows.

A record is named by partition and position, its cause by `sourceRecordPosition`; the process instance is
the flow, intents of a kind of value are types. Source: Camunda 8 documentation, "Exporters", protocol.
"""

from ingest.formats.base import JsonFormat

FORMAT = JsonFormat(
    name="zeebe",
    priority=165,
    match=lambda shape: shape.envelope(
        "partitionId", "position", "sourceRecordPosition", "valueType", "intent"
    ),
    by_name=False,
    fields={
        "occurred_at": (("timestamp",),),
        "stream_key": (("partitionId",),),
        "message": (("rejectionReason",),),
    },
    inputs={
        "partition": ("partitionId",),
        "position": ("position",),
        "source": ("sourceRecordPosition",),
        "kind": ("valueType",),
        "intent": ("intent",),
        "instance": ("value", "processInstanceKey"),
        "root": ("value", "rootProcessInstanceKey"),
        "process": ("value", "bpmnProcessId"),
        "rejected": ("rejectionType",),
    },
    derived={
        "event_id": "{partition} || '/' || {position}",
        "causation_id": "CASE WHEN {source} <> '-1' THEN {partition} || '/' || {source} END",
        "correlation_id": "nullif(nullif(coalesce({root}, {instance}), '-1'), '0')",
        "event_type": "{kind} || '.' || {intent}",
        "service": "nullif({process}, '')",
        "stream": "'zeebe'",
        "broker_sequence": "{position}",
        "severity": "CASE WHEN {rejected} <> 'NULL_VAL' THEN 'ERROR' END",
    },
)
