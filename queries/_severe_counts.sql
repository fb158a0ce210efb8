-- _severe_counts: how many events were logged, and how many errors, when every event is read?
--
-- One row per bucket with events; unordered.
--
-- Parameters
--   since       TIMESTAMP  first instant included
--   until       TIMESTAMP  first instant excluded
--   bucket      INTERVAL   length of a bucket
--   is_wanted   BOOLEAN    there are no rows, and nothing is read, unless it is true
--   not_before  TIMESTAMP  another first instant included (default: the oldest event)
--   of_service  VARCHAR    only of this service (default: all)
--   of_stream   VARCHAR    only of this stream (default: all)
--   of_type     VARCHAR    only of this event type (default: all)
--
-- Columns
--   bucket_start  TIMESTAMP  start of the bucket, UTC
--   event_count   HUGEINT    observations
--   error_count   HUGEINT    of these, with a severity of error or worse
--
-- Reads: events
CREATE OR REPLACE MACRO _severe_counts(
    since,
    until,
    bucket,
    is_wanted,
    not_before := '-infinity'::TIMESTAMP,
    of_service := NULL,
    of_stream := NULL,
    of_type := NULL
) AS TABLE
WITH by_severity AS (
    SELECT
        time_bucket(bucket::INTERVAL, events.occurred_at) AS bucket_start,
        events.severity,
        count(*) AS event_count
    FROM events
    WHERE
        events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
        AND is_wanted
        AND events.occurred_at >= not_before::TIMESTAMP
        AND (of_service::VARCHAR IS NULL OR events.service = of_service::VARCHAR)
        AND (of_stream::VARCHAR IS NULL OR events.stream = of_stream::VARCHAR)
        AND (of_type::VARCHAR IS NULL OR events.event_type = of_type::VARCHAR)
    GROUP BY ALL
)

SELECT
    by_severity.bucket_start,
    sum(by_severity.event_count) AS event_count,
    coalesce(
        sum(by_severity.event_count) FILTER (
            WHERE regexp_full_match(
                by_severity.severity,
                'err|error[2-4]?|severe|crit|critical|alert|emerg|emergency|panic'
                '|fatal[2-4]?|50|60',
                'i'
            )
        ),
        0
    ) AS error_count
FROM by_severity
GROUP BY by_severity.bucket_start;
