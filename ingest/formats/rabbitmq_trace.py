"""RabbitMQ tracing plugin (`rabbitmq_tracing`), JSON log format.

One line per message published to an exchange or delivered from a queue. The application's own
ids ride in `properties.headers` and go by the usual names. A delivery is the queue's: the queue
is the consumer. Source: rabbit_tracing_consumer.erl.
"""

from ingest.formats.base import JsonFormat

FORMAT = JsonFormat(
    name="rabbitmq_trace",
    priority=110,
    match=lambda shape: () if shape.has("type", "vhost", "routing_keys", "properties", "exchange") else None,
    by_value=True,
    fields={
        "event_id": (("properties", "message_id"),),
        "occurred_at": (("timestamp",),),
        "node": (("node",),),
        "event_type": (("properties", "type"),),
        "correlation_id": (("properties", "correlation_id"),),
        "operation": (("type",),),
        "service": (),
        "stream": (),
    },
    inputs={
        "direction": ("type",),
        "queue": ("queue",),
        "exchange": ("exchange",),
        "app_id": ("properties", "app_id"),
        "user": ("user",),
        "routing_key": ("routing_keys", "0"),
    },
    computed={
        "service": (
            "CASE WHEN {direction} = 'received' THEN {queue} ELSE coalesce(nullif({app_id}, ''), {user}) END"
        ),
        "stream": (
            "CASE WHEN {direction} = 'received' THEN {queue}"
            " ELSE coalesce(nullif({exchange}, ''), {routing_key}) END"
        ),
        "event_type": "coalesce(nullif({event_type}, {direction}), {routing_key})",
    },
)
