-- causal_loops: which chains come back to the same type of event for the same entity?
--
-- One row per root, event type and entity that the chain visits at turns_min or more
-- distinct depths: distinct, because copies of one event or many effects of one cause are
-- no loop. Where an event names no entity, the key of its stream stands for it; events
-- with neither are in none: reading page after page is no loop either. The chain is what
-- the window holds of it. From 4 turns on a loop is worth watching, from 17 on it should
-- be stopped. One that somebody declared to be harmless is allowed, and comes
-- last: a change in the logs with the setting "allowed_loop" and the event type as its
-- "new" value declares it, one with the type as its "old" value takes that back.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   turns_min  BIGINT     fewest turns (default: 4)
--   row_limit  BIGINT     how many rows (default: 100)
--
-- Columns
--   level              VARCHAR    watch, stop (more than 16 turns) or allowed
--   root_id            VARCHAR    event_id of the event the chain began with
--   event_type         VARCHAR    type of the events that come back
--   entity             VARCHAR    their entity, else the key of their stream
--   turns              BIGINT     distinct depths at which the chain visits them
--   event_count        BIGINT     events of that type and entity in the chain
--   period             DOUBLE     steps from one turn to the next, on average
--   growth             DOUBLE     events of a turn per event of the turn before, on average
--   first_id           VARCHAR    first event of the loop: the visit nearest to the root
--   closing_cause_id   VARCHAR    cause of the edge that closes the loop
--   closing_effect_id  VARCHAR    effect of that edge: the second visit
--   started_at         TIMESTAMP  first visit, UTC
--   last_at            TIMESTAMP  newest visit, UTC
--
-- Source: AWS Lambda, "Recursive loop detection": more than 16 invocations in one chain are stopped
-- Reads: events, _allowed_loops, _window_edges
CREATE OR REPLACE MACRO causal_loops(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    turns_min := 4,
    row_limit := 100
) AS TABLE -- noqa: CP02
WITH RECURSIVE window_edges AS MATERIALIZED ( -- noqa: PRS
    SELECT DISTINCT
        hash(named.cause_id) AS cause_hash,
        hash(named.effect_id) AS effect_hash
    FROM _window_edges(since, until) AS named
),

told AS (
    SELECT
        hash(events.event_id) AS event_hash,
        min(
            hash(events.event_type, coalesce(events.entity, events.stream_key))
        ) AS visit_hash
    FROM events
    WHERE
        events.event_id IS NOT NULL
        AND events.event_type IS NOT NULL
        AND coalesce(events.entity, events.stream_key) IS NOT NULL
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

-- Nearly every event is of a type and entity that is seen too rarely to be in a loop.
visits AS MATERIALIZED (
    SELECT
        told.event_hash,
        told.visit_hash
    FROM told
    SEMI JOIN (
        SELECT window_edges.effect_hash AS event_hash FROM window_edges
        UNION ALL
        SELECT window_edges.cause_hash AS event_hash FROM window_edges
    ) AS linked ON told.event_hash = linked.event_hash
    QUALIFY count(*) OVER (PARTITION BY told.visit_hash) >= turns_min::BIGINT
),

above(event_hash) AS (
    SELECT visits.event_hash
    FROM visits
    UNION
    SELECT window_edges.cause_hash AS event_hash
    FROM above
    INNER JOIN window_edges ON above.event_hash = window_edges.effect_hash
),

paths AS MATERIALIZED (
    SELECT
        window_edges.cause_hash,
        window_edges.effect_hash
    FROM window_edges
    SEMI JOIN above ON window_edges.effect_hash = above.event_hash
),

members(root_hash, event_hash, depth) USING KEY (root_hash, event_hash, min(depth)) AS (
    SELECT DISTINCT
        paths.cause_hash AS root_hash,
        paths.cause_hash AS event_hash,
        0 AS depth
    FROM paths
    ANTI JOIN paths AS caused ON paths.cause_hash = caused.effect_hash
    UNION
    SELECT
        members.root_hash,
        paths.effect_hash AS event_hash,
        members.depth + 1 AS depth
    FROM members
    INNER JOIN paths ON members.event_hash = paths.cause_hash
),

turns AS MATERIALIZED (
    SELECT
        members.root_hash,
        visits.visit_hash,
        members.event_hash,
        members.depth,
        dense_rank() OVER loops AS turn_no
    FROM members
    INNER JOIN visits ON members.event_hash = visits.event_hash
    WINDOW loops AS (
        PARTITION BY members.root_hash, visits.visit_hash
        ORDER BY members.depth
    )
),

found AS MATERIALIZED (
    SELECT
        turns.root_hash,
        turns.visit_hash,
        max(turns.turn_no) AS turn_count,
        count(*) AS event_count,
        (max(turns.depth) - min(turns.depth)) / (max(turns.turn_no) - 1) AS period,
        count(*) FILTER (WHERE turns.turn_no > 1)
        / count(*) FILTER (WHERE turns.turn_no < max_turn.turn_no) AS growth
    FROM turns
    INNER JOIN (
        SELECT
            turns.root_hash,
            turns.visit_hash,
            max(turns.turn_no) AS turn_no
        FROM turns
        GROUP BY turns.root_hash, turns.visit_hash
    ) AS max_turn
        ON
            turns.root_hash = max_turn.root_hash
            AND turns.visit_hash = max_turn.visit_hash
            AND max_turn.turn_no >= turns_min::BIGINT
    GROUP BY turns.root_hash, turns.visit_hash
),

seen AS MATERIALIZED (
    SELECT
        turns.root_hash,
        turns.visit_hash,
        turns.turn_no,
        events.event_id,
        events.event_type,
        coalesce(events.entity, events.stream_key) AS entity,
        events.occurred_at,
        turns.event_hash
    FROM turns
    SEMI JOIN found
        ON turns.root_hash = found.root_hash AND turns.visit_hash = found.visit_hash
    INNER JOIN events
        ON
            turns.event_hash = hash(events.event_id)
            AND turns.visit_hash
            = hash(events.event_type, coalesce(events.entity, events.stream_key))
),

named_ends AS (
    SELECT
        seen.root_hash,
        seen.visit_hash,
        any_value(seen.event_type) AS event_type,
        any_value(seen.entity) AS entity,
        min(seen.occurred_at) AS started_at,
        max(seen.occurred_at) AS last_at,
        arg_min(seen.event_id, (seen.occurred_at, seen.event_id))
            FILTER (WHERE seen.turn_no = 1) AS first_id,
        arg_min(seen.event_id, (seen.occurred_at, seen.event_id))
            FILTER (WHERE seen.turn_no = 2) AS closing_effect_id
    FROM seen
    GROUP BY seen.root_hash, seen.visit_hash
),

closing AS (
    SELECT
        named_ends.root_hash,
        named_ends.visit_hash,
        arg_min(members.event_hash, (members.depth, members.event_hash)) AS cause_hash
    FROM named_ends
    INNER JOIN paths ON hash(named_ends.closing_effect_id) = paths.effect_hash
    INNER JOIN members
        ON
            paths.cause_hash = members.event_hash
            AND named_ends.root_hash = members.root_hash
    GROUP BY named_ends.root_hash, named_ends.visit_hash
),

ids AS (
    SELECT
        hash(named.cause_id) AS cause_hash,
        any_value(named.cause_id) AS cause_id
    FROM _window_edges(since, until) AS named
    WHERE
        hash(named.cause_id) IN (SELECT closing.cause_hash FROM closing)
        OR hash(named.cause_id) IN (SELECT found.root_hash FROM found)
    GROUP BY hash(named.cause_id)
)

SELECT
    CASE
        WHEN _allowed_loops.event_type IS NOT NULL THEN 'allowed'
        WHEN found.turn_count > 16 THEN 'stop'
        ELSE 'watch'
    END AS level,
    roots.cause_id AS root_id,
    named_ends.event_type,
    named_ends.entity,
    found.turn_count AS turns,
    found.event_count,
    found.period,
    found.growth,
    named_ends.first_id,
    closers.cause_id AS closing_cause_id,
    named_ends.closing_effect_id,
    named_ends.started_at,
    named_ends.last_at
FROM found
INNER JOIN named_ends
    ON found.root_hash = named_ends.root_hash AND found.visit_hash = named_ends.visit_hash
INNER JOIN closing
    ON found.root_hash = closing.root_hash AND found.visit_hash = closing.visit_hash
INNER JOIN ids AS roots ON found.root_hash = roots.cause_hash
INNER JOIN ids AS closers ON closing.cause_hash = closers.cause_hash
LEFT OUTER JOIN _allowed_loops ON named_ends.event_type = _allowed_loops.event_type
ORDER BY
    (_allowed_loops.event_type IS NULL) DESC,
    found.turn_count DESC,
    named_ends.started_at ASC,
    roots.cause_id ASC,
    named_ends.event_type ASC,
    named_ends.entity ASC
LIMIT (row_limit::BIGINT);
