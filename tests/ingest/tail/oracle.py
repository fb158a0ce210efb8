"""Where every committed byte went: the equation that holds after every batch, stop and kill."""

from __future__ import annotations

import duckdb


def check_conservation(cursor: duckdb.DuckDBPyConnection) -> None:
    """Committed bytes are inherited, stored, quarantined or blank, of each file, no overlaps; days add up."""
    assert cursor.execute(_BROKEN_ACCOUNTS).fetchall() == []
    assert cursor.execute(_OVERLAPS).fetchall() == []
    assert cursor.execute(_NOT_AS_COVERED).fetchall() == []


_BROKEN_ACCOUNTS = """
WITH stored AS (
    SELECT file_id, sum(byte_length) FILTER (record_no = 0) AS bytes, count(*) AS events
    FROM observations GROUP BY file_id
), rejected AS (
    SELECT file_id, sum(byte_length) AS bytes, count(*) AS ranges FROM rejects GROUP BY file_id
)
SELECT files.*
FROM files
LEFT JOIN stored USING (file_id)
LEFT JOIN rejected USING (file_id)
WHERE committed_offset != inherited_bytes + stored_bytes + quarantined_bytes + blank_bytes
    OR stored_bytes != coalesce(stored.bytes, 0)
    OR quarantined_bytes != coalesce(rejected.bytes, 0)
    OR event_count != coalesce(stored.events, 0)
    OR reject_count != coalesce(rejected.ranges, 0)
"""

# Within a file, what is stored and what is rejected lies side by side, behind what is inherited
# and before the offset.
_OVERLAPS = """
WITH ranges AS (
    SELECT file_id, byte_offset, byte_length FROM observations WHERE record_no = 0
    UNION ALL BY NAME
    SELECT file_id, byte_offset, byte_length FROM rejects
), placed AS (
    SELECT
        ranges.*,
        files.inherited_bytes,
        files.committed_offset,
        lead(byte_offset) OVER (PARTITION BY file_id ORDER BY byte_offset, byte_length) AS following
    FROM ranges
    LEFT JOIN files USING (file_id)
)
SELECT * FROM placed
WHERE committed_offset IS NULL
    OR byte_offset < inherited_bytes
    OR byte_offset + byte_length > least(following, committed_offset)
"""

# What is kept of the days that the logs tell of is what the rows say.
_NOT_AS_COVERED = """
WITH kept AS (
    SELECT
        file_id, day_start, min(first_at), min(first_credible_at), max(last_credible_at),
        sum(event_count), sum(credible_count)
    FROM covered_days GROUP BY file_id, day_start
), stored AS (
    SELECT
        file_id, date_trunc('day', occurred_at), min(occurred_at),
        min(occurred_at) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE),
        max(occurred_at) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE),
        count(*)::HUGEINT,
        (count(*) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE))::HUGEINT
    FROM observations GROUP BY ALL
)
(FROM kept EXCEPT FROM stored) UNION ALL (FROM stored EXCEPT FROM kept)
"""
