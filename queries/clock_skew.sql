-- clock_skew: how far can the clocks of two nodes be apart?
--
-- One row per pair of nodes between which something was caused or sent. No effect comes
-- before its cause, so the shortest time from a cause on one node to its effect on the other
-- bounds how far the other clock can be behind; messages both ways bound it from both sides.
-- With them one way only, one bound is NULL. The shortest time is the 2 % quantile, so that
-- single wrong times do not decide. Bounds that contradict each other tell of drift or of
-- times that are wrong. Nothing stored is changed by this.
-- An event was where it was sent; where it only arrived, it may have been elsewhere before,
-- and what it caused may have come of that. What has no readable time, or no node, is left out.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   pairs_min  BIGINT     fewest edges each way that bound anything (default: 1)
--
-- Columns
--   node             VARCHAR  the one
--   other_node       VARCHAR  the other, later in the alphabet
--   forth_count      BIGINT   edges from node to other_node
--   back_count       BIGINT   edges from other_node to node
--   offset_min_ms    DOUBLE   clock of other_node less that of node, at least; NULL without a bound
--   offset_max_ms    DOUBLE   the same, at most
--   offset_ms        DOUBLE   the middle of both bounds
--   half_width_ms    DOUBLE   the offset is within so much of it: half the shortest round trip
--   raw_violations   BIGINT   effects between the two observed before their causes
--   left_violations  BIGINT   of them those that no offset within the bounds explains
--
-- Source: Mills 1991, Internet Time Synchronization: offset and delay from both directions
-- Reads: events, _window_edges
CREATE OR REPLACE MACRO clock_skew(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    pairs_min := 1
) AS TABLE
WITH records AS MATERIALIZED (
    SELECT
        hash(events.event_id) AS event_hash,
        events.node,
        events.occurred_at,
        coalesce(events.operation IN ('receive', 'process', 'settle'), FALSE) AS is_arrival,
        row_number() OVER (
            PARTITION BY hash(events.event_id)
            ORDER BY
                coalesce(events.operation IN ('receive', 'process', 'settle'), FALSE),
                events.occurred_at, events.file_id, events.byte_offset, events.record_no
        ) AS record_rank,
        events.operation
    FROM events
    WHERE
        events.event_id IS NOT NULL
        AND events.node IS NOT NULL
        AND events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
),

sends AS (
    SELECT
        records.event_hash,
        arg_min(records.node, (records.occurred_at, records.node)) AS node,
        min(records.occurred_at) AS occurred_at
    FROM records
    WHERE records.operation IN ('send', 'create')
    GROUP BY records.event_hash
),

named AS (
    SELECT DISTINCT
        hash(window_edges.cause_id) AS cause_hash,
        hash(window_edges.effect_id) AS effect_hash
    FROM _window_edges(since, until) AS window_edges
),

edges AS (
    SELECT
        sends.node AS from_node,
        records.node AS to_node,
        date_diff('microsecond', sends.occurred_at, records.occurred_at) / 1000 AS delay_ms
    FROM records
    INNER JOIN sends ON records.event_hash = sends.event_hash
    WHERE records.operation IN ('receive', 'process') AND records.node <> sends.node
    UNION ALL
    SELECT
        cause.node AS from_node,
        effect.node AS to_node,
        date_diff('microsecond', cause.occurred_at, effect.occurred_at) / 1000 AS delay_ms
    FROM named
    INNER JOIN records AS cause
        ON
            named.cause_hash = cause.event_hash
            AND cause.record_rank = 1
            AND NOT cause.is_arrival
    INNER JOIN records AS effect
        ON named.effect_hash = effect.event_hash AND effect.record_rank = 1
    WHERE cause.node <> effect.node
),

directed AS MATERIALIZED (
    SELECT
        least(edges.from_node, edges.to_node) AS node,
        greatest(edges.from_node, edges.to_node) AS other_node,
        edges.from_node < edges.to_node AS is_forth,
        edges.delay_ms
    FROM edges
),

bounds AS MATERIALIZED (
    SELECT
        directed.node,
        directed.other_node,
        count(*) FILTER (WHERE directed.is_forth) AS forth_count,
        count(*) FILTER (WHERE NOT directed.is_forth) AS back_count,
        quantile_cont(directed.delay_ms, 0.02) FILTER (WHERE directed.is_forth) AS forth_ms,
        quantile_cont(directed.delay_ms, 0.02) FILTER (WHERE NOT directed.is_forth) AS back_ms
    FROM directed
    GROUP BY directed.node, directed.other_node
),

limited AS (
    SELECT
        bounds.node,
        bounds.other_node,
        bounds.forth_count,
        bounds.back_count,
        CASE WHEN bounds.back_count >= pairs_min::BIGINT THEN -bounds.back_ms END
            AS offset_min_ms,
        CASE WHEN bounds.forth_count >= pairs_min::BIGINT THEN bounds.forth_ms END
            AS offset_max_ms
    FROM bounds
),

violations AS (
    SELECT
        directed.node,
        directed.other_node,
        count(*) FILTER (WHERE directed.delay_ms < 0) AS raw_violations,
        -- The offset that suits an edge best is the bound that the other direction gives.
        count(*) FILTER (
            WHERE
            directed.delay_ms < 0
            AND CASE
                WHEN directed.is_forth THEN directed.delay_ms < limited.offset_min_ms
                ELSE directed.delay_ms < -limited.offset_max_ms
            END
        ) AS left_violations
    FROM directed
    INNER JOIN limited
        ON directed.node = limited.node AND directed.other_node = limited.other_node
    GROUP BY directed.node, directed.other_node
)

SELECT
    limited.node,
    limited.other_node,
    limited.forth_count,
    limited.back_count,
    limited.offset_min_ms,
    limited.offset_max_ms,
    (limited.offset_min_ms + limited.offset_max_ms) / 2 AS offset_ms,
    (limited.offset_max_ms - limited.offset_min_ms) / 2 AS half_width_ms,
    violations.raw_violations,
    violations.left_violations
FROM limited
INNER JOIN violations
    ON limited.node = violations.node AND limited.other_node = violations.other_node
ORDER BY violations.left_violations DESC, limited.node ASC, limited.other_node ASC;
