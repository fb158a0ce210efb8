-- causal_chain: what led to this event, and what did it set in motion?
--
-- One row per event of the chain: the event, its causes and their causes, its effects and
-- their effects. Each is there once, at its smallest distance; an event that is its own
-- ancestor (bad data) ends the walk there. What other effects a cause had is not part of
-- the chain: ask for the chain of the root. No row in events is needed for the event asked
-- for or for a cause: what is only named, and not stored, is a ghost. No rows for an id that nothing names.
--
-- Parameters
--   event        VARCHAR  event_id
--   direction    VARCHAR  causes, effects or both (default: both)
--   depth_limit  INTEGER  how far to walk each way (default: 1000)
--
-- Columns
--   event_id     VARCHAR    the event
--   cause_id     VARCHAR    a direct cause of it within the chain, the nearest to the event
--                           asked for; NULL where the chain begins
--   kind         VARCHAR    how that cause is known
--   depth        INTEGER    steps from the event asked for: negative for causes, 0 for
--                           itself, positive for effects
--   event_type   VARCHAR    type of the event, from its first observation
--   service      VARCHAR    service of the first observation
--   node         VARCHAR    node of the first observation
--   stream       VARCHAR    stream of the first observation
--   occurred_at  TIMESTAMP  when it was first observed, UTC
--   is_ghost     BOOLEAN    named as a cause, but never logged, or pruned
--   file_id      INTEGER    file of the first observation
--   byte_offset  BIGINT     first byte of the record of the first observation
--
-- Reads: events, _chain_edges
CREATE OR REPLACE MACRO causal_chain(
    event,
    direction := 'both',
    depth_limit := 1000
) AS TABLE -- noqa: CP02
WITH RECURSIVE chain_edges AS MATERIALIZED ( -- noqa: PRS
    SELECT
        candidates.cause_id,
        candidates.effect_id,
        min(candidates.kind) AS kind
    FROM _chain_edges(event) AS candidates
    GROUP BY candidates.cause_id, candidates.effect_id
),

limits AS MATERIALIZED (
    SELECT
        CASE direction::VARCHAR
            WHEN 'both' THEN depth_limit::INTEGER
            WHEN 'effects' THEN depth_limit::INTEGER
            WHEN 'causes' THEN 0
            ELSE error('direction must be causes, effects or both')::INTEGER
        END AS effect_steps,
        CASE direction::VARCHAR WHEN 'effects' THEN 0 ELSE depth_limit::INTEGER END
            AS cause_steps
),

-- An event that is reached again counts as new only when it is nearer than before: that
-- ends cycles, and visits each event once.
effects(event_id, steps) USING KEY (event_id, min(steps)) AS (
    SELECT
        event::VARCHAR AS event_id,
        0 AS steps
    UNION
    SELECT
        chain_edges.effect_id AS event_id,
        effects.steps + 1 AS steps
    FROM effects
    INNER JOIN chain_edges ON effects.event_id = chain_edges.cause_id
    WHERE effects.steps < (SELECT limits.effect_steps FROM limits)
),

causes(event_id, steps) USING KEY (event_id, min(steps)) AS (
    SELECT
        event::VARCHAR AS event_id,
        0 AS steps
    UNION
    SELECT
        chain_edges.cause_id AS event_id,
        causes.steps + 1 AS steps
    FROM causes
    INNER JOIN chain_edges ON causes.event_id = chain_edges.effect_id
    WHERE causes.steps < (SELECT limits.cause_steps FROM limits)
),

visits AS (
    SELECT
        causes.event_id,
        -causes.steps AS depth
    FROM causes
    UNION ALL
    SELECT
        effects.event_id,
        effects.steps AS depth
    FROM effects
),

reached AS MATERIALIZED (
    SELECT
        visits.event_id,
        arg_min(visits.depth, (abs(visits.depth), visits.depth)) AS depth
    FROM visits
    GROUP BY visits.event_id
),

nearest_causes AS (
    SELECT
        chain_edges.effect_id,
        chain_edges.cause_id,
        chain_edges.kind
    FROM chain_edges
    INNER JOIN reached AS effect ON chain_edges.effect_id = effect.event_id
    INNER JOIN reached AS cause ON chain_edges.cause_id = cause.event_id
    QUALIFY
        row_number() OVER (
            PARTITION BY chain_edges.effect_id
            ORDER BY abs(cause.depth), cause.depth, chain_edges.cause_id
        ) = 1
),

-- Out of a list the planner expects few ids, and looks them up while it reads events; it
-- expects a recursion to be large, and would hash all events instead.
reached_ids AS (
    SELECT unnest(list(reached.event_id)) AS event_id
    FROM reached
),

observed AS (
    SELECT
        events.event_id,
        events.event_type,
        events.service,
        events.node,
        events.stream,
        events.occurred_at,
        events.file_id,
        events.byte_offset
    FROM events
    SEMI JOIN reached_ids ON events.event_id = reached_ids.event_id
    QUALIFY
        row_number() OVER (
            PARTITION BY events.event_id
            ORDER BY
                events.occurred_at, events.file_id, events.byte_offset, events.record_no
        ) = 1
)

SELECT
    reached.event_id,
    nearest_causes.cause_id,
    nearest_causes.kind,
    reached.depth,
    observed.event_type,
    observed.service,
    observed.node,
    observed.stream,
    observed.occurred_at,
    observed.event_id IS NULL AS is_ghost,
    observed.file_id,
    observed.byte_offset
FROM reached
LEFT OUTER JOIN nearest_causes ON reached.event_id = nearest_causes.effect_id
LEFT OUTER JOIN observed ON reached.event_id = observed.event_id
WHERE
    observed.event_id IS NOT NULL
    OR reached.event_id IN (SELECT chain_edges.cause_id FROM chain_edges)
ORDER BY reached.depth, observed.occurred_at, reached.event_id;
