"""Executions that one log holds, parted by lines of `===` (ShiViz): hosts and events of each are its own.

Events are named by their host and its count, and the same hosts count from 1 again in each execution. So
behind such a line hosts are `execution/host`. Its name is what stands between the rules or, where nothing
does, its number. The lines are no events: they are kept in quarantine, where a file that is read on finds
the last of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import duckdb
import pyarrow as pa

from ingest.records import Reject

_FORMAT: Final = "vector_clock_log"
_RULE: Final = re.compile(rb"={3,}[ \t]*([^\r\n]*?)[ \t]*=*\s*")
_REASON: Final = f"{_FORMAT}: parts two executions; it is no event"
_FILES: Final = f"SELECT DISTINCT file_id FROM parsed WHERE format = '{_FORMAT}'"
_BEFORE: Final = """
SELECT file_id, byte_offset, raw FROM rejects
WHERE file_id = ? AND starts_with(hex(raw), '3D3D3D') AND byte_offset < ?
ORDER BY byte_offset
"""
_SCHEMA: Final = pa.schema(
    [pa.field("file_id", pa.int32()), pa.field("byte_offset", pa.int64()), pa.field("name", pa.string())]
)
_OF_IDS: Final = ("event_id", "message_id", "causation_id", "node")
_TELL_APART: Final = f"""
UPDATE parsed SET
    {", ".join(f"{name} = told.name || '/' || parsed.{name}" for name in _OF_IDS)},
    correlation_id = told.name,
    links = to_json(list_transform(
        json_extract(links, '$[*]'),
        lambda link: json_object('id', told.name || '/' || (link->>'id'), 'kind', link->>'kind')
    ))
FROM (
    SELECT parsed.file_id, parsed.byte_offset, execution_rules.name
    FROM parsed ASOF JOIN execution_rules
        ON parsed.file_id = execution_rules.file_id AND parsed.byte_offset > execution_rules.byte_offset
    WHERE parsed.format = '{_FORMAT}'
) AS told
WHERE parsed.file_id = told.file_id AND parsed.byte_offset = told.byte_offset
"""


def tell_apart(cursor: duckdb.DuckDBPyConnection, rejects: list[Reject]) -> None:
    """Name hosts and events of the batch by their execution; `rejects` are those of the batch."""
    for (file_id,) in cursor.execute(_FILES).fetchall():
        here = sorted(
            (one.byte_offset, number)
            for number, one in enumerate(rejects)
            if one.file_id == file_id and _RULE.fullmatch(one.raw)
        )
        [(first,)] = cursor.execute(
            "SELECT min(byte_offset) FROM parsed WHERE file_id = ?", [file_id]
        ).fetchall()
        start = min([first, *(offset for offset, _ in here)])
        before = [
            (offset, bytes(raw)) for _, offset, raw in cursor.execute(_BEFORE, [file_id, start]).fetchall()
        ]
        rules = [*before, *((offset, rejects[number].raw) for offset, number in here)]
        for _, number in here:
            rejects[number] = replace(rejects[number], reason=_REASON)
        if rules:
            _name(cursor, file_id, rules)


def _name(cursor: duckdb.DuckDBPyConnection, file_id: int, rules: Sequence[tuple[int, bytes]]) -> None:
    names = _names(raw for _, raw in rules)
    rows = [
        {"file_id": file_id, "byte_offset": offset, "name": name}
        for (offset, _), name in zip(rules, names, strict=True)
    ]
    cursor.register("execution_rules", pa.Table.from_pylist(rows, schema=_SCHEMA))
    cursor.execute(_TELL_APART)
    cursor.unregister("execution_rules")


def _names(rules: Iterable[bytes]) -> list[str]:
    """What the lines call the executions behind them; the one before the first line is number 1."""
    names, met = [], Counter[str]()
    for number, rule in enumerate(rules, start=2):
        found = _RULE.fullmatch(rule)
        name = found[1].decode(errors="replace") if found else ""
        met[name] += 1
        names.append(f"{name} {number}".strip() if not name or met[name] > 1 else name)
    return names
