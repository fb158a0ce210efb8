-- causal_order_counts: how much of what the vector clocks tell is ordered, and how much is concurrent?
--
-- One row, over all events of logs with vector clocks, each once; all counts are 0 where
-- there are none. Of two events of one execution one happened before the other, or they
-- are concurrent; events of two executions, which a line of === parts in a log, are no pair.
--
-- Columns
--   event_count            BIGINT  events with a vector clock
--   host_count             BIGINT  hosts they happened on
--   cross_edge_count       BIGINT  direct causes on another host
--   before_pair_count      BIGINT  pairs of which one happened before the other
--   concurrent_pair_count  BIGINT  pairs of which neither did
--   concurrent_ratio       DOUBLE  concurrent pairs of all pairs; NULL without pairs
--
-- Source: Fidge 1988 and Mattern 1989: a happened before b when b's clock counts a
-- Reads: events, causes, edges
CREATE OR REPLACE VIEW causal_order_counts AS
WITH numbered AS MATERIALIZED (
    SELECT DISTINCT
        events.event_id,
        events.node,
        events.sequence,
        CASE
            WHEN events.format = 'vector_clock_log' THEN events.correlation_id
        END AS execution
    FROM events
    WHERE
        starts_with(events.format, 'vector_clock')
        AND events.event_id = events.node || ':' || events.sequence
),

clocked AS MATERIALIZED (
    SELECT DISTINCT
        causes.effect_id AS event_id,
        regexp_extract(causes.cause_id, '^(.*):\d+$', 1) AS node,
        try_cast(regexp_extract(causes.cause_id, '\d+$') AS BIGINT) AS sequence
    FROM causes
    WHERE causes.kind = 'clock'
),

ranked AS MATERIALIZED (
    SELECT
        numbered.event_id,
        numbered.node,
        numbered.sequence,
        numbered.execution,
        row_number() OVER (
            PARTITION BY numbered.node
            ORDER BY numbered.sequence
        ) AS place
    FROM numbered
),

before_of_others AS (
    SELECT sum(ranked.place) AS pair_count
    FROM clocked
    SEMI JOIN numbered ON clocked.event_id = numbered.event_id
    ASOF INNER JOIN ranked
        ON clocked.node = ranked.node AND clocked.sequence >= ranked.sequence
),

totals AS (
    SELECT
        count(*) AS event_count,
        count(DISTINCT ranked.node) AS host_count,
        coalesce(sum(ranked.place - 1), 0) AS own_pair_count
    FROM ranked
),

possible AS (
    SELECT coalesce(sum(sizes.size * (sizes.size - 1) // 2), 0) AS pair_count
    FROM (
        SELECT count(*) AS size
        FROM ranked
        GROUP BY ranked.execution
    ) AS sizes
),

crossing AS (
    SELECT count(*) AS edge_count
    FROM edges
    SEMI JOIN ranked ON edges.effect_id = ranked.event_id
    WHERE edges.kind = 'clock'
),

pairs AS (
    SELECT
        totals.event_count,
        totals.host_count,
        crossing.edge_count AS cross_edge_count,
        (totals.own_pair_count + coalesce(before_of_others.pair_count, 0))::BIGINT
            AS before_pair_count,
        possible.pair_count::BIGINT AS pair_count
    FROM totals
    CROSS JOIN possible
    CROSS JOIN before_of_others
    CROSS JOIN crossing
)

SELECT
    pairs.event_count,
    pairs.host_count,
    pairs.cross_edge_count,
    pairs.before_pair_count,
    pairs.pair_count - pairs.before_pair_count AS concurrent_pair_count,
    1 - pairs.before_pair_count / nullif(pairs.pair_count, 0) AS concurrent_ratio
FROM pairs
ORDER BY pairs.event_count;
