-- _chain_ends: along which types do the chains of this window run?
--
-- One row per event that ends a path: one without effects in the window, or at the depth_limit.
-- An event with several causes is on the path of one of them. Rows come unordered, because
-- sorting is for whoever needs it.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since        TIMESTAMP  first instant included
--   until        TIMESTAMP  first instant excluded
--   depth_limit  INTEGER    how many steps are followed
--
-- Columns
--   root_hash    UBIGINT    hash of the id of the event the chain began with
--   end_hash     UBIGINT    hash of the id of the event that ends the path
--   path         VARCHAR[]  types from the root to it; ? is a type that is not known
--   occurred_at  TIMESTAMP  when that event was first observed, UTC
--
-- Reads: events, _window_edges
CREATE OR REPLACE MACRO _chain_ends(since, until, depth_limit) AS TABLE -- noqa: CP02
WITH RECURSIVE causes_of AS MATERIALIZED ( -- noqa: PRS
    SELECT
        hash(named.effect_id) AS effect_hash,
        min(hash(named.cause_id)) AS cause_hash
    FROM _window_edges(since, until) AS named
    GROUP BY hash(named.effect_id)
),

types AS MATERIALIZED (
    SELECT
        hash(events.event_id) AS event_hash,
        min(events.event_type) AS event_type,
        min(events.occurred_at) AS occurred_at
    FROM events
    WHERE
        events.event_id IS NOT NULL
        AND (
            (
                events.occurred_at >= since::TIMESTAMP
                AND events.occurred_at < until::TIMESTAMP
            )
            OR (
                events.occurred_at IS NULL
                AND since::TIMESTAMP = '-infinity'::TIMESTAMP
                AND until::TIMESTAMP = 'infinity'::TIMESTAMP
            )
        )
    GROUP BY hash(events.event_id)
),

roots AS (
    SELECT DISTINCT causes_of.cause_hash
    FROM causes_of
    ANTI JOIN causes_of AS caused ON causes_of.cause_hash = caused.effect_hash
),

paths AS (
    SELECT
        roots.cause_hash AS root_hash,
        roots.cause_hash AS event_hash,
        0 AS depth,
        [coalesce(types.event_type, '?')] AS path,
        types.occurred_at
    FROM roots
    LEFT OUTER JOIN types ON roots.cause_hash = types.event_hash
    UNION ALL
    SELECT
        paths.root_hash,
        causes_of.effect_hash AS event_hash,
        paths.depth + 1 AS depth,
        list_append(paths.path, coalesce(types.event_type, '?')) AS path,
        types.occurred_at
    FROM paths
    INNER JOIN causes_of ON paths.event_hash = causes_of.cause_hash
    LEFT OUTER JOIN types ON causes_of.effect_hash = types.event_hash
    WHERE paths.depth < depth_limit::INTEGER
)

SELECT
    paths.root_hash,
    paths.event_hash AS end_hash,
    paths.path,
    paths.occurred_at
FROM paths
ANTI JOIN causes_of
    ON paths.event_hash = causes_of.cause_hash AND paths.depth < depth_limit::INTEGER;
