-- type_counts: how many events of which type were there over time?
--
-- One row per bucket and type with observations. Counts observations; what has no readable
-- time is in no bucket. Taken from what is kept per minute where that can answer, else from
-- the events.
--
-- Parameters
--   since   TIMESTAMP  first instant included (default: the oldest event)
--   until   TIMESTAMP  first instant excluded (default: the newest event)
--   bucket  INTERVAL   length of a bucket (default: 1 minute)
--
-- Columns
--   bucket_start  TIMESTAMP  start of the bucket, UTC
--   event_type    VARCHAR    type of the events, or their stream, or (no type)
--   event_count   BIGINT     observations
--
-- Reads: _kept_minutes, minute_counts, events
CREATE OR REPLACE MACRO type_counts(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE
) AS TABLE
WITH edges AS MATERIALIZED (
    SELECT
        minutes.is_kept,
        minutes.since_no,
        minutes.until_no
    FROM _kept_minutes(since, until, bucket) AS minutes
)

SELECT
    time_bucket(bucket::INTERVAL, make_timestamp(kept.minute_no * 60000000)) AS bucket_start,
    kept.event_type,
    sum(kept.event_count)::BIGINT AS event_count
FROM minute_counts AS kept
INNER JOIN edges
    ON kept.minute_no >= edges.since_no AND kept.minute_no < edges.until_no
WHERE edges.is_kept
GROUP BY ALL
UNION ALL
SELECT
    time_bucket(bucket::INTERVAL, events.occurred_at) AS bucket_start,
    coalesce(events.event_type, events.stream, '(no type)') AS event_type,
    count(*) AS event_count
FROM events
WHERE
    events.occurred_at >= since::TIMESTAMP
    AND events.occurred_at < until::TIMESTAMP
    AND (SELECT NOT edges.is_kept FROM edges)
GROUP BY ALL
ORDER BY bucket_start, event_type;
