-- reorder_hotspots: where and when do events arrive out of order?
--
-- One row per consumer, stream and bucket with numbered arrivals, half-open:
-- [bucket_start, bucket_start + bucket). First copies only, as the ratio is defined;
-- ratios compare only between streams of similar density.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since        TIMESTAMP  first instant included (default: the oldest event)
--   until        TIMESTAMP  first instant excluded (default: the newest event)
--   bucket       INTERVAL   length of a bucket (default: 1 minute)
--   lookback     INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--   place_limit  BIGINT     pairs of consumer and stream at most, those with most events out of
--                           order (default: all)
--
-- Columns
--   consumer          VARCHAR    service they arrived at, else node
--   stream            VARCHAR    topic, queue or destination
--   bucket_start      TIMESTAMP  start of the bucket, UTC
--   arrival_count     BIGINT     first copies that arrived
--   reordered_count   BIGINT     of these, after a larger number of their scope
--   reordered_ratio   DOUBLE     reordered_count / arrival_count, 0..1
--   late_time_p99_ms  DOUBLE     99th percentile of the late time; NULL when none was late
--   extent_max        BIGINT     largest extent; NULL when none was late
--
-- Source: RFC 4737 sections 3.6, 4.1, 4.2.3 and 4.3.3.
-- Reads: _arrivals, _arrivals_behind
CREATE OR REPLACE MACRO reorder_hotspots(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    lookback := INTERVAL 1 HOUR,
    place_limit := NULL::BIGINT
) AS TABLE
WITH arrived AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        time_bucket(bucket::INTERVAL, arrivals.occurred_at) AS bucket_start,
        count(*) AS row_count
    FROM
        _arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP) AS arrivals
    WHERE arrivals.sequence IS NOT NULL AND arrivals.occurred_at >= since::TIMESTAMP
    GROUP BY ALL
),

behind AS (
    SELECT
        found.consumer,
        found.stream,
        time_bucket(bucket::INTERVAL, found.occurred_at) AS bucket_start,
        count(*) FILTER (WHERE found.copy_number > 1) AS copy_count,
        count(*) FILTER (WHERE found.is_reordered AND found.copy_number = 1)
            AS reordered_count,
        quantile_cont(found.late_time_ms, 0.99) FILTER (WHERE found.copy_number = 1)
            AS late_time_p99_ms,
        max(found.extent) FILTER (WHERE found.copy_number = 1) AS extent_max
    FROM
        _arrivals_behind(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS found
    WHERE found.occurred_at >= since::TIMESTAMP
    GROUP BY ALL
),

combined AS (
    SELECT
        arrived.consumer,
        arrived.stream,
        arrived.bucket_start,
        arrived.row_count - coalesce(behind.copy_count, 0) AS arrival_count,
        coalesce(behind.reordered_count, 0) AS reordered_count,
        behind.late_time_p99_ms,
        behind.extent_max
    FROM arrived
    LEFT OUTER JOIN behind
        ON
            arrived.consumer IS NOT DISTINCT FROM behind.consumer
            AND arrived.stream IS NOT DISTINCT FROM behind.stream
            AND arrived.bucket_start = behind.bucket_start
),

places AS (
    SELECT
        combined.consumer,
        combined.stream
    FROM combined
    WHERE combined.arrival_count > 0
    GROUP BY combined.consumer, combined.stream
    ORDER BY
        sum(combined.reordered_count) DESC,
        coalesce(combined.consumer, '') ASC,
        coalesce(combined.stream, '') ASC
    LIMIT (coalesce(place_limit::BIGINT, 9223372036854775807))
)

SELECT
    combined.consumer,
    combined.stream,
    combined.bucket_start,
    combined.arrival_count,
    combined.reordered_count,
    combined.reordered_count / combined.arrival_count AS reordered_ratio,
    combined.late_time_p99_ms,
    combined.extent_max
FROM combined
SEMI JOIN places
    ON
        combined.consumer IS NOT DISTINCT FROM places.consumer
        AND combined.stream IS NOT DISTINCT FROM places.stream
WHERE combined.arrival_count > 0
ORDER BY combined.bucket_start, combined.consumer, combined.stream;
