-- read_up_to: up to which instant is everything that was written also stored?
--
-- One row, always. When nothing waits to be read, the log is complete up to its newest event. A file of
-- which bytes wait is complete up to its own newest event: what comes next in it is newer, or late.
--
-- Columns
--   read_to       TIMESTAMP  up to there nothing is known to be missing, UTC; NULL without events that have
--                            a time, and when a file waits of which none is stored
--   behind_count  BIGINT     files of which bytes wait; a last line without an end is one
--
-- Reads: ingest_health, log_coverage, events
CREATE OR REPLACE VIEW read_up_to AS
WITH
behind AS (
    SELECT health.file_id
    FROM ingest_health AS health
    WHERE health.backlog_bytes > 0
),

reached AS (
    SELECT
        behind.file_id,
        max(events.occurred_at) AS newest_at
    FROM behind
    LEFT OUTER JOIN events ON behind.file_id = events.file_id
    GROUP BY behind.file_id
)

SELECT
    CASE
        WHEN count(*) FILTER (WHERE reached.newest_at IS NULL) = 0
            THEN least(min(reached.newest_at), (SELECT coverage.last_at FROM log_coverage AS coverage))
    END AS read_to,
    count(*) AS behind_count
FROM reached
ORDER BY read_to;
