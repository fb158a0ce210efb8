-- delivery: how many numbers never arrived, and how many events arrived more than once?
--
-- One row, always: gaps and duplicates in figures.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   lookback  INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   lost_count       BIGINT  numbers that never arrived, allowed lateness is over
--   open_gap_count   BIGINT  runs of missing numbers that may still come
--   duplicate_count  BIGINT  events that arrived more than once at a consumer
--
-- Reads: gaps, duplicates
CREATE OR REPLACE MACRO delivery(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH missing AS (
    SELECT
        coalesce(sum(found.missing_count) FILTER (WHERE found.state = 'lost'), 0)
            AS lost_count,
        count(*) FILTER (WHERE found.state = 'open') AS open_gap_count
    FROM gaps(since := since, until := until, lookback := lookback) AS found
),

repeated AS (
    SELECT count(*) AS duplicate_count
    FROM duplicates(since := since, until := until, lookback := lookback)
)

SELECT
    least(missing.lost_count, 9223372036854775807)::BIGINT AS lost_count,
    missing.open_gap_count,
    repeated.duplicate_count
FROM missing
CROSS JOIN repeated
ORDER BY missing.open_gap_count;
