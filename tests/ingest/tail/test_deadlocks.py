"""Who waits for whom in a deadlock of PostgreSQL, whatever its statements say and whatever the log is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest

from .rig import Rig

STATEMENT = (
    "update accounts -- ERROR:  deadlock detected\n\tset balance = 0\n"
    "Process 1 waits for ShareLock on transaction 2; blocked by process 3.\n"
    "2026-03-10 00:00:06.123 UTC [1] ERROR:  deadlock detected\n"
    "DETAIL:  Process 1 waits for ShareLock on transaction 2; blocked by process 3."
)
DETAIL = (
    "Process 9 waits for ShareLock on transaction 5; blocked by process 8.\n"
    "Process 8 waits for ShareLock on transaction 6; blocked by process 9.\n"
    f"Process 9: {STATEMENT}\nProcess 8: select 1"
)
SAID = {
    "timestamp": "2026-03-10 00:00:06.123 UTC", "user": "app", "dbname": "shop", "pid": 9,
    "session_id": "69af61c6.9", "line_num": 3, "error_severity": "ERROR", "state_code": "40P01",
    "message": "deadlock detected", "detail": DETAIL, "statement": STATEMENT, "application_name": "web",
    "backend_type": "client backend",
}  # fmt: skip
COLUMNS = [
    "timestamp", "user", "dbname", "pid", "connection_from", "session_id", "line_num", "ps",
    "session_start", "vxid", "txid", "error_severity", "state_code", "message", "detail", "hint",
    "internal_query", "internal_position", "context", "statement", "cursor_position", "func_name",
    "application_name", "backend_type", "leader_pid", "query_id",
]  # fmt: skip
TEXTS = {"user", "dbname", "ps", "message", "detail", "statement", "application_name", "backend_type"}


def of_csv() -> str:
    quoted = '"{}"'.format
    values = [str(SAID.get(name, "")) for name in COLUMNS]
    written = [
        quoted(value.replace('"', '""')) if name in TEXTS and value else value
        for name, value in zip(COLUMNS, values, strict=True)
    ]
    line = ",".join(written)
    assert next(csv.reader(io.StringIO(line))) == values
    return line + "\n"


def of_text() -> str:
    """With a prefix whose only number is no process."""
    prefix = "2026-03-10 00:00:06.123 UTC 5/37 731 "
    parts = {"ERROR": "deadlock detected", "DETAIL": DETAIL, "STATEMENT": STATEMENT}
    return "".join(f"{prefix}{label}:  {text}\n".replace("\n", "\n\t")[:-1] for label, text in parts.items())


LOGS = {"pg.json": json.dumps(SAID) + "\n", "pg.csv": of_csv(), "pg.log": of_text()}


@pytest.mark.parametrize("name", LOGS)
def test_statements_add_no_waits_and_no_deadlocks(make_rig: Callable[..., Rig], name: str) -> None:
    rig = make_rig()
    raw = (LOGS[name] * 2).encode()
    for start in range(0, len(raw), 150):
        rig.add(name, raw[start : start + 150])
        rig.look()
    rig.drain()
    rig.check_conservation()
    assert rig.query("SELECT count(*) FROM rejects") == [(0,)]
    assert rig.query("SELECT count(*) FROM observations WHERE operation = 'deadlock'") == [(2,)]
    assert rig.query("SELECT DISTINCT owner, blocked_by, is_victim, statement FROM locks ORDER BY owner") == [
        ("8", "9", False, "select 1"),
        ("9", "8", True, STATEMENT),
    ]
