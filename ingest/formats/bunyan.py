"""bunyan and pino: `name` is the application, `pid` and `hostname` the process, `level` a number.

What the application logs stands beside them and goes by the usual names. The text is the type of
the event where no field names one; the id of a request names the flow. Source: bunyan README, "Core
fields"; pino API documentation; pino-http.
"""

from ingest.formats.base import JsonFormat

FORMAT = JsonFormat(
    name="bunyan",
    priority=810,
    match=lambda shape: () if shape.has("level", "time", "pid", "hostname") else None,
    by_value=True,
    fields={
        "occurred_at": (("time",),),
        "service": (("name",),),
        "node": (("hostname",),),
        "severity": (("level",),),
        "message": (("msg",),),
    },
    named={"service", "message"},
    inputs={"bunyan_request": ("req_id",), "fastify_request": ("reqId",), "pino_request": ("req", "id")},
    computed={
        "event_type": "coalesce({event_type}, {message})",
        "correlation_id": ("coalesce({correlation_id}, {bunyan_request}, {fastify_request}, {pino_request})"),
    },
)
