-- _faults_of_events: what does _fault_counts give when every event is read?
--
-- Rows as those of _fault_counts, unordered.
--
-- Parameters
--   since      TIMESTAMP  first instant included
--   until      TIMESTAMP  first instant excluded
--   lookback   INTERVAL   how far before since arrivals are looked at
--   is_wanted  BOOLEAN    there are no rows, and nothing is read, unless it is true
--
-- Columns
--   bucket_start     TIMESTAMP  start of the five minutes, UTC
--   consumer         VARCHAR    service they arrived at, else node
--   stream           VARCHAR    topic, queue or destination
--   arrival_count    HUGEINT    first copies
--   reordered_count  HUGEINT    of these, that arrived after a larger number
--   duplicate_count  HUGEINT    events whose last copy arrived
--
-- Reads: reorder_hotspots, duplicates
CREATE OR REPLACE MACRO _faults_of_events(since, until, lookback, is_wanted) AS TABLE
WITH arrived AS MATERIALIZED (
    SELECT
        hotspots.bucket_start,
        hotspots.consumer,
        hotspots.stream,
        hotspots.arrival_count,
        hotspots.reordered_count
    FROM
        reorder_hotspots(
            since := CASE WHEN is_wanted THEN since::TIMESTAMP ELSE 'infinity'::TIMESTAMP END,
            until := until,
            bucket := INTERVAL 5 MINUTE,
            lookback := lookback
        ) AS hotspots
),

-- A duplicate counts when its last copy came.
repeated AS (
    SELECT
        time_bucket(INTERVAL 5 MINUTE, found.last_at) AS bucket_start,
        found.consumer,
        found.stream,
        count(*) AS duplicate_count
    FROM
        duplicates(
            since := CASE WHEN is_wanted THEN since::TIMESTAMP ELSE 'infinity'::TIMESTAMP END,
            until := until,
            lookback := lookback
        ) AS found
    GROUP BY ALL
)

SELECT
    arrived.bucket_start,
    arrived.consumer,
    arrived.stream,
    arrived.arrival_count,
    arrived.reordered_count,
    coalesce(repeated.duplicate_count, 0) AS duplicate_count
FROM arrived
LEFT OUTER JOIN repeated
    ON
        arrived.bucket_start = repeated.bucket_start
        AND arrived.consumer IS NOT DISTINCT FROM repeated.consumer
        AND arrived.stream IS NOT DISTINCT FROM repeated.stream;
