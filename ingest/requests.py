"""Notes down which stored files are to be parsed again (rereading.py does it)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from ingest.discovery import matches
from ingest.generations import utc_now
from stormwatch.errors import ConfigError
from stormwatch.storage import Store

_REQUEST: Final = """
INSERT INTO rereads
SELECT
    (SELECT coalesce(max(reread_id), 0) + 1 FROM rereads),
    file_id, inherited_bytes, committed_offset, ?, ?::TIMESTAMP, NULL, NULL
FROM files
WHERE file_id IN (SELECT unnest(?::INTEGER[])) AND committed_offset > inherited_bytes
    AND NOT EXISTS (
        SELECT 1 FROM pruned_files AS pruned
        WHERE pruned.file_id = files.file_id
            AND pruned.stored_bytes + pruned.quarantined_bytes >= files.stored_bytes + files.quarantined_bytes
    )
"""
"""Of a file of which all was pruned nothing is stored, and nothing can be parsed again."""


@dataclass(frozen=True)
class Asked:
    """Files that will be parsed again."""

    files: tuple[str, ...]
    bytes: int


def ask(store: Store, patterns: Sequence[str]) -> Asked:
    """Have the files whose path is one of `patterns`, or matches it, parsed again.

    Raises:
        ConfigError: nothing stored is called so.
    """
    with store.commit_lock, store.cursor() as cursor:
        known = cursor.execute(
            "SELECT file_id, path, committed_offset - inherited_bytes FROM files ORDER BY path, file_id"
        ).fetchall()
        found = [
            (file_id, path, count)
            for file_id, path, count in known
            if any(path == pattern or matches(path, pattern) for pattern in patterns)
        ]
        if not found:
            some = ", ".join(dict.fromkeys(path for _, path, _ in known[:5])) or "none"
            raise ConfigError(f"{', '.join(patterns)}: no stored file is called so; there are: {some}")
        request(cursor, [file_id for file_id, _, _ in found], "asked for")
    return Asked(tuple(dict.fromkeys(path for _, path, _ in found)), sum(count for *_, count in found))


def request(cursor: duckdb.DuckDBPyConnection, file_ids: Iterable[int], reason: str) -> None:
    """Note down that files are to be parsed again."""
    cursor.execute(_REQUEST, [reason, utc_now(), list(file_ids)])
