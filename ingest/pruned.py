"""What was pruned is not brought back when the file it stands in is parsed again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import duckdb

from ingest.records import Outcome, Reject

_IS_PRUNED: Final = "SELECT 1 FROM pruned_files WHERE file_id = ?"
_RANGE: Final = "file_id = $file_id AND byte_offset >= $since AND byte_offset < $until"
_PRESENT: Final = f"""
CREATE OR REPLACE TEMP TABLE present AS
SELECT byte_offset, byte_length FROM observations WHERE {_RANGE}
UNION
SELECT byte_offset, byte_length FROM rejects WHERE {_RANGE}
"""
# The last of what is there that begins before the record ends is the only one that can reach into it.
_ABSENT: Final = """
CREATE OR REPLACE TEMP TABLE absent AS
SELECT DISTINCT parsed.byte_offset, parsed.byte_length
FROM parsed ASOF LEFT JOIN present ON parsed.byte_offset + parsed.byte_length > present.byte_offset
WHERE coalesce(present.byte_offset + present.byte_length <= parsed.byte_offset, TRUE)
"""


def leave_out_pruned(cursor: duckdb.DuckDBPyConnection, here: Sequence[int], outcome: Outcome) -> int | None:
    """Take out of `parsed` and the rejects what nothing stored of the range stands for any more.

    `here` is the file, the first byte, and the first behind the range. Returns the bytes that were left
    out; None where nothing of the file was ever pruned.
    """
    if not cursor.execute(_IS_PRUNED, [here[0]]).fetchall():
        return None
    cursor.execute(_PRESENT, dict(zip(("file_id", "since", "until"), here, strict=True)))
    cursor.execute(_ABSENT)
    [(left_out,)] = cursor.execute("SELECT coalesce(sum(byte_length), 0) FROM absent").fetchall()
    cursor.execute("DELETE FROM parsed WHERE byte_offset IN (SELECT byte_offset FROM absent)")
    return int(left_out) + _leave_out_rejects(cursor, outcome.rejects)


def _leave_out_rejects(cursor: duckdb.DuckDBPyConnection, rejects: list[Reject]) -> int:
    if not rejects:
        return 0
    present = cursor.execute("FROM present ORDER BY byte_offset").fetchall()
    before = sum(one.byte_length for one in rejects)
    rejects[:] = [one for one in rejects if _is_among(one, present)]
    return before - sum(one.byte_length for one in rejects)


def _is_among(one: Reject, present: Sequence[tuple[int, int]]) -> bool:
    at = bisect_left(present, (one.byte_offset + one.byte_length,)) - 1
    return at >= 0 and sum(present[at]) > one.byte_offset
