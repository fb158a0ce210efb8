"""Where every committed byte went: the equation that holds after every batch, stop and kill."""

from __future__ import annotations

import duckdb


def check_conservation(cursor: duckdb.DuckDBPyConnection) -> None:
    """Committed bytes are inherited, stored, quarantined, pruned or blank, of each file; days add up."""
    assert cursor.execute(_BROKEN_ACCOUNTS).fetchall() == []
    assert cursor.execute(_OVERLAPS).fetchall() == []
    assert cursor.execute(_NOT_AS_COVERED.format(file="file_id,", is_blurred=_IS_PRUNED)).fetchall() == []
    assert cursor.execute(_NOT_AS_COVERED.format(file="", is_blurred="FALSE")).fetchall() == []


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
LEFT JOIN pruned_files AS pruned USING (file_id)
WHERE committed_offset != inherited_bytes + files.stored_bytes + files.quarantined_bytes + blank_bytes
    OR files.stored_bytes - coalesce(pruned.stored_bytes, 0) != coalesce(stored.bytes, 0)
    OR files.quarantined_bytes - coalesce(pruned.quarantined_bytes, 0) != coalesce(rejected.bytes, 0)
    OR files.event_count - coalesce(pruned.event_count, 0) != coalesce(stored.events, 0)
    OR files.reject_count - coalesce(pruned.reject_count, 0) != coalesce(rejected.ranges, 0)
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

# What is kept of the days that the logs tell of is what the rows say: of all files together, and of each,
# but for where the part of a day begins that is left of a file.
_IS_PRUNED = "file_id IN (SELECT file_id FROM pruned_files)"
_NOT_AS_COVERED = """
WITH kept AS (
    SELECT
        {file} day_start, min(first_at) AS first_at, min(first_credible_at) AS first_credible_at,
        max(last_credible_at) AS last_at, sum(event_count) AS events, sum(credible_count) AS credible
    FROM covered_days GROUP BY {file} day_start
), stored AS (
    SELECT
        {file} date_trunc('day', occurred_at) AS day_start, min(occurred_at) AS first_at,
        min(occurred_at) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE) AS first_credible_at,
        max(occurred_at) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE),
        count(*)::HUGEINT,
        (count(*) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE))::HUGEINT
    FROM observations GROUP BY {file} day_start
), compared AS (
    SELECT 'kept' AS side, * FROM kept UNION ALL SELECT 'stored' AS side, * FROM stored
), blurred AS (
    SELECT * REPLACE (
        CASE WHEN {is_blurred} THEN NULL ELSE first_at END AS first_at,
        CASE WHEN {is_blurred} THEN NULL ELSE first_credible_at END AS first_credible_at
    ) FROM compared
)
SELECT * EXCLUDE (side) FROM blurred GROUP BY ALL HAVING count(*) <> 2
"""
