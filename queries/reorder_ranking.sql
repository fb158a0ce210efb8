-- reorder_ranking: which consumers, nodes, types and keys lose most order, beyond chance?
--
-- One row per consumer, stream and facet value with at least min_arrivals numbered first
-- copies, the surest first: by the lower end of the interval, which a small group cannot
-- top by accident. facet 'all' is the whole of consumer and stream.
-- Ratios compare only between groups of similar spacing, which is why it stands beside
-- them: events that lie far apart in time hardly ever change places.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since         TIMESTAMP  first instant included (default: the oldest event)
--   until         TIMESTAMP  first instant excluded (default: the newest event)
--   min_arrivals  BIGINT     smallest group that is ranked (default: 200)
--   row_limit     BIGINT     how many rows (default: 200)
--   lookback      INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   consumer          VARCHAR  service they arrived at, else node
--   stream            VARCHAR  topic, queue or destination
--   facet             VARCHAR  all, node, event_type or stream_key
--   value             VARCHAR  value of the facet; NULL for all; a group without one is
--                             not shown
--   arrival_count     BIGINT   first copies that arrived
--   reordered_count   BIGINT   of these, after a larger number of their scope
--   reordered_ratio   DOUBLE   reordered_count / arrival_count, 0..1
--   ratio_low         DOUBLE   lower end of the Wilson interval of the ratio, 95 %
--   ratio_high        DOUBLE   its upper end
--   late_time_p50_ms  DOUBLE   median of the late time; NULL when none was late
--   late_time_p99_ms  DOUBLE   99th percentile of the late time; NULL likewise
--   extent_p99        DOUBLE   99th percentile of the extent; NULL likewise
--   spacing_ms        DOUBLE   mean time between two arrivals; NULL for a single one
--
-- Source: RFC 4737 sections 3.6, 4.1, 4.2.3, 4.3.3 and 6 (spacing); Wilson 1927.
-- Reads: _arrivals, _arrivals_behind
CREATE OR REPLACE MACRO reorder_ranking(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    min_arrivals := 200,
    row_limit := 200,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrived AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        arrivals.node,
        arrivals.event_type,
        arrivals.stream_key,
        grouping_id(arrivals.node, arrivals.event_type, arrivals.stream_key) AS level,
        count(*) AS row_count,
        min(arrivals.occurred_at) AS first_at,
        max(arrivals.occurred_at) AS last_at
    FROM
        _arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP) AS arrivals
    WHERE arrivals.sequence IS NOT NULL AND arrivals.occurred_at >= since::TIMESTAMP
    GROUP BY GROUPING SETS (
        (arrivals.consumer, arrivals.stream),
        (arrivals.consumer, arrivals.stream, arrivals.node),
        (arrivals.consumer, arrivals.stream, arrivals.event_type),
        (arrivals.consumer, arrivals.stream, arrivals.stream_key)
    )
),

behind AS (
    SELECT
        found.consumer,
        found.stream,
        found.node,
        found.event_type,
        found.stream_key,
        grouping_id(found.node, found.event_type, found.stream_key) AS level,
        count(*) FILTER (WHERE found.copy_number > 1) AS copy_count,
        count(*) FILTER (WHERE found.is_reordered AND found.copy_number = 1)
            AS reordered_count,
        quantile_cont(found.late_time_ms, [0.5, 0.99])
            FILTER (WHERE found.copy_number = 1) AS late_times_ms,
        quantile_cont(found.extent, 0.99) FILTER (WHERE found.copy_number = 1)
            AS extent_p99
    FROM
        _arrivals_behind(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS found
    WHERE found.occurred_at >= since::TIMESTAMP
    GROUP BY GROUPING SETS (
        (found.consumer, found.stream),
        (found.consumer, found.stream, found.node),
        (found.consumer, found.stream, found.event_type),
        (found.consumer, found.stream, found.stream_key)
    )
),

combined AS (
    SELECT
        arrived.consumer,
        arrived.stream,
        CASE arrived.level
            WHEN 7 THEN 'all' WHEN 3 THEN 'node' WHEN 5 THEN 'event_type'
            ELSE 'stream_key'
        END AS facet,
        CASE arrived.level
            WHEN 3 THEN arrived.node WHEN 5 THEN arrived.event_type
            WHEN 6 THEN arrived.stream_key
        END AS value,
        arrived.row_count - coalesce(behind.copy_count, 0) AS arrival_count,
        coalesce(behind.reordered_count, 0) AS reordered_count,
        behind.late_times_ms,
        behind.extent_p99,
        epoch_us(arrived.last_at) - epoch_us(arrived.first_at) AS span_us,
        arrived.row_count
    FROM arrived
    LEFT OUTER JOIN behind
        ON
            arrived.level = behind.level
            AND arrived.consumer IS NOT DISTINCT FROM behind.consumer
            AND arrived.stream IS NOT DISTINCT FROM behind.stream
            AND arrived.node IS NOT DISTINCT FROM behind.node
            AND arrived.event_type IS NOT DISTINCT FROM behind.event_type
            AND arrived.stream_key IS NOT DISTINCT FROM behind.stream_key
),

-- z = 1.96: the interval is (p + z2/2n +- z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n).
measured AS (
    SELECT
        combined.*,
        combined.reordered_count / combined.arrival_count AS ratio,
        3.8416 / combined.arrival_count AS z2_n
    FROM combined
    WHERE
        combined.arrival_count >= greatest(min_arrivals::BIGINT, 1)
        AND (combined.facet = 'all' OR combined.value IS NOT NULL)
),

bounded AS (
    SELECT
        measured.*,
        (measured.ratio + measured.z2_n / 2) / (1 + measured.z2_n) AS centre,
        sqrt(
            measured.z2_n * measured.ratio * (1 - measured.ratio)
            + measured.z2_n * measured.z2_n / 4
        ) / (1 + measured.z2_n) AS half_width
    FROM measured
)

SELECT
    bounded.consumer,
    bounded.stream,
    bounded.facet,
    bounded.value,
    bounded.arrival_count,
    bounded.reordered_count,
    bounded.ratio AS reordered_ratio,
    CASE
        WHEN bounded.reordered_count = 0 THEN 0
        ELSE greatest(bounded.centre - bounded.half_width, 0)
    END AS ratio_low,
    CASE
        WHEN bounded.reordered_count = bounded.arrival_count THEN 1
        ELSE least(bounded.centre + bounded.half_width, 1)
    END AS ratio_high,
    bounded.late_times_ms[1] AS late_time_p50_ms,
    bounded.late_times_ms[2] AS late_time_p99_ms,
    bounded.extent_p99,
    bounded.span_us / nullif(bounded.row_count - 1, 0) / 1000 AS spacing_ms
FROM bounded
ORDER BY
    ratio_low DESC,
    bounded.arrival_count DESC,
    bounded.consumer ASC,
    bounded.stream ASC,
    bounded.facet ASC,
    bounded.value ASC
LIMIT (row_limit::BIGINT);
