-- reorder_history: how much order was lost where, over hours?
--
-- One row per consumer, stream and bucket with numbered arrivals, half-open:
-- [bucket_start, bucket_start + bucket). Counted every five minutes as the log is read, so that
-- it costs the same whatever the rate; where nobody counted it is read from the events. What
-- the window begins or ends within counts as a whole; while the log is being written the last
-- ten minutes may be missing. What is kept compares with an hour before, in a log with very
-- many events with less. How late, and by how many overtaken, is in reorder_hotspots.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since        TIMESTAMP  first instant included (default: the oldest event)
--   until        TIMESTAMP  first instant excluded (default: the newest event)
--   bucket       INTERVAL   length of a bucket, whole five minutes (default: 5 minutes)
--   place_limit  BIGINT     pairs of consumer and stream at most, those with most events out of
--                           order (default: all)
--
-- Columns
--   consumer         VARCHAR    service they arrived at, else node
--   stream           VARCHAR    topic, queue or destination
--   bucket_start     TIMESTAMP  start of the bucket, UTC
--   arrival_count    BIGINT     first copies that arrived
--   reordered_count  BIGINT     of these, after a larger number of their scope
--   reordered_ratio  DOUBLE     reordered_count / arrival_count, 0..1
--   duplicate_count  BIGINT     events that arrived again
--
-- Source: RFC 4737 sections 3.6 and 4.1, RFC 5560.
-- Reads: _fault_counts
CREATE OR REPLACE MACRO reorder_history(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 5 MINUTE,
    place_limit := NULL::BIGINT
) AS TABLE
WITH counts AS MATERIALIZED (
    SELECT
        found.consumer,
        found.stream,
        time_bucket(bucket::INTERVAL, found.bucket_start) AS bucket_start,
        sum(found.arrival_count)::BIGINT AS arrival_count,
        sum(found.reordered_count)::BIGINT AS reordered_count,
        sum(found.duplicate_count)::BIGINT AS duplicate_count
    FROM
        _fault_counts(
            time_bucket(INTERVAL 5 MINUTE, since::TIMESTAMP),
            time_bucket(
                INTERVAL 5 MINUTE,
                until::TIMESTAMP + INTERVAL 5 MINUTE - INTERVAL 1 MICROSECOND
            )
        ) AS found
    GROUP BY ALL
    HAVING sum(found.arrival_count) > 0
),

places AS (
    SELECT
        counts.consumer,
        counts.stream
    FROM counts
    GROUP BY counts.consumer, counts.stream
    ORDER BY
        sum(counts.reordered_count) DESC,
        coalesce(counts.consumer, '') ASC,
        coalesce(counts.stream, '') ASC
    LIMIT (coalesce(place_limit::BIGINT, 9223372036854775807))
)

SELECT
    counts.consumer,
    counts.stream,
    counts.bucket_start,
    counts.arrival_count,
    counts.reordered_count,
    counts.reordered_count / counts.arrival_count AS reordered_ratio,
    counts.duplicate_count
FROM counts
SEMI JOIN places
    ON
        counts.consumer IS NOT DISTINCT FROM places.consumer
        AND counts.stream IS NOT DISTINCT FROM places.stream
ORDER BY counts.bucket_start, counts.consumer, counts.stream;
