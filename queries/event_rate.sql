-- event_rate: how many events were logged over time, and how many of them are errors?
--
-- One row per bucket from the first to the last event of the window, half-open:
-- [bucket_start, bucket_start + bucket). Buckets without an event are there with 0, unless
-- 2000 in a row or more are empty. Counts observations.
-- What has no readable time is in no bucket.
--
-- Parameters
--   since       TIMESTAMP  first instant included (default: the oldest event)
--   until       TIMESTAMP  first instant excluded (default: the newest event)
--   bucket      INTERVAL   length of a bucket (default: 1 minute)
--   of_service  VARCHAR    only of this service (default: all)
--   of_stream   VARCHAR    only of this stream (default: all)
--   of_type     VARCHAR    only of this event type (default: all)
--
-- Columns
--   bucket_start  TIMESTAMP  start of the bucket, UTC
--   event_count   BIGINT     observations in the bucket
--   error_count   BIGINT     of these, with a severity of error or worse
--
-- Reads: _rate_counts
CREATE OR REPLACE MACRO event_rate(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    of_service := NULL,
    of_stream := NULL,
    of_type := NULL
) AS TABLE
WITH counts AS (
    SELECT
        found.bucket_start,
        sum(found.event_count)::BIGINT AS event_count,
        sum(found.error_count)::BIGINT AS error_count
    FROM
        _rate_counts(
            since,
            until,
            bucket,
            of_service := of_service,
            of_stream := of_stream,
            of_type := of_type
        ) AS found
    GROUP BY found.bucket_start
),

followed AS (
    SELECT
        counts.bucket_start,
        lead(counts.bucket_start) OVER (ORDER BY counts.bucket_start) AS next_bucket
    FROM counts
),

buckets AS (
    SELECT
        unnest(
            CASE
                WHEN
                    followed.next_bucket
                    <= followed.bucket_start + 2000 * bucket::INTERVAL
                    THEN
                        range(
                            followed.bucket_start,
                            followed.next_bucket,
                            bucket::INTERVAL
                        )
                ELSE [followed.bucket_start]
            END
        ) AS bucket_start
    FROM followed
)

SELECT
    buckets.bucket_start,
    coalesce(counts.event_count, 0) AS event_count,
    coalesce(counts.error_count, 0) AS error_count
FROM buckets
LEFT OUTER JOIN counts ON buckets.bucket_start = counts.bucket_start
ORDER BY buckets.bucket_start;
