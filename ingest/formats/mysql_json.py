"""Error log of MySQL 8 as JSON (`log_sink_json`).

Source: MySQL Reference Manual, "Error Event Fields" and "Error Logging in JSON Format".
"""

from ingest.formats.base import Shape
from ingest.formats.mysql_text import error_log
from ingest.names import Path


def _match(shape: Shape) -> Path | None:
    # Which optional fields there are depends on the server's version; these the sink always writes.
    is_event = shape.has("prio", "err_code", "msg") and shape.has("time")
    return () if is_event and any(shape.has(name) for name in ("subsystem", "err_symbol", "label")) else None


FORMAT = error_log(
    "mysql_json",
    match=_match,
    fields={"occurred_at": (("time",),), "severity": (("label",),), "message": (("msg",),)},
    inputs={"thread": ("thread",), "code": ("err_code",)},
    made=(),
    computed={
        **error_log("").computed,
        # What follows it is a record of its own there; see mysql_json_deadlock.py.
        "operation": (
            "CASE WHEN regexp_matches({message},"
            " '^[Tt]ransactions? deadlock detected, dumping detailed information') THEN 'deadlock' END"
        ),
    },
)
