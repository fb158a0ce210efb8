-- buffer_occupancy: how many events would a consumer hold back to have them in order?
--
-- One row per consumer, stream and occupancy that occurs: of a buffer that gives out
-- numbers in their order, after each arrival. A missing number is given up, and one that
-- comes later than that counts as lost, when as many arrivals as the threshold have
-- followed the first larger number. Copies are no arrivals.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   threshold  BIGINT     arrivals after which a number is given up (default: 1000)
--   lookback   INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   consumer       VARCHAR  service they arrived at, else node
--   stream         VARCHAR  topic, queue or destination
--   occupancy      BIGINT   events in the buffers of a scope
--   arrival_count  BIGINT   arrivals after which it was so
--   density        DOUBLE   share of all of consumer and stream, 0..1; the sum of
--                           occupancy times density is how many it holds on average
--
-- Source: RFC 5236 sections 2 (receive index) and 5 (reorder buffer-occupancy density).
-- Reads: _first_arrivals
CREATE OR REPLACE MACRO buffer_occupancy(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    threshold := 1000,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS MATERIALIZED (
    SELECT
        found.*,
        min(found.position) OVER (
            PARTITION BY found.scope_hash
            ORDER BY found.sequence DESC
            GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) + threshold::BIGINT AS given_up_at,
        found.sequence::HUGEINT - lag(found.sequence) OVER (
            PARTITION BY found.scope_hash
            ORDER BY found.sequence, found.position
        ) AS step
    FROM
        _first_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS found
),

-- All numbers between two that arrived are waited for alike; one row stands for them.
awaited AS (
    SELECT
        arrivals.scope_hash,
        arrivals.position,
        arrivals.sequence::HUGEINT AS number,
        least(arrivals.position, arrivals.given_up_at) AS resolved_at,
        coalesce(arrivals.position <= arrivals.given_up_at, TRUE) AS is_held
    FROM arrivals
    UNION ALL
    SELECT
        arrivals.scope_hash,
        NULL AS position,
        arrivals.sequence::HUGEINT - 1 AS number,
        least(arrivals.position, arrivals.given_up_at - threshold::BIGINT)
        + threshold::BIGINT AS resolved_at,
        FALSE AS is_held
    FROM arrivals
    WHERE arrivals.step > 1
),

released AS (
    SELECT
        awaited.scope_hash,
        awaited.position,
        awaited.is_held,
        max(awaited.resolved_at) OVER (
            PARTITION BY awaited.scope_hash
            ORDER BY awaited.number
            GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS released_at
    FROM awaited
),

-- Between its arrival and its release an event is in the buffer.
changes AS (
    SELECT
        released.scope_hash,
        released.position,
        1 AS change
    FROM released
    WHERE released.is_held AND released.released_at > released.position
    UNION ALL
    SELECT
        released.scope_hash,
        released.released_at AS position,
        -1 AS change
    FROM released
    WHERE released.is_held AND released.released_at > released.position
),

levels AS (
    SELECT
        summed.scope_hash,
        summed.position,
        sum(summed.change) OVER (
            PARTITION BY summed.scope_hash
            ORDER BY summed.position
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )::BIGINT AS occupancy
    FROM (
        SELECT
            changes.scope_hash,
            changes.position,
            sum(changes.change) AS change
        FROM changes
        GROUP BY changes.scope_hash, changes.position
    ) AS summed
),

counted AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        coalesce(levels.occupancy, 0) AS occupancy,
        count(*) AS arrival_count
    FROM arrivals
    ASOF LEFT JOIN levels
        ON
            arrivals.scope_hash = levels.scope_hash
            AND arrivals.position >= levels.position
    WHERE
        arrivals.occurred_at >= since::TIMESTAMP
        AND coalesce(arrivals.position <= arrivals.given_up_at, TRUE)
    GROUP BY
        arrivals.consumer, arrivals.stream, coalesce(levels.occupancy, 0)
)

SELECT
    counted.consumer,
    counted.stream,
    counted.occupancy,
    counted.arrival_count,
    counted.arrival_count / sum(counted.arrival_count) OVER (
        PARTITION BY counted.consumer, counted.stream
    ) AS density
FROM counted
ORDER BY counted.consumer, counted.stream, counted.occupancy;
