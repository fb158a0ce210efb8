-- _chain_edges: which edges can belong to the causal chain of this event?
--
-- One row per edge record; every edge of the chain is among them, others may be. An event
-- nearly always shares its correlation id with its whole chain, so the edges that touch
-- the events of that id are enough, unless the chain leads on from there. Then those of the
-- minute before and after are taken as well, and only if it leads on from these too, all
-- edges are returned. So asking costs a few scans of ids, and not a hash table of everything
-- that was ever logged.
--
-- Parameters
--   event  VARCHAR  event_id
--
-- Columns
--   cause_id   VARCHAR  event_id of the cause
--   effect_id  VARCHAR  event_id of the effect
--   kind       VARCHAR  how it is known
--
-- Reads: events, causes, _edge_records
CREATE OR REPLACE MACRO _chain_edges(event) AS TABLE -- noqa: CP02
WITH RECURSIVE observed AS MATERIALIZED ( -- noqa: PRS
    SELECT
        events.correlation_id,
        events.occurred_at
    FROM events
    WHERE events.event_id = event::VARCHAR
),

flows AS (
    SELECT DISTINCT observed.correlation_id
    FROM observed
    WHERE observed.correlation_id IS NOT NULL
),

members AS MATERIALIZED (
    SELECT event::VARCHAR AS event_id
    UNION
    SELECT events.event_id
    FROM events
    SEMI JOIN flows ON events.correlation_id = flows.correlation_id
    WHERE events.event_id IS NOT NULL
),

touching AS MATERIALIZED (
    SELECT
        events.causation_id AS cause_id,
        events.event_id AS effect_id,
        coalesce(events.cause_kind, 'causation') AS kind
    FROM events
    SEMI JOIN members ON events.event_id = members.event_id
    WHERE events.causation_id <> events.event_id
    UNION
    SELECT
        events.causation_id AS cause_id,
        events.event_id AS effect_id,
        coalesce(events.cause_kind, 'causation') AS kind
    FROM events
    SEMI JOIN members ON events.causation_id = members.event_id
    WHERE events.event_id IS DISTINCT FROM events.causation_id AND events.event_id IS NOT NULL
    UNION
    SELECT
        causes.cause_id,
        causes.effect_id,
        causes.kind
    FROM causes
    WHERE
        causes.cause_id <> causes.effect_id
        AND (
            causes.effect_id IN (SELECT members.event_id FROM members)
            OR causes.cause_id IN (SELECT members.event_id FROM members)
        )
),

upstream AS (
    SELECT event::VARCHAR AS event_id
    UNION
    SELECT touching.cause_id AS event_id
    FROM upstream
    INNER JOIN touching ON upstream.event_id = touching.effect_id
),

downstream AS (
    SELECT event::VARCHAR AS event_id
    UNION
    SELECT touching.effect_id AS event_id
    FROM downstream
    INNER JOIN touching ON downstream.event_id = touching.cause_id
),

-- Not all edges of these are among those that touch members. Out of a list the planner
-- expects few ids; it expects a recursion to be large, and would hash all edges instead.
outer_causes AS MATERIALIZED (
    SELECT unnest(list(upstream.event_id)) AS event_id
    FROM upstream
    ANTI JOIN members ON upstream.event_id = members.event_id
),

outer_effects AS MATERIALIZED (
    SELECT unnest(list(downstream.event_id)) AS event_id
    FROM downstream
    ANTI JOIN members ON downstream.event_id = members.event_id
),

leading_on AS MATERIALIZED (
    SELECT _edge_records.effect_id AS event_id
    FROM _edge_records
    SEMI JOIN outer_causes ON _edge_records.effect_id = outer_causes.event_id
    UNION ALL
    SELECT _edge_records.cause_id AS event_id
    FROM _edge_records
    SEMI JOIN outer_effects ON _edge_records.cause_id = outer_effects.event_id
),

-- Most chains are over within a minute: then their edges are among those of that time.
near_time AS MATERIALIZED (
    SELECT
        span.first_at - INTERVAL 1 MINUTE AS since,
        span.last_at + INTERVAL 1 MINUTE AS until
    FROM (
        SELECT
            min(observed.occurred_at) AS first_at,
            max(observed.occurred_at) AS last_at
        FROM observed
    ) AS span
    SEMI JOIN leading_on ON span.first_at IS NOT NULL
),

near_edges AS MATERIALIZED (
    SELECT
        events.causation_id AS cause_id,
        events.event_id AS effect_id,
        coalesce(events.cause_kind, 'causation') AS kind
    FROM events
    INNER JOIN near_time
        ON events.occurred_at >= near_time.since AND events.occurred_at <= near_time.until
    WHERE events.causation_id <> events.event_id
    UNION
    SELECT
        touching.cause_id,
        touching.effect_id,
        touching.kind
    FROM touching
),

near_upstream AS (
    SELECT event::VARCHAR AS event_id
    UNION
    SELECT near_edges.cause_id AS event_id
    FROM near_upstream
    INNER JOIN near_edges ON near_upstream.event_id = near_edges.effect_id
),

near_downstream AS (
    SELECT event::VARCHAR AS event_id
    UNION
    SELECT near_edges.effect_id AS event_id
    FROM near_downstream
    INNER JOIN near_edges ON near_downstream.event_id = near_edges.cause_id
),

near_causes AS MATERIALIZED (
    SELECT unnest(list(near_upstream.event_id)) AS event_id
    FROM near_upstream
    WHERE EXISTS (SELECT leading_on.event_id FROM leading_on)
),

near_effects AS MATERIALIZED (
    SELECT unnest(list(near_downstream.event_id)) AS event_id
    FROM near_downstream
    WHERE EXISTS (SELECT leading_on.event_id FROM leading_on)
),

leading_away AS MATERIALIZED (
    SELECT found.effect_id AS event_id
    FROM (
        SELECT
            _edge_records.cause_id,
            _edge_records.effect_id,
            _edge_records.kind
        FROM _edge_records
        SEMI JOIN near_causes ON _edge_records.effect_id = near_causes.event_id
        UNION ALL
        SELECT
            _edge_records.cause_id,
            _edge_records.effect_id,
            _edge_records.kind
        FROM _edge_records
        SEMI JOIN near_effects ON _edge_records.cause_id = near_effects.event_id
    ) AS found
    ANTI JOIN near_edges
        ON
            found.cause_id = near_edges.cause_id
            AND found.effect_id = near_edges.effect_id
            AND found.kind = near_edges.kind
)

SELECT
    near_edges.cause_id,
    near_edges.effect_id,
    near_edges.kind
FROM near_edges
UNION ALL
SELECT
    _edge_records.cause_id,
    _edge_records.effect_id,
    _edge_records.kind
FROM _edge_records
WHERE EXISTS (SELECT leading_away.event_id FROM leading_away);
