-- _chain_members: which events belong to the chains that began in this window?
--
-- One row per root, as in _root_hashes, and event that follows from it within the window,
-- the root itself included, at its smallest distance; over hashes of ids, since every step
-- of the walk is looked up among all before it. Rows come unordered, because sorting is for
-- whoever needs it.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since     TIMESTAMP  first instant included
--   until     TIMESTAMP  first instant excluded
--   lookback  INTERVAL   how far before since a cause is looked for
--
-- Columns
--   root_hash   UBIGINT  hash of the id of the root
--   event_hash  UBIGINT  hash of the id of the event
--   depth       INTEGER  steps from the root to the event
--
-- Reads: _root_hashes, _window_edges
CREATE OR REPLACE MACRO _chain_members(since, until, lookback) AS TABLE -- noqa: CP02
WITH RECURSIVE window_edges AS MATERIALIZED ( -- noqa: PRS
    SELECT DISTINCT
        hash(named.cause_id) AS cause_hash,
        hash(named.effect_id) AS effect_hash
    FROM _window_edges(since, until) AS named
),

members(root_hash, event_hash, depth) USING KEY (root_hash, event_hash, min(depth)) AS (
    SELECT
        roots.root_hash,
        roots.root_hash AS event_hash,
        0 AS depth
    FROM _root_hashes(since, until, lookback) AS roots
    UNION
    SELECT
        members.root_hash,
        window_edges.effect_hash AS event_hash,
        members.depth + 1 AS depth
    FROM members
    INNER JOIN window_edges ON members.event_hash = window_edges.cause_hash
)

SELECT
    members.root_hash,
    members.event_hash,
    members.depth
FROM members;
