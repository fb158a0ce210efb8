"""PostgreSQL `csvlog` (9.0 and later): the records of jsonlog in another notation.

A quoted field may hold line ends, so a record may span lines. Columns are told by their
number; 14 and later append leader_pid and query_id. Source: PostgreSQL documentation, "Using
CSV-Format Log Output".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ingest.formats import postgresql_jsonlog
from ingest.formats.base import Transcoder

_COLUMNS = (
    "timestamp", "user", "dbname", "pid", "connection_from", "session_id", "line_num", "ps",
    "session_start", "vxid", "txid", "error_severity", "state_code", "message", "detail",
    "hint", "internal_query", "internal_position", "context", "statement", "cursor_position",
    "func_name", "application_name", "backend_type", "leader_pid", "query_id",
)  # fmt: skip
_NUMBERS = {"pid", "line_num", "txid", "query_id", "leader_pid"}
_FEWEST = _COLUMNS.index("application_name") + 1
_START = re.compile(rb'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [A-Z][\w/+-]*,(?:"[^"]*")?,')

csv.field_size_limit(1 << 30)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    try:
        rows = list(csv.reader(io.StringIO(record.decode(), newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"not a CSV record ({error}); a torn line?") from error
    if len(rows) != 1 or len(rows[0]) < _FEWEST or len(rows[0]) > len(_COLUMNS):
        fields = len(rows[0]) if rows else 0
        raise ValueError(f"{fields} fields, expected {_FEWEST} to {len(_COLUMNS)}; a torn line?")
    values = dict(zip(_COLUMNS, rows[0], strict=False))
    yield {
        name: int(value) if name in _NUMBERS and value.lstrip("-").isdigit() else value
        for name, value in values.items()
        if value
    }


FORMAT = Transcoder(
    name="postgresql_csvlog",
    format=replace(postgresql_jsonlog.FORMAT, name="postgresql_csvlog"),
    match_text=lambda record: _START.match(record) is not None,
    transcode=_transcode,
    framing="csv",
)
