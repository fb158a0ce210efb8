"""Executions that one log holds, parted by lines of `===` (ShiViz): hosts and events of each are its own.

Events are named by their host and its count, and the same hosts count from 1 again in each execution. So
behind such a line hosts are `execution/host`. Its name is what stands between the rules or, where nothing
does, its number. The lines are no events: they are kept in quarantine, where a file that is read on finds
those before. There they say the same in every file and batch, for clocks may follow in a later one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import duckdb
import pyarrow as pa

from ingest.records import Reject

_FORMAT: Final = "vector_clock_log"
_RULE: Final = re.compile(r"={3,}[ \t]*([^\r\n{}]*?)[ \t]*=*\s*\n")
_LONGEST: Final = 256
"""Bytes of such a line, which is whole."""
_REASON: Final = "a line of = parts what stands before and behind it; it is no event"
_FILES: Final = f"SELECT DISTINCT file_id FROM parsed WHERE format = '{_FORMAT}'"
_BEFORE: Final = """
SELECT byte_offset, raw FROM rejects
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

_Rule = tuple[int, str]
"""Where it stands, and what it says."""


def tell_apart(
    cursor: duckdb.DuckDBPyConnection, rejects: list[Reject], kept: Callable[[bytes], bytes]
) -> None:
    """Name hosts and events of the batch by their execution; `rejects` are those of the batch.

    `kept` is what is kept of bytes in quarantine: what they name is the same as when they are read there.
    """
    here: dict[int, list[_Rule]] = {}
    for number, one in enumerate(rejects):
        if _name_in(one.raw) is None:
            continue
        rejects[number] = replace(one, reason=_REASON)
        if (name := _name_in(kept(one.raw))) is not None:
            here.setdefault(one.file_id, []).append((one.byte_offset, name))
    for (file_id,) in cursor.execute(_FILES).fetchall():
        mine = sorted(here.get(file_id, []))
        [(first,)] = cursor.execute(
            "SELECT min(byte_offset) FROM parsed WHERE file_id = ?", [file_id]
        ).fetchall()
        start = min([first, *(offset for offset, _ in mine)])
        before = cursor.execute(_BEFORE, [file_id, start]).fetchall()
        known = [(offset, name) for offset, raw in before if (name := _name_in(bytes(raw))) is not None]
        if rules := known + mine:
            _name(cursor, file_id, rules)


def _name_in(raw: bytes) -> str | None:
    """What stands between the rules; None: there are none."""
    if not raw.startswith(b"===") or len(raw) > _LONGEST:
        return None
    try:
        found = _RULE.fullmatch(raw.decode())
    except UnicodeDecodeError:
        return None
    return found and found[1]


def _name(cursor: duckdb.DuckDBPyConnection, file_id: int, rules: Sequence[_Rule]) -> None:
    names = _names(name for _, name in rules)
    rows = [
        {"file_id": file_id, "byte_offset": offset, "name": name}
        for (offset, _), name in zip(rules, names, strict=True)
    ]
    cursor.register("execution_rules", pa.Table.from_pylist(rows, schema=_SCHEMA))
    cursor.execute(_TELL_APART)
    cursor.unregister("execution_rules")


def _names(said: Iterable[str]) -> list[str]:
    """What executions are called by what is said before them; the one before the first line is number 1."""
    names, met = [], Counter[str]()
    for number, name in enumerate(said, start=2):
        met[name] += 1
        names.append(f"{name} {number}".strip() if not name or met[name] > 1 else name)
    return names
