-- _type_counts: how many events of which type were there over time?
--
-- One row per bucket with observations and type; unordered. Taken from what is kept per
-- minute where that can answer, else from the events.
--
-- Parameters
--   since   TIMESTAMP  first instant included
--   until   TIMESTAMP  first instant excluded
--   bucket  INTERVAL   length of a bucket
--
-- Columns
--   bucket_no    BIGINT   number of the bucket since 1970
--   event_type   VARCHAR  type of the events, or their stream, or (no type)
--   event_count  HUGEINT  observations
--
-- Reads: _kept_minutes, minute_counts, events
CREATE OR REPLACE MACRO _type_counts(since, until, bucket) AS TABLE
WITH edges AS MATERIALIZED (
    SELECT
        minutes.is_kept,
        minutes.since_no,
        minutes.until_no
    FROM _kept_minutes(since, until, bucket) AS minutes
)

SELECT
    kept.minute_no // (epoch_us(bucket::INTERVAL) // 60000000) AS bucket_no,
    kept.event_type,
    sum(kept.event_count) AS event_count
FROM minute_counts AS kept
INNER JOIN edges
    ON kept.minute_no >= edges.since_no AND kept.minute_no < edges.until_no
WHERE edges.is_kept
GROUP BY ALL
UNION ALL
SELECT
    epoch_us(events.occurred_at) // epoch_us(bucket::INTERVAL) AS bucket_no,
    coalesce(events.event_type, events.stream, '(no type)') AS event_type,
    count(*) AS event_count
FROM events
WHERE
    events.occurred_at >= since::TIMESTAMP
    AND events.occurred_at < until::TIMESTAMP
    AND (SELECT NOT edges.is_kept FROM edges)
GROUP BY ALL;
