-- largest_chains: which events set most in motion?
--
-- One row per chain that began in the window, the largest first: a root (an event without
-- a cause that caused something) and all that follows from it within the window. An event
-- with several causes counts in the chain of each of its roots. A root may be a ghost: the
-- first cause of a chain that was never logged.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   row_limit  BIGINT     how many rows (default: 20)
--   lookback   INTERVAL   how far before since a cause is looked for (default: 1 hour)
--   of_type    VARCHAR    only those that begin with an event of this type (default: all)
--
-- Columns
--   root_id      VARCHAR    event_id of the root
--   event_type   VARCHAR    type of the root; NULL for a ghost
--   event_count  BIGINT     events of the chain, the root included
--   depth_max    INTEGER    steps from the root to the event farthest from it
--   started_at   TIMESTAMP  when the root was first observed, a ghost: its first effect, UTC
--   is_ghost     BOOLEAN    whether the root is named as a cause, but was never logged
--
-- Reads: _roots, _chain_members
CREATE OR REPLACE MACRO largest_chains(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    row_limit := 20,
    lookback := INTERVAL 1 HOUR,
    of_type := NULL
) AS TABLE -- noqa: CP02
WITH chains AS (
    SELECT
        members.root_hash,
        count(*) AS event_count,
        max(members.depth) AS depth_max
    FROM _chain_members(since, until, lookback) AS members
    GROUP BY members.root_hash
)

SELECT
    roots.event_id AS root_id,
    roots.event_type,
    chains.event_count,
    chains.depth_max,
    roots.started_at,
    roots.is_ghost
FROM chains
INNER JOIN
    _roots(since, until, lookback) AS roots
    ON chains.root_hash = hash(roots.event_id)
WHERE of_type::VARCHAR IS NULL OR roots.event_type = of_type::VARCHAR
ORDER BY chains.event_count DESC, roots.started_at ASC, roots.event_id ASC
LIMIT (row_limit::BIGINT);
