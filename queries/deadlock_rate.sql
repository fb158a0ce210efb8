-- deadlock_rate: how many deadlocks were there over time?
--
-- One row per bucket with a deadlock, half-open: [bucket_start, bucket_start + bucket). For
-- windows that are too short to tell one hour from the next; deadlocks_per_hour counts by
-- the clock hour and has rows of 0, and says which count when.
-- What has no readable time is in no bucket.
--
-- Parameters
--   since       TIMESTAMP  first instant included (default: the oldest event)
--   until       TIMESTAMP  first instant excluded (default: the newest event)
--   bucket      INTERVAL   length of a bucket (default: 1 minute)
--   of_service  VARCHAR    only those that this service reported (default: all)
--   unreported  BOOLEAN    whether those count that nobody reported, which lock events are
--                          read for; none of a service does (default: true)
--
-- Columns
--   bucket_start      TIMESTAMP  start of the bucket, UTC
--   deadlock_count    BIGINT     deadlocks in the bucket
--   unreported_count  BIGINT     of these, that nobody reported
--
-- Reads: _deadlock_records, _unreported_deadlocks
CREATE OR REPLACE MACRO deadlock_rate(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    of_service := NULL,
    unreported := TRUE
) AS TABLE
WITH known AS (
    SELECT
        records.occurred_at,
        0 AS unreported_count
    FROM _deadlock_records(since := since, until := until) AS records
    WHERE
        records.occurred_at IS NOT NULL
        AND (of_service::VARCHAR IS NULL OR records.service = of_service::VARCHAR)
    UNION ALL
    SELECT
        circles.occurred_at,
        1 AS unreported_count
    FROM
        _unreported_deadlocks(
            since, until, unreported::BOOLEAN AND of_service::VARCHAR IS NULL
        ) AS circles
)

SELECT
    time_bucket(bucket::INTERVAL, known.occurred_at) AS bucket_start,
    count(*) AS deadlock_count,
    sum(known.unreported_count)::BIGINT AS unreported_count
FROM known
GROUP BY ALL
ORDER BY bucket_start;
