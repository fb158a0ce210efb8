-- causal_order: did one of these two events happen before the other, or are they concurrent?
--
-- One row. An event happened before another when a chain of causes leads from it to the
-- other, or the vector clock of the other has seen it; what neither holds for is
-- concurrent. Clocks of machines are not asked. Where the logs hold vector clocks, concurrent
-- is certain; elsewhere it means that no cause orders the two. Then one may still have
-- happened before the other, by the order in which one node wrote its records: causal_path
-- looks at that too, and has no answer either way round when the two are concurrent.
--
-- Parameters
--   first   VARCHAR  event_id
--   second  VARCHAR  event_id
--
-- Columns
--   causal_order  VARCHAR  before, after or same: what the first is to the second, or
--                          concurrent; NULL for an id that nothing names
--   steps         INTEGER  direct causes between the two on the shortest chain; NULL where
--                          no chain is known
--
-- Source: Lamport 1978, Time, Clocks, and the Ordering of Events; Fidge 1988 and Mattern 1989
-- Reads: events, causes, causal_chain
CREATE OR REPLACE MACRO causal_order(first, second) AS TABLE
WITH chained AS (
    SELECT any_value(chain.depth) AS depth
    FROM causal_chain(first::VARCHAR, depth_limit := 1000000000) AS chain
    WHERE chain.event_id = second::VARCHAR
),

known AS (
    SELECT
        EXISTS (
            SELECT 1 FROM causal_chain(first::VARCHAR, depth_limit := 0)
        )
        AND EXISTS (
            SELECT 1 FROM causal_chain(second::VARCHAR, depth_limit := 0)
        ) AS is_known
),

numbered AS (
    SELECT DISTINCT
        events.event_id,
        events.node,
        events.sequence
    FROM events
    WHERE
        events.event_id IN (first::VARCHAR, second::VARCHAR)
        AND starts_with(events.format, 'vector_clock')
        AND events.event_id = events.node || ':' || events.sequence
),

-- What the clock of either event says of any host, its own included.
seen AS (
    SELECT
        numbered.event_id,
        numbered.node,
        numbered.sequence
    FROM numbered
    UNION ALL
    SELECT
        causes.effect_id AS event_id,
        regexp_extract(causes.cause_id, '^(.*):\d+$', 1) AS node,
        try_cast(regexp_extract(causes.cause_id, '\d+$') AS BIGINT) AS sequence
    FROM causes
    WHERE
        causes.effect_id IN (first::VARCHAR, second::VARCHAR)
        AND causes.kind = 'clock'
),

clocked AS (
    SELECT
        coalesce(bool_or(seen.event_id = second::VARCHAR), FALSE) AS is_before,
        coalesce(bool_or(seen.event_id = first::VARCHAR), FALSE) AS is_after
    FROM numbered
    INNER JOIN seen
        ON
            numbered.node = seen.node
            AND numbered.sequence <= seen.sequence
            AND numbered.event_id <> seen.event_id
)

SELECT
    CASE
        WHEN NOT known.is_known THEN NULL
        WHEN first::VARCHAR = second::VARCHAR THEN 'same'
        WHEN chained.depth > 0 OR clocked.is_before THEN 'before'
        WHEN chained.depth < 0 OR clocked.is_after THEN 'after'
        ELSE 'concurrent'
    END AS causal_order,
    abs(chained.depth) AS steps
FROM known
CROSS JOIN chained
CROSS JOIN clocked
ORDER BY causal_order, steps;
