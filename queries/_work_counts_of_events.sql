-- _work_counts_of_events: what does _work_counts give when every event is read?
--
-- Rows as those of _work_counts, unordered.
--
-- Parameters
--   since      TIMESTAMP  first instant included
--   until      TIMESTAMP  first instant excluded
--   bucket     INTERVAL   length of a bucket
--   is_wanted  BOOLEAN    there are no rows, and nothing is read, unless it is true
--
-- Columns
--   bucket_start       TIMESTAMP  start of the bucket, UTC
--   observation_count  HUGEINT    observations
--   retry_count        HUGEINT    of these, with an attempt above 1 or the broker's flag
--   deep_count         HUGEINT    events that were at least the eighth of their type and entity
--                                 in their flow
--
-- Reads: events
CREATE OR REPLACE MACRO _work_counts_of_events(since, until, bucket, is_wanted) AS TABLE
WITH observed AS MATERIALIZED (
    SELECT
        time_bucket(bucket::INTERVAL, events.occurred_at) AS bucket_start,
        events.occurred_at,
        events.event_id,
        events.correlation_id,
        hash(events.correlation_id, events.event_type, events.entity) AS turn_hash,
        coalesce(events.attempt > 1, FALSE)
        OR coalesce(events.is_redelivered, FALSE) AS is_retry
    FROM events
    WHERE
        events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
        AND is_wanted
),

first_seen AS (
    SELECT
        observed.turn_hash,
        observed.event_id,
        min(observed.occurred_at) AS first_at
    FROM observed
    WHERE observed.correlation_id IS NOT NULL AND observed.event_id IS NOT NULL
    GROUP BY observed.turn_hash, observed.event_id
),

turns AS (
    SELECT
        first_seen.first_at,
        row_number() OVER (
            PARTITION BY first_seen.turn_hash ORDER BY first_seen.first_at, first_seen.event_id
        ) AS turn
    FROM first_seen
),

deep AS (
    SELECT
        time_bucket(bucket::INTERVAL, turns.first_at) AS bucket_start,
        count(*) AS deep_count
    FROM turns
    WHERE turns.turn >= 8
    GROUP BY ALL
),

retried AS (
    SELECT
        observed.bucket_start,
        count(*) AS observation_count,
        count(*) FILTER (WHERE observed.is_retry) AS retry_count
    FROM observed
    GROUP BY observed.bucket_start
)

SELECT
    retried.bucket_start,
    retried.observation_count,
    retried.retry_count,
    coalesce(deep.deep_count, 0) AS deep_count
FROM retried
LEFT OUTER JOIN deep ON retried.bucket_start = deep.bucket_start;
