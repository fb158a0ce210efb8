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
-- Reads: _kept_minutes, minute_counts, _type_counts_of_events
CREATE OR REPLACE MACRO type_counts(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE
) AS TABLE
WITH edges AS MATERIALIZED (
    SELECT
        -- Events behind what is kept are looked for near the end only.
        minutes.is_kept
        AND make_timestamp(minutes.until_no * 60000000)
        >= until::TIMESTAMP - INTERVAL 7 MINUTE AS is_kept,
        minutes.since_no,
        minutes.until_no
    FROM _kept_minutes(since, until, bucket) AS minutes
),

counts AS (
    SELECT
        time_bucket(bucket::INTERVAL, make_timestamp(kept.minute_no * 60000000))
            AS bucket_start,
        kept.event_type,
        kept.event_count
    FROM minute_counts AS kept
    INNER JOIN edges
        ON kept.minute_no >= edges.since_no AND kept.minute_no < edges.until_no
    WHERE edges.is_kept
    UNION ALL
    SELECT
        found.bucket_start,
        found.event_type,
        found.event_count
    FROM
        _type_counts_of_events(
            since, until, bucket, (SELECT NOT edges.is_kept FROM edges)
        ) AS found
    UNION ALL
    -- The first minute, where the window cuts it.
    SELECT
        found.bucket_start,
        found.event_type,
        found.event_count
    FROM
        _type_counts_of_events(
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
        ) AS found
    UNION ALL
    -- What is behind the last minute that is kept.
    SELECT
        found.bucket_start,
        found.event_type,
        found.event_count
    FROM
        _type_counts_of_events(
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
        ) AS found
)

SELECT
    counts.bucket_start,
    counts.event_type,
    sum(counts.event_count)::BIGINT AS event_count
FROM counts
GROUP BY counts.bucket_start, counts.event_type
ORDER BY counts.bucket_start, counts.event_type;
