-- lock_log_coverage: how much of what locks did is in the logs?
--
-- One row. A deadlock can be found in lock events only as far as these are logged: with one
-- line in a hundred lost, about one deadlock in fourteen cannot be. Ratios near 1 say that
-- little is missing; where no grant or no release is logged, only reports count.
-- What has no readable time is in no window.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   wait_count         BIGINT  waits that were logged
--   ended_wait_ratio   DOUBLE  of them those whose end was logged
--   blamed_wait_ratio  DOUBLE  of them those where the log says who was in the way
--   hold_count         BIGINT  grants that were logged
--   ended_hold_ratio   DOUBLE  of them those whose release was logged
--   report_count       BIGINT  deadlocks that were reported
--   known_ratio        DOUBLE  of the reports those that name their members
--
-- Reads: deadlocks, _lock_spells
CREATE OR REPLACE MACRO lock_log_coverage(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
WITH spells AS (
    SELECT
        count(*) FILTER (WHERE found.is_wait) AS wait_count,
        count(*) FILTER (WHERE found.is_wait AND found.is_ended) AS ended_wait_count,
        count(*) FILTER (WHERE found.is_wait AND found.blocked_by IS NOT NULL)
            AS blamed_wait_count,
        count(*) FILTER (WHERE NOT found.is_wait) AS hold_count,
        count(*) FILTER (WHERE NOT found.is_wait AND found.is_ended) AS ended_hold_count
    FROM _lock_spells(since, until, INTERVAL 1 HOUR) AS found
),

reports AS (
    SELECT
        count(*) AS report_count,
        count(*) FILTER (WHERE reported.member_count > 0) AS known_count
    FROM deadlocks(since, until) AS reported
)

SELECT
    spells.wait_count,
    spells.ended_wait_count / nullif(spells.wait_count, 0) AS ended_wait_ratio,
    spells.blamed_wait_count / nullif(spells.wait_count, 0) AS blamed_wait_ratio,
    spells.hold_count,
    spells.ended_hold_count / nullif(spells.hold_count, 0) AS ended_hold_ratio,
    reports.report_count,
    reports.known_count / nullif(reports.report_count, 0) AS known_ratio
FROM spells
CROSS JOIN reports
ORDER BY spells.wait_count;
