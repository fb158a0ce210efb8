"""PostgreSQL `csvlog` (9.0 and later): the records of jsonlog in another notation.

A quoted field may hold line ends, so a record may span lines. Columns are told by their
number; 14 and later append leader_pid and query_id. Source: PostgreSQL documentation, "Using
CSV-Format Log Output".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import compress
from typing import Any

from ingest.formats.base import Transcoder, quoted
from ingest.formats.exact import whole
from ingest.formats.postgresql import server_log

_COLUMNS = (
    "timestamp", "user", "dbname", "pid", "connection_from", "session_id", "line_num", "ps",
    "session_start", "vxid", "txid", "error_severity", "state_code", "message", "detail",
    "hint", "internal_query", "internal_position", "context", "statement", "cursor_position",
    "func_name", "application_name", "backend_type", "leader_pid", "query_id",
)  # fmt: skip
_NUMBERS = ("pid", "line_num", "txid", "query_id", "leader_pid")
_FEWEST = _COLUMNS.index("application_name") + 1
_START = rb'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:[A-Z][\w/+-]*|[+-]\d\d(?:\d\d)?),(?:"[^"\n]*+")?,'

csv.field_size_limit(1 << 30)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    row = _row(record.decode())
    values: dict[str, Any] = dict(compress(zip(_COLUMNS, row, strict=False), row))
    for name in _NUMBERS:
        if name in values:
            values[name] = whole(values[name])
    yield values


def _row(text: str) -> list[str]:
    """The fields of a record."""
    try:
        # As one item, whatever line ends are quoted in it: what is more than one record is no such item.
        row = next(csv.reader((text,), strict=True))
        if _FEWEST <= len(row) <= len(_COLUMNS):
            return row
    except (csv.Error, StopIteration):
        pass
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"not a CSV record ({error}); a torn line?") from error
    if len(rows) != 1 or len(rows[0]) < _FEWEST or len(rows[0]) > len(_COLUMNS):
        fields = len(rows[0]) if rows else 0
        raise ValueError(f"{fields} fields, expected {_FEWEST} to {len(_COLUMNS)}; a torn line?")
    return rows[0]


FORMAT = Transcoder(
    name="postgresql_csvlog",
    format=server_log("postgresql_csvlog"),
    starts=_START,
    end=quoted,
    transcode=_transcode,
)
