-- chain_edges: which direct causes link the events of this chain?
--
-- One row per cause, effect and kind, where both are in the chain of the event asked for, as
-- causal_chain has it: all causes of an event, not the nearest only.
--
-- Parameters
--   event        VARCHAR  event_id
--   direction    VARCHAR  causes, effects or both (default: both)
--   depth_limit  INTEGER  how far to walk each way (default: 1000)
--
-- Columns
--   cause_id   VARCHAR  event_id of the cause
--   effect_id  VARCHAR  event_id of the effect
--   kind       VARCHAR  how it is known: causation, parent, link, message or clock
--
-- Reads: causal_chain, _chain_edges
CREATE OR REPLACE MACRO chain_edges(
    event,
    direction := 'both',
    depth_limit := 1000
) AS TABLE
WITH members AS MATERIALIZED (
    SELECT chain.event_id
    FROM
        causal_chain(event, direction := direction, depth_limit := depth_limit) AS chain
)

SELECT DISTINCT
    named.cause_id,
    named.effect_id,
    named.kind
FROM _chain_edges(event) AS named
SEMI JOIN members AS cause ON named.cause_id = cause.event_id
SEMI JOIN members AS effect ON named.effect_id = effect.event_id
ORDER BY named.cause_id, named.effect_id, named.kind;
