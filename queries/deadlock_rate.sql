-- deadlock_rate: how many deadlocks were reported over time?
--
-- One row per bucket with a deadlock, half-open: [bucket_start, bucket_start + bucket). For
-- windows that are too short to tell one hour from the next; deadlocks_per_hour counts by
-- the clock hour and has rows of 0.
-- What has no readable time is in no bucket.
--
-- Parameters
--   since       TIMESTAMP  first instant included (default: the oldest event)
--   until       TIMESTAMP  first instant excluded (default: the newest event)
--   bucket      INTERVAL   length of a bucket (default: 1 minute)
--   of_service  VARCHAR    only those that this service reported (default: all)
--
-- Columns
--   bucket_start    TIMESTAMP  start of the bucket, UTC
--   deadlock_count  BIGINT     deadlocks in the bucket
--
-- Reads: _deadlock_records
CREATE OR REPLACE MACRO deadlock_rate(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    of_service := NULL
) AS TABLE
SELECT
    time_bucket(bucket::INTERVAL, records.occurred_at) AS bucket_start,
    count(*) AS deadlock_count
FROM _deadlock_records(since := since, until := until) AS records
WHERE
    records.occurred_at IS NOT NULL
    AND (of_service::VARCHAR IS NULL OR records.service = of_service::VARCHAR)
GROUP BY ALL
ORDER BY bucket_start;
