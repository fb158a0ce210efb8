-- delivery_history: when and where were numbers lost, and when did events arrive again?
--
-- One row per bucket, consumer and stream with a gap or a duplicate, half-open:
-- [bucket_start, bucket_start + bucket). A gap counts when a larger number first arrived, a
-- duplicate when its last copy did. delivery has the sums.
-- What has no readable time is there when no window is asked for, in the row without a
-- bucket, and in no window.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   bucket    INTERVAL   length of a bucket (default: 1 minute)
--   lookback  INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   bucket_start     TIMESTAMP  start of the bucket, UTC; NULL of what has no time
--   consumer         VARCHAR    service that they did not arrive at, or again, else node
--   stream           VARCHAR    topic, queue or destination
--   lost_count       BIGINT     numbers that never arrived, allowed lateness is over
--   open_gap_count   BIGINT     runs of missing numbers that may still come
--   duplicate_count  BIGINT     events that arrived more than once
--
-- Reads: gaps, duplicates
CREATE OR REPLACE MACRO delivery_history(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH noticed AS (
    SELECT
        gaps.noticed_at,
        gaps.consumer,
        gaps.stream,
        CASE WHEN gaps.state = 'lost' THEN gaps.missing_count ELSE 0 END AS lost_count,
        CASE WHEN gaps.state = 'open' THEN 1 ELSE 0 END AS open_gap_count,
        0 AS duplicate_count
    FROM gaps(since := since, until := until, lookback := lookback) AS gaps
    UNION ALL
    SELECT
        repeated.last_at AS noticed_at,
        repeated.consumer,
        repeated.stream,
        0 AS lost_count,
        0 AS open_gap_count,
        1 AS duplicate_count
    FROM duplicates(since := since, until := until, lookback := lookback) AS repeated
),

counted AS (
    SELECT
        time_bucket(bucket::INTERVAL, noticed.noticed_at) AS bucket_start,
        noticed.consumer,
        noticed.stream,
        sum(noticed.lost_count) AS lost_count,
        sum(noticed.open_gap_count)::BIGINT AS open_gap_count,
        sum(noticed.duplicate_count)::BIGINT AS duplicate_count
    FROM noticed
    GROUP BY ALL
)

SELECT
    counted.bucket_start,
    counted.consumer,
    counted.stream,
    least(counted.lost_count, 9223372036854775807)::BIGINT AS lost_count,
    counted.open_gap_count,
    counted.duplicate_count
FROM counted
ORDER BY counted.bucket_start, counted.consumer, counted.stream;
