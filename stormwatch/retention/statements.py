"""What is deleted, and what is brought into line with it: SQL.

Old is what happened before `$before`, an instant at which a second begins; a record without a readable
time is as old as its reading, and so is what is in quarantine.
"""

from __future__ import annotations

from typing import Final

_CREDIBLE: Final = "occurred_at <= ingested_at + INTERVAL 5 MINUTE"
"""As in ingest/inserts."""
# Each condition by itself, so that row groups without such rows are passed over.
_OLD: Final = ("occurred_at < $before", "occurred_at IS NULL AND ingested_at < $before")
_OLD_REJECTS: Final = "rejected_at < $before"


def _old(columns: str, group: str = "") -> str:
    return " UNION ALL ".join(f"SELECT {columns} FROM observations WHERE {is_old} {group}" for is_old in _OLD)


def _of_old(table: str) -> str:
    """The condition of rows that hang on an old record, wherever that stands."""
    return f"""
    EXISTS (
        SELECT 1 FROM ({_old("file_id, byte_offset, record_no")}) AS old
        WHERE old.file_id = {table}.file_id AND old.byte_offset = {table}.byte_offset
            AND old.record_no = {table}.record_no
    )"""


_CONDITIONS: Final = (
    ("causes", _of_old("causes")),
    ("locks", _of_old("locks")),
    *(("observations", is_old) for is_old in _OLD),
    ("rejects", _OLD_REJECTS),
)
"""Of the rows that go, in this order; those of a table add up."""
DELETE: Final = tuple((table, f"DELETE FROM {table} WHERE {where}") for table, where in _CONDITIONS)
COUNT: Final = tuple((table, f"SELECT count(*) FROM {table} WHERE {where}") for table, where in _CONDITIONS)
TABLES: Final = ("observations", "causes", "locks", "rejects")

NEWEST: Final = "SELECT max(last_credible_at) FROM covered_days"
_OLD_SECONDS: Final = _old(
    "epoch_us(coalesce(occurred_at, ingested_at)) // 1000000 AS second_no, count(*) AS row_count",
    "GROUP BY second_no",
)
SLICES: Final = f"""
WITH seconds AS (
    SELECT second_no, sum(row_count) AS row_count
    FROM (
        {_OLD_SECONDS}
        UNION ALL
        SELECT epoch_us(rejected_at) // 1000000 AS second_no, count(*) AS row_count
        FROM rejects WHERE {_OLD_REJECTS} GROUP BY second_no
    )
    GROUP BY second_no
), sized AS (
    SELECT second_no, row_count, sum(row_count) OVER (PARTITION BY second_no // 60) AS minute_count
    FROM seconds
), parts AS (
    SELECT
        CASE WHEN minute_count > $rows THEN second_no + 1 ELSE (second_no // 60 + 1) * 60 END AS end_no,
        sum(row_count) AS row_count
    FROM sized GROUP BY end_no
), running AS (
    SELECT end_no, (sum(row_count) OVER (ORDER BY end_no) - 1) // $rows AS slice_no FROM parts
)
SELECT max(end_no) FROM running GROUP BY slice_no ORDER BY slice_no
"""
"""The seconds since 1970 at which slices end, with about as many rows as are wanted: whole minutes, but for
those that hold more by themselves."""

_OLD_BY_DAY: Final = _old(
    f"""
    file_id, date_trunc('day', occurred_at) AS day_start, count(*) AS event_count,
    count(*) FILTER ({_CREDIBLE}) AS credible_count,
    coalesce(sum(byte_length) FILTER (record_no = 0), 0) AS byte_count""",
    "GROUP BY ALL",
)
GATHER: Final = (
    f"""
CREATE OR REPLACE TEMP TABLE gone AS
{_OLD_BY_DAY}
""",
    f"""
CREATE OR REPLACE TEMP TABLE pruned_sums AS
SELECT
    file_id, sum(stored_bytes)::BIGINT, sum(quarantined_bytes)::BIGINT, sum(event_count)::BIGINT,
    sum(reject_count)::BIGINT
FROM (
    FROM pruned_files
    UNION ALL
    SELECT file_id, byte_count, 0, event_count, 0 FROM gone
    UNION ALL
    SELECT file_id, 0, byte_length, 0, 1 FROM rejects WHERE {_OLD_REJECTS}
)
GROUP BY file_id
""",
)
"""What is about to go, before it does."""
ACCOUNT: Final = ("DELETE FROM pruned_files", "INSERT INTO pruned_files FROM pruned_sums")

OLDEST: Final = f"""
SELECT min(occurred_at), min(occurred_at) FILTER ({_CREDIBLE})
FROM observations WHERE occurred_at >= $before AND occurred_at < $until
"""
COVER: Final = (
    # Of the day in which what is kept begins some is left; of those before it nothing is.
    """
CREATE OR REPLACE TEMP TABLE still_covered AS
WITH left_over AS (
    SELECT
        covered.file_id, covered.day_start, min(covered.first_at) AS first_at,
        min(covered.first_credible_at) AS first_credible_at,
        max(covered.last_credible_at) AS last_credible_at,
        (sum(covered.event_count) - any_value(gone.event_count))::BIGINT AS event_count,
        (sum(covered.credible_count) - any_value(gone.credible_count))::BIGINT AS credible_count
    FROM covered_days AS covered
    INNER JOIN gone
        ON covered.file_id = gone.file_id AND covered.day_start IS NOT DISTINCT FROM gone.day_start
    GROUP BY covered.file_id, covered.day_start
)
SELECT
    file_id, day_start,
    CASE WHEN day_start IS NOT NULL THEN greatest(first_at, $oldest::TIMESTAMP) END,
    CASE WHEN credible_count > 0 THEN greatest(first_credible_at, $credible::TIMESTAMP) END,
    CASE WHEN credible_count > 0 THEN last_credible_at END,
    event_count, credible_count
FROM left_over WHERE event_count > 0
""",
    """
DELETE FROM covered_days
USING gone
WHERE covered_days.file_id = gone.file_id AND covered_days.day_start IS NOT DISTINCT FROM gone.day_start
""",
    "INSERT INTO covered_days FROM still_covered",
)

UNCOUNT: Final = (
    *(
        f"DELETE FROM {table} WHERE minute_no < $minute_no"
        for table in ("minute_counts", "minute_effects", "minute_work", "minute_flows", "stale_minutes")
    ),
    # Before what is kept there is nothing, so that what is counted from there on is all there is.
    """
UPDATE minute_state SET
    since_no = CASE WHEN since_no > $minute_no THEN since_no WHEN $is_whole THEN 0 ELSE $minute_no END,
    effects_since_no = CASE
        WHEN effects_since_no > $minute_no THEN effects_since_no WHEN $is_whole THEN 0 ELSE $minute_no
    END
""",
    *(f"DELETE FROM {table} WHERE block_no < $block_no" for table in ("block_faults", "stale_blocks")),
    """
UPDATE block_state SET
    since_no = CASE WHEN since_no > $block_no THEN since_no WHEN $fits_block THEN 0 ELSE $block_no END
""",
)
"""Counts of what comes before `$minute_no` and `$block_no`, the first of which no event is gone.

Where nothing of those before is left, `$is_whole` and `$fits_block` say so.
"""

NOTE: Final = (
    """
CREATE OR REPLACE TEMP TABLE pruned_now AS
SELECT
    $reason AS reason, $before::TIMESTAMP AS pruned_before, $now::TIMESTAMP AS pruned_at,
    coalesce(sum(event_count), 0) + $events AS event_count,
    coalesce(sum(reject_count), 0) + $rejects AS reject_count
FROM prunings WHERE reason = $reason
""",
    "DELETE FROM prunings WHERE reason = $reason",
    "INSERT INTO prunings FROM pruned_now",
    """
INSERT INTO batches
SELECT coalesce(max(batch_id), 0) + 1, $now, 0, 0, 0, NULL, $duration_ms FROM batches
""",
)
"""Last, the version of the data: what is asked now has other answers."""

FOLD: Final = (
    """
CREATE OR REPLACE TEMP TABLE folded AS
SELECT
    max(batch_id), max(committed_at), sum(event_count)::BIGINT, sum(reject_count)::BIGINT,
    sum(byte_count)::BIGINT, max(newest_occurred_at), sum(duration_ms)
FROM batches WHERE committed_at < date_trunc('hour', $before::TIMESTAMP)
GROUP BY date_trunc('hour', committed_at)
""",
    "DELETE FROM batches WHERE committed_at < date_trunc('hour', $before::TIMESTAMP)",
    "INSERT INTO batches FROM folded",
)
"""Of hours of which the events are gone, what was read in each hour stays."""
FREE: Final = "SELECT free_blocks * block_size FROM pragma_database_size()"
