-- order_cost: what would it cost to give a stream its order back?
--
-- One row per consumer, stream and hold: what comes early is held back until the numbers
-- before it have come, but no longer than the hold after the first larger number arrived.
-- hold 0 is the log as it is. First copies only; scopes as in reorderings.
-- Waiting for a number that never comes is no cost here, since only arrived numbers count.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since      TIMESTAMP   first instant included (default: the oldest event)
--   until      TIMESTAMP   first instant excluded (default: the newest event)
--   holds      INTERVAL[]  how long to hold back (default: 0, 0.05, 0.25, 1, 5 and 30 s)
--   lookback   INTERVAL    how far before since arrivals are looked at (default: 1 hour)
--   only_late  BOOLEAN     leave out consumers and streams in which nothing came out of order
--                          (default: false)
--
-- Columns
--   consumer              VARCHAR   service they arrived at, else node
--   stream                VARCHAR   topic, queue or destination
--   hold_ms               DOUBLE    how long early events are held back
--   arrival_count         BIGINT    first copies that arrived
--   late_count            BIGINT    of these, still out of order
--   late_ratio            DOUBLE    late_count / arrival_count, 0..1
--   held_count            BIGINT    events that wait at all
--   added_latency_p99_ms  DOUBLE    99th percentile (nearest rank) of the wait over all
--                                   events that are not late; NULL without any
--   added_latency_max_ms  DOUBLE    longest wait; NULL likewise
--
-- Source: release of number n at the greatest of min(arrival, first larger arrival + hold)
-- over all numbers up to n; RFC 4737 section 4.3.3 (late time offset).
-- Reads: _numbered_arrivals
CREATE OR REPLACE MACRO order_cost(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    holds := '[0 s, 50 ms, 250 ms, 1 s, 5 s, 30 s]'::INTERVAL[],
    lookback := INTERVAL 1 HOUR,
    only_late := FALSE
) AS TABLE
WITH arrivals AS MATERIALIZED (
    SELECT
        numbered.scope_hash,
        numbered.consumer,
        numbered.stream,
        numbered.sequence,
        epoch_us(min(numbered.occurred_at)) AS arrived_us
    FROM
        _numbered_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS numbered
    WHERE numbered.occurred_at IS NOT NULL
    GROUP BY
        numbered.scope_hash,
        numbered.consumer,
        numbered.stream,
        numbered.sequence,
        numbered.copy_id
),

counted AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        count(*) AS arrival_count
    FROM arrivals
    WHERE
        since::TIMESTAMP = '-infinity'::TIMESTAMP
        OR arrivals.arrived_us >= epoch_us(since::TIMESTAMP)
    GROUP BY arrivals.consumer, arrivals.stream
),

-- GROUPS, for events with one number are none before the other.
placed AS MATERIALIZED (
    SELECT
        arrivals.*,
        min(arrivals.arrived_us) OVER (
            PARTITION BY arrivals.scope_hash
            ORDER BY arrivals.sequence DESC
            GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS overtaken_us
    FROM arrivals
),

late AS (
    SELECT DISTINCT
        placed.consumer,
        placed.stream,
        TRUE AS is_late
    FROM placed
    WHERE
        placed.arrived_us > placed.overtaken_us
        AND (
            since::TIMESTAMP = '-infinity'::TIMESTAMP
            OR placed.arrived_us >= epoch_us(since::TIMESTAMP)
        )
),

-- A scope in which nothing is late holds nothing back, whatever the hold.
unordered AS (
    SELECT DISTINCT placed.scope_hash
    FROM placed
    WHERE placed.arrived_us > placed.overtaken_us
),

-- What is neither late nor came before a smaller number waits for nothing, and as it came
-- before all larger numbers, none of these waits for it.
concerned AS MATERIALIZED (
    SELECT
        placed.consumer,
        placed.stream,
        placed.scope_hash,
        placed.sequence,
        placed.arrived_us,
        placed.overtaken_us
    FROM placed
    SEMI JOIN unordered ON placed.scope_hash = unordered.scope_hash
    QUALIFY
        placed.arrived_us > placed.overtaken_us
        OR placed.arrived_us < max(placed.arrived_us) OVER (
            PARTITION BY placed.scope_hash
            ORDER BY placed.sequence
            GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

tried AS (
    SELECT unnest(list_distinct(holds::INTERVAL[])) AS hold
),

released AS (
    SELECT
        tried.hold,
        concerned.consumer,
        concerned.stream,
        concerned.arrived_us,
        coalesce(
            concerned.arrived_us > concerned.overtaken_us + epoch_us(tried.hold), FALSE
        ) AS is_late,
        greatest(
            least(concerned.arrived_us, concerned.overtaken_us + epoch_us(tried.hold)),
            max(
                least(concerned.arrived_us, concerned.overtaken_us + epoch_us(tried.hold))
            ) OVER (
                PARTITION BY tried.hold, concerned.scope_hash
                ORDER BY concerned.sequence
                GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            )
        ) AS released_us
    FROM concerned
    CROSS JOIN tried
),

waited AS (
    SELECT
        released.hold,
        released.consumer,
        released.stream,
        count(*) FILTER (WHERE released.is_late) AS late_count,
        list_sort(
            list(released.released_us - released.arrived_us) FILTER (
                WHERE NOT released.is_late AND released.released_us > released.arrived_us
            )
        ) AS waits_us
    FROM released
    WHERE
        since::TIMESTAMP = '-infinity'::TIMESTAMP
        OR released.arrived_us >= epoch_us(since::TIMESTAMP)
    GROUP BY released.hold, released.consumer, released.stream
),

summed AS (
    SELECT
        counted.consumer,
        counted.stream,
        tried.hold,
        counted.arrival_count,
        coalesce(waited.late_count, 0) AS late_count,
        coalesce(len(waited.waits_us), 0) AS held_count,
        waited.waits_us
    FROM counted
    LEFT OUTER JOIN late
        ON
            counted.consumer IS NOT DISTINCT FROM late.consumer
            AND counted.stream IS NOT DISTINCT FROM late.stream
    CROSS JOIN tried
    LEFT OUTER JOIN waited
        ON
            tried.hold = waited.hold
            AND counted.consumer IS NOT DISTINCT FROM waited.consumer
            AND counted.stream IS NOT DISTINCT FROM waited.stream
    WHERE late.is_late OR NOT only_late::BOOLEAN
)

SELECT
    summed.consumer,
    summed.stream,
    epoch_us(summed.hold) / 1000 AS hold_ms,
    summed.arrival_count,
    summed.late_count,
    summed.late_count / summed.arrival_count AS late_ratio,
    summed.held_count,
    CASE
        WHEN summed.late_count < summed.arrival_count
            THEN coalesce(
                summed.waits_us[
                    ceil(0.99 * (summed.arrival_count - summed.late_count))::BIGINT
                    - (summed.arrival_count - summed.late_count - summed.held_count)
                ],
                0
            ) / 1000
    END AS added_latency_p99_ms,
    CASE
        WHEN summed.late_count < summed.arrival_count
            THEN coalesce(summed.waits_us[-1], 0) / 1000
    END AS added_latency_max_ms
FROM summed
ORDER BY summed.consumer, summed.stream, hold_ms;
