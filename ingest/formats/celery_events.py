"""Celery's events of workers and tasks: `type`, the task's `uuid`, `hostname`, a Lamport `clock`.

A task names the one that called it (`parent_id`) and the first of all (`root_id`). Source: Celery
documentation, "Monitoring and Management Guide", event reference.
"""

from ingest.formats.base import JsonFormat

FORMAT = JsonFormat(
    name="celery_events",
    priority=290,
    match=lambda shape: () if shape.has("type", "hostname", "timestamp", "clock", "utcoffset") else None,
    by_name=False,
    fields={
        "event_id": (("uuid",),),
        "occurred_at": (("timestamp",),),
        "event_type": (("type",),),
        "node": (("hostname",),),
        "parent_id": (("parent_id",),),
        "correlation_id": (("root_id",),),
        "stream": (("queue",), ("routing_key",)),
        "message": (("exception",), ("name",)),
    },
    inputs={"type": ("type",), "retries": ("retries",)},
    derived={
        "operation": (
            "CASE {type} WHEN 'task-sent' THEN 'send' WHEN 'task-received' THEN 'receive'"
            " WHEN 'task-started' THEN 'process' WHEN 'worker-online' THEN 'start'"
            " WHEN 'worker-offline' THEN 'stop' END"
        ),
        "attempt": "(try_cast({retries} AS INTEGER) + 1)::VARCHAR",
        "service": "regexp_extract({node}, '^[^@]+')",
    },
)
