-- _rate_counts: how many events were logged over time, and how many of them are errors?
--
-- Rows that add up, up to three a bucket; unordered. Of whole minutes what is kept tells, where
-- it can answer; of the rest, where it cannot, and of one service, stream or type, the events.
--
-- Parameters
--   since       TIMESTAMP  first instant included
--   until       TIMESTAMP  first instant excluded
--   bucket      INTERVAL   length of a bucket
--   of_service  VARCHAR    only of this service (default: all)
--   of_stream   VARCHAR    only of this stream (default: all)
--   of_type     VARCHAR    only of this event type (default: all)
--
-- Columns
--   bucket_start  TIMESTAMP  start of the bucket, UTC
--   event_count   HUGEINT    observations
--   error_count   HUGEINT    of these, with a severity of error or worse
--
-- Reads: _kept_minutes, minute_work, _severe_counts
CREATE OR REPLACE MACRO _rate_counts(
    since,
    until,
    bucket,
    of_service := NULL,
    of_stream := NULL,
    of_type := NULL
) AS TABLE
WITH edges AS MATERIALIZED (
    SELECT
        -- Behind what is kept are minutes, never more: events there are looked for near the end.
        minutes.is_kept
        AND coalesce(of_service::VARCHAR, of_stream::VARCHAR, of_type::VARCHAR) IS NULL
        AND make_timestamp(minutes.until_no * 60000000)
        >= until::TIMESTAMP - INTERVAL 7 MINUTE AS is_kept,
        minutes.since_no,
        minutes.until_no
    FROM _kept_minutes(since, until, bucket) AS minutes
)

SELECT
    time_bucket(bucket::INTERVAL, make_timestamp(kept.minute_no * 60000000)) AS bucket_start,
    sum(kept.observation_count) AS event_count,
    sum(kept.error_count) AS error_count
FROM minute_work AS kept
INNER JOIN edges
    ON kept.minute_no >= edges.since_no AND kept.minute_no < edges.until_no
WHERE edges.is_kept
GROUP BY ALL
UNION ALL
SELECT
    counts.bucket_start,
    counts.event_count,
    counts.error_count
FROM
    _severe_counts(
        since,
        until,
        bucket,
        (SELECT NOT edges.is_kept FROM edges),
        of_service := of_service,
        of_stream := of_stream,
        of_type := of_type
    ) AS counts
UNION ALL
-- The first minute, where the window cuts it.
SELECT
    counts.bucket_start,
    counts.event_count,
    counts.error_count
FROM
    _severe_counts(
        since,
        least(
            time_bucket(
                INTERVAL 1 MINUTE,
                since::TIMESTAMP + INTERVAL 59999999 MICROSECOND
            ),
            until::TIMESTAMP
        ),
        bucket,
        (SELECT edges.is_kept FROM edges)
    ) AS counts
UNION ALL
-- What is behind the last minute that is kept.
SELECT
    counts.bucket_start,
    counts.event_count,
    counts.error_count
FROM
    _severe_counts(
        greatest(
            time_bucket(
                INTERVAL 1 MINUTE,
                since::TIMESTAMP + INTERVAL 59999999 MICROSECOND
            ),
            until::TIMESTAMP - INTERVAL 8 MINUTE
        ),
        until,
        bucket,
        (SELECT edges.is_kept FROM edges),
        not_before := (SELECT make_timestamp(edges.until_no * 60000000) FROM edges)
    ) AS counts;
