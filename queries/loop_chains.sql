-- loop_chains: which chains that began in this window went round this loop most, and by which types?
--
-- One row per chain, as in largest_chains, that has events of the types of the loop, the one
-- with most of them first. All its events of one type are folded into a type and a number.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   of_loop    VARCHAR    the loop, by the name that loop_gain gives it: a <-> b
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   row_limit  BIGINT     how many rows (default: 20)
--   lookback   INTERVAL   how far before since a cause is looked for (default: 1 hour)
--
-- Columns
--   root_id           VARCHAR    event_id of the root
--   event_type        VARCHAR    type of the root; NULL for a ghost
--   event_count       BIGINT     events of the chain, the root included
--   loop_event_count  BIGINT     those of them that are of the types of the loop
--   depth_max         INTEGER    steps from the root to the event farthest from it
--   started_at        TIMESTAMP  when the root was first observed, a ghost: its first effect, UTC
--   last_at           TIMESTAMP  when the newest of its events was first observed, UTC
--   folded_types      VARCHAR[]  types of its events, else their stream, those nearest to the
--                                root first; an event that was not logged has none
--   folded_counts     BIGINT[]   how many of its events are of each
--   is_ghost          BOOLEAN    whether the root is named as a cause, but was never logged
--
-- Reads: events, _roots, _chain_members
CREATE OR REPLACE MACRO loop_chains(
    of_loop,
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    row_limit := 20,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH members AS MATERIALIZED (
    SELECT
        found.root_hash,
        found.event_hash,
        found.depth
    FROM _chain_members(since, until, lookback) AS found
),

observed AS (
    SELECT
        hash(events.event_id) AS event_hash,
        coalesce(events.event_type, events.stream, '(no type)') AS event_type,
        events.occurred_at,
        events.file_id,
        events.byte_offset,
        events.record_no
    FROM events
    WHERE
        (
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
        AND events.event_id IS NOT NULL
),

turning AS (
    SELECT DISTINCT observed.event_hash
    FROM observed
    WHERE list_contains(string_split(of_loop::VARCHAR, ' <-> '), observed.event_type)
),

chains AS MATERIALIZED (
    SELECT
        members.root_hash,
        count(*) AS event_count,
        count(turning.event_hash) AS loop_event_count,
        max(members.depth) AS depth_max
    FROM members
    LEFT OUTER JOIN turning ON members.event_hash = turning.event_hash
    GROUP BY members.root_hash
    HAVING count(turning.event_hash) > 0
    ORDER BY loop_event_count DESC, event_count DESC, members.root_hash ASC
    LIMIT (row_limit::BIGINT)
),

listed AS MATERIALIZED (
    SELECT
        members.root_hash,
        members.event_hash,
        members.depth
    FROM members
    SEMI JOIN chains ON members.root_hash = chains.root_hash
),

typed AS (
    SELECT
        observed.event_hash,
        min(observed.occurred_at) AS occurred_at,
        arg_min(
            observed.event_type,
            (
                observed.occurred_at,
                observed.file_id,
                observed.byte_offset,
                observed.record_no
            )
        ) AS event_type
    FROM observed
    SEMI JOIN listed ON observed.event_hash = listed.event_hash
    GROUP BY observed.event_hash
),

folds AS (
    SELECT
        listed.root_hash,
        typed.event_type,
        count(*) AS event_count,
        min(listed.depth) AS depth_min,
        max(typed.occurred_at) AS last_at
    FROM listed
    INNER JOIN typed ON listed.event_hash = typed.event_hash
    GROUP BY listed.root_hash, typed.event_type
),

folded AS (
    SELECT
        folds.root_hash,
        max(folds.last_at) AS last_at,
        list(folds.event_type ORDER BY folds.depth_min, folds.event_type) AS folded_types,
        list(folds.event_count ORDER BY folds.depth_min, folds.event_type) AS folded_counts
    FROM folds
    GROUP BY folds.root_hash
)

SELECT
    roots.event_id AS root_id,
    roots.event_type,
    chains.event_count,
    chains.loop_event_count,
    chains.depth_max,
    roots.started_at,
    folded.last_at,
    folded.folded_types,
    folded.folded_counts,
    roots.is_ghost
FROM chains
INNER JOIN folded ON chains.root_hash = folded.root_hash
INNER JOIN
    _roots(since, until, lookback) AS roots
    ON chains.root_hash = hash(roots.event_id)
ORDER BY
    chains.loop_event_count DESC,
    chains.event_count DESC,
    roots.started_at ASC,
    roots.event_id ASC;
