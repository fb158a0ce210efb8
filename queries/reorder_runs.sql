-- reorder_runs: do events come out of order now and then, or in bursts?
--
-- One row per consumer and stream with numbered arrivals. A run is the first copies in
-- order between two reordered ones of a scope, none of them between neighbours; the run
-- that is not yet ended by a reordered one does not count.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   lookback  INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   consumer         VARCHAR  service they arrived at, else node
--   stream           VARCHAR  topic, queue or destination
--   arrival_count    BIGINT   first copies that arrived
--   run_count        BIGINT   runs that a reordered arrival ended
--   in_order_count   BIGINT   first copies in these runs
--   run_length_mean  DOUBLE   in_order_count / run_count; NULL without runs
--   run_length_max   BIGINT   longest run; NULL likewise
--   burstiness       DOUBLE   1: all runs are of one length; larger: long peace between
--                             bursts; NULL when no run has a length
--
-- Source: RFC 4737 section 4.6: x runs, a arrivals, q sum of squares, (q/a) / (a/x).
-- Reads: _first_arrivals
CREATE OR REPLACE MACRO reorder_runs(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS MATERIALIZED (
    SELECT found.*
    FROM
        _first_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS found
),

counted AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        count(*) AS arrival_count
    FROM arrivals
    WHERE arrivals.occurred_at >= since::TIMESTAMP
    GROUP BY arrivals.consumer, arrivals.stream
),

ends AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        arrivals.occurred_at,
        arrivals.position - 1 - lag(arrivals.position, 1, 0) OVER (
            PARTITION BY arrivals.scope_hash
            ORDER BY arrivals.position
        ) AS run_length
    FROM arrivals
    WHERE arrivals.is_reordered
),

runs AS (
    SELECT
        ends.consumer,
        ends.stream,
        count(*) AS run_count,
        sum(ends.run_length)::BIGINT AS in_order_count,
        sum(ends.run_length * ends.run_length) AS square_sum,
        max(ends.run_length) AS run_length_max
    FROM ends
    WHERE ends.occurred_at >= since::TIMESTAMP
    GROUP BY ends.consumer, ends.stream
)

SELECT
    counted.consumer,
    counted.stream,
    counted.arrival_count,
    coalesce(runs.run_count, 0) AS run_count,
    coalesce(runs.in_order_count, 0) AS in_order_count,
    runs.in_order_count / runs.run_count AS run_length_mean,
    runs.run_length_max,
    (runs.square_sum / nullif(runs.in_order_count, 0)) / (
        nullif(runs.in_order_count, 0) / runs.run_count
    ) AS burstiness
FROM counted
LEFT OUTER JOIN runs
    ON
        counted.consumer IS NOT DISTINCT FROM runs.consumer
        AND counted.stream IS NOT DISTINCT FROM runs.stream
ORDER BY counted.consumer, counted.stream;
