"""CloudNativePG: PostgreSQL's csvlog record within a JSON line of the operator.

`record` has the columns of csvlog by the names of its table in the documentation (`log_time`,
`process_id`, `sql_state_code` ...); the names of jsonlog are read as well. Source: CloudNativePG
documentation, "Logging"; PostgreSQL documentation, "Using CSV-Format Log Output".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ingest.formats.base import Shape
from ingest.formats.postgresql import computed, server_log
from ingest.names import Path

_RECORD: Final = "record"
_NAMES: Final = {
    "session": ("session_id", "session_id"),
    "line_num": ("session_line_num", "line_num"),
    "state": ("sql_state_code", "state_code"),
    "detail": ("detail", "detail"),
    "pid": ("process_id", "pid"),
    "backend": ("backend_type", "backend_type"),
}
"""Input -> the name of its column in csvlog and in jsonlog."""


def _match(shape: Shape) -> Path | None:
    keys = {path[1] for path in shape.paths if path[0] == _RECORD and len(path) > 1}
    is_server_log = "error_severity" in keys and keys & {"session_id", "process_id", "pid"}
    return () if shape.has("logger") and is_server_log else None


def _either(sql: str) -> str:
    for name, (csv, json) in _NAMES.items():
        if csv != json:
            sql = sql.replace(f"{{{name}}}", f"coalesce({{{name}}}, {{json_{name}}})")
    return sql


FORMAT = replace(
    server_log("cloudnative_pg", _match, {column: _either(sql) for column, sql in computed().items()}),
    fields={
        "occurred_at": ((_RECORD, "log_time"), (_RECORD, "timestamp"), ("ts",)),
        "service": ((_RECORD, "application_name"),),
        "entity": ((_RECORD, "database_name"), (_RECORD, "dbname")),
        "severity": ((_RECORD, "error_severity"),),
        "message": ((_RECORD, "message"),),
    },
    inputs={
        **{name: (_RECORD, csv) for name, (csv, _) in _NAMES.items()},
        **{f"json_{name}": (_RECORD, json) for name, (_, json) in _NAMES.items()},
    },
)
