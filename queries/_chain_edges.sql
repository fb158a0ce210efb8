-- _chain_edges: which edges can belong to the causal chain of this event?
--
-- One row per edge record; every edge of the chain is among them, others may be. An event
-- nearly always shares its correlation id with its whole chain, so the edges that touch
-- the events of that id are enough, unless one of them leads on to further edges. Only
-- then are all edges returned, which is why asking costs a few scans and not a hash table
-- of everything that was ever logged.
--
-- Parameters
--   event  VARCHAR  event_id
--
-- Columns
--   cause_id   VARCHAR  event_id of the cause
--   effect_id  VARCHAR  event_id of the effect
--   kind       VARCHAR  how it is known
--
-- Reads: events, _edge_records
CREATE OR REPLACE MACRO _chain_edges(event) AS TABLE
WITH flows AS MATERIALIZED (
    SELECT DISTINCT events.correlation_id
    FROM events
    WHERE events.event_id = event::VARCHAR AND events.correlation_id IS NOT NULL
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
        _edge_records.cause_id,
        _edge_records.effect_id,
        _edge_records.kind
    FROM _edge_records
    SEMI JOIN members ON _edge_records.effect_id = members.event_id
    UNION
    SELECT
        _edge_records.cause_id,
        _edge_records.effect_id,
        _edge_records.kind
    FROM _edge_records
    SEMI JOIN members ON _edge_records.cause_id = members.event_id
),

outer_causes AS MATERIALIZED (
    SELECT DISTINCT touching.cause_id AS event_id
    FROM touching
    ANTI JOIN members ON touching.cause_id = members.event_id
),

outer_effects AS MATERIALIZED (
    SELECT DISTINCT touching.effect_id AS event_id
    FROM touching
    ANTI JOIN members ON touching.effect_id = members.event_id
),

leading_on AS MATERIALIZED (
    SELECT _edge_records.effect_id
    FROM _edge_records
    SEMI JOIN outer_causes ON _edge_records.effect_id = outer_causes.event_id
    UNION ALL
    SELECT _edge_records.effect_id
    FROM _edge_records
    SEMI JOIN outer_effects ON _edge_records.cause_id = outer_effects.event_id
)

SELECT
    touching.cause_id,
    touching.effect_id,
    touching.kind
FROM touching
UNION ALL
SELECT
    _edge_records.cause_id,
    _edge_records.effect_id,
    _edge_records.kind
FROM _edge_records
WHERE EXISTS (SELECT leading_on.effect_id FROM leading_on);
