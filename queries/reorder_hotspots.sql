-- reorder_hotspots: where and when do events arrive out of order?
--
-- One row per consumer, stream and bucket with numbered arrivals, half-open:
-- [bucket_start, bucket_start + bucket). First copies only, as the ratio is defined;
-- ratios compare only between streams of similar density.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   bucket    INTERVAL   length of a bucket (default: 1 minute)
--   lookback  INTERVAL   how far before since arrivals are looked at (default: 1 hour)
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
-- Reads: _ordered_arrivals
CREATE OR REPLACE MACRO reorder_hotspots(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS (
    SELECT
        ordered.consumer,
        ordered.stream,
        time_bucket(bucket::INTERVAL, ordered.occurred_at) AS bucket_start,
        ordered.is_reordered,
        ordered.late_time_ms,
        ordered.extent
    FROM
        _ordered_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS ordered
    WHERE ordered.copy_number = 1 AND ordered.occurred_at >= since::TIMESTAMP
)

SELECT
    arrivals.consumer,
    arrivals.stream,
    arrivals.bucket_start,
    count(*) AS arrival_count,
    count(*) FILTER (WHERE arrivals.is_reordered) AS reordered_count,
    count(*) FILTER (WHERE arrivals.is_reordered) / count(*) AS reordered_ratio,
    quantile_cont(arrivals.late_time_ms, 0.99) AS late_time_p99_ms,
    max(arrivals.extent) AS extent_max
FROM arrivals
GROUP BY arrivals.consumer, arrivals.stream, arrivals.bucket_start
ORDER BY arrivals.bucket_start, arrivals.consumer, arrivals.stream;
