"""PostgreSQL `jsonlog` (15 and later).

A deadlock is a record with SQLSTATE 40P01 at ERROR or above, never a text that mentions one: the
server also logs "detected deadlock while waiting" for the same deadlock, and statements may
quote the words. The wait-for edges stand in `detail`. The id of a record is its session and its
line number, the same in jsonlog and csvlog. Source: PostgreSQL documentation, "Error Reporting
and Logging"; SQLSTATE appendix.
"""

from ingest.formats.base import JsonFormat

_WAIT = r"process (\d+) still waiting for (\w+) on (.+) after [\d.]+ ms"
_ACQUIRED = r"process (\d+) acquired (\w+) on (.+) after [\d.]+ ms"
_DETECTED = r"process (\d+) detected deadlock while waiting for (\w+) on (.+) after [\d.]+ ms"


def _lock_part(group: int) -> str:
    parts = ", ".join(
        f"nullif(regexp_extract({{message}}, '^{pattern}', {group}), '')"
        for pattern in (_WAIT, _ACQUIRED, _DETECTED)
    )
    return f"coalesce({parts})"


FORMAT = JsonFormat(
    name="postgresql_jsonlog",
    priority=120,
    match=lambda shape: () if shape.has("timestamp", "error_severity", "backend_type") else None,
    by_name=False,
    fields={
        "occurred_at": (("timestamp",),),
        "service": (("application_name",),),
        "entity": (("dbname",),),
        "severity": (("error_severity",),),
        "message": (("message",),),
    },
    inputs={
        "session": ("session_id",),
        "line_num": ("line_num",),
        "state": ("state_code",),
        "detail": ("detail",),
        "pid": ("pid",),
        "backend": ("backend_type",),
    },
    computed={
        "event_id": "{session} || '/' || {line_num}",
        "node": "'pid ' || {pid}",
        "service": "coalesce({service}, {backend})",
        "event_type": (
            "'postgresql.' || lower({severity})"
            " || CASE WHEN {state} IS NULL OR {state} = '00000' THEN '' ELSE '.' || {state} END"
        ),
        "operation": (
            "CASE WHEN {state} = '40P01' AND {severity} IN ('ERROR', 'FATAL', 'PANIC')"
            " THEN 'deadlock'"
            " WHEN {severity} <> 'LOG' THEN NULL"
            f" WHEN regexp_matches({{message}}, '^{_WAIT}') THEN 'lock_wait'"
            f" WHEN regexp_matches({{message}}, '^{_DETECTED}') THEN 'lock_wait'"
            f" WHEN regexp_matches({{message}}, '^{_ACQUIRED}') THEN 'lock_acquire' END"
        ),
        "lock_owner": _lock_part(1),
        "lock_mode": _lock_part(2),
        "lock_resource": _lock_part(3),
        "lock_blocked_by": (
            "nullif(regexp_extract({detail}, '^Process(?:es)? holding the lock: ([\\d, ]+)', 1), '')"
        ),
        "lock_detail": "{detail}",
    },
    lock_edges=True,
)
