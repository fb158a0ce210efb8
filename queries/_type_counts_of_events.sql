-- _type_counts_of_events: what does type_counts give when every event is read?
--
-- One row per bucket and type with observations; unordered.
--
-- Parameters
--   since       TIMESTAMP  first instant included
--   until       TIMESTAMP  first instant excluded
--   bucket      INTERVAL   length of a bucket
--   is_wanted   BOOLEAN    there are no rows, and nothing is read, unless it is true
--   not_before  TIMESTAMP  another first instant included (default: the oldest event)
--
-- Columns
--   bucket_start  TIMESTAMP  start of the bucket, UTC
--   event_type    VARCHAR    type of the events, or their stream, or (no type)
--   event_count   BIGINT     observations
--
-- Reads: events
CREATE OR REPLACE MACRO _type_counts_of_events(
    since,
    until,
    bucket,
    is_wanted,
    not_before := '-infinity'::TIMESTAMP
) AS TABLE
SELECT
    time_bucket(bucket::INTERVAL, events.occurred_at) AS bucket_start,
    coalesce(events.event_type, events.stream, '(no type)') AS event_type,
    count(*) AS event_count
FROM events
WHERE
    events.occurred_at >= since::TIMESTAMP
    AND events.occurred_at < until::TIMESTAMP
    AND is_wanted
    AND events.occurred_at >= not_before::TIMESTAMP
GROUP BY ALL;
