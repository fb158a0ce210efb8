-- chain_shapes: along which types do chains run, how often, and which ways are new?
--
-- One row per shape: the types from a root to an event without effects, the most frequent
-- first. The chains are what the window holds of them; what comes after depth_limit steps is
-- cut off. An event with several causes is on the path of one of them.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since        TIMESTAMP  first instant included (default: the oldest event)
--   until        TIMESTAMP  first instant excluded (default: the newest event)
--   depth_limit  INTEGER    how many steps are followed (default: 20)
--   row_limit    BIGINT     how many rows (default: 100)
--
-- Columns
--   shape          VARCHAR[]  types from the root to the end; ? is a type that is not known
--   path_count     BIGINT     paths of that shape
--   chain_count    BIGINT     chains that have one
--   newness_rank   BIGINT     1 for the shape that came up last
--   first_at       TIMESTAMP  when the first path of the shape ended, UTC
--   last_at        TIMESTAMP  when the last one did, UTC
--   first_root_id  VARCHAR    event_id of the root of the first one
--   first_end_id   VARCHAR    event_id of its end
--
-- Reads: events, _chain_ends, _window_edges
CREATE OR REPLACE MACRO chain_shapes(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    depth_limit := 20,
    row_limit := 100
) AS TABLE
WITH counted AS (
    SELECT
        ends.path AS shape,
        count(*) AS path_count,
        count(DISTINCT ends.root_hash) AS chain_count,
        min(ends.occurred_at) AS first_at,
        max(ends.occurred_at) AS last_at,
        arg_min(ends.root_hash, (ends.occurred_at, ends.end_hash)) AS root_hash,
        arg_min(ends.end_hash, (ends.occurred_at, ends.end_hash)) AS end_hash
    FROM _chain_ends(since, until, depth_limit) AS ends
    GROUP BY ends.path
),

ranked AS MATERIALIZED (
    SELECT
        counted.*,
        rank() OVER (ORDER BY counted.first_at DESC) AS newness_rank
    FROM counted
    ORDER BY counted.path_count DESC, counted.first_at DESC, counted.shape ASC
    LIMIT (row_limit::BIGINT)
),

ids AS (
    SELECT
        hash(named.cause_id) AS event_hash,
        any_value(named.cause_id) AS event_id
    FROM _window_edges(since, until) AS named
    WHERE hash(named.cause_id) IN (SELECT ranked.root_hash FROM ranked)
    GROUP BY hash(named.cause_id)
    UNION ALL
    SELECT
        hash(events.event_id) AS event_hash,
        any_value(events.event_id) AS event_id
    FROM events
    WHERE hash(events.event_id) IN (SELECT ranked.end_hash FROM ranked)
    GROUP BY hash(events.event_id)
)

SELECT
    ranked.shape,
    ranked.path_count,
    ranked.chain_count,
    ranked.newness_rank,
    ranked.first_at,
    ranked.last_at,
    roots.event_id AS first_root_id,
    ends.event_id AS first_end_id
FROM ranked
INNER JOIN ids AS roots ON ranked.root_hash = roots.event_hash
INNER JOIN ids AS ends ON ranked.end_hash = ends.event_hash
ORDER BY ranked.path_count DESC, ranked.first_at DESC, ranked.shape ASC;
