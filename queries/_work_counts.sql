-- _work_counts: how much work was there over time, and how much of it was done again?
--
-- One row per bucket with observations; unordered. Taken from what is kept per minute where
-- that can answer, else from the events.
--
-- Parameters
--   since   TIMESTAMP  first instant included
--   until   TIMESTAMP  first instant excluded
--   bucket  INTERVAL   length of a bucket
--
-- Columns
--   bucket_start       TIMESTAMP  start of the bucket, UTC
--   observation_count  HUGEINT    observations
--   retry_count        HUGEINT    of these, with an attempt above 1 or the broker's flag
--   deep_count         HUGEINT    events that were at least the eighth of their type and entity
--                                 in their flow
--
-- Reads: _kept_minutes, minute_work, _work_counts_of_events
CREATE OR REPLACE MACRO _work_counts(since, until, bucket) AS TABLE
WITH edges AS MATERIALIZED (
    SELECT
        minutes.is_kept,
        minutes.since_no,
        minutes.until_no
    FROM _kept_minutes(since, until, bucket) AS minutes
)

SELECT
    time_bucket(bucket::INTERVAL, make_timestamp(kept.minute_no * 60000000)) AS bucket_start,
    sum(kept.observation_count) AS observation_count,
    sum(kept.retry_count) AS retry_count,
    sum(kept.deep_count) AS deep_count
FROM minute_work AS kept
INNER JOIN edges
    ON kept.minute_no >= edges.since_no AND kept.minute_no < edges.until_no
WHERE edges.is_kept
GROUP BY ALL
UNION ALL
SELECT
    counts.bucket_start,
    counts.observation_count,
    counts.retry_count,
    counts.deep_count
FROM
    _work_counts_of_events(since, until, bucket, (SELECT NOT edges.is_kept FROM edges))
        AS counts;
