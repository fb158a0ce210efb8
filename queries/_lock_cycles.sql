-- _lock_cycles: in which circles did owners wait for each other, as the lock events tell?
--
-- One row per edge of a circle whose edges were all there at one instant, for longer than the
-- clock_error. Circles that one wait closes, for what several hold, are one. Those of more
-- than 12 owners are not looked for. Rows come unordered, because sorting is for whoever
-- needs it.
--
-- Parameters
--   since        TIMESTAMP  first instant included
--   until        TIMESTAMP  first instant excluded
--   open_limit   INTERVAL   how long a wait lasts of which no end was logged
--   clock_error  INTERVAL   how far the clocks of two nodes may be apart
--
-- Columns
--   closed_at   TIMESTAMP  when the last edge of the circle appeared, UTC
--   broken_at   TIMESTAMP  when the first edge went, UTC
--   members     VARCHAR[]  owners in the circle, sorted
--   owner       VARCHAR    who waits
--   blocked_by  VARCHAR    who is in the way
--   resource    VARCHAR    what is locked
--   mode        VARCHAR    lock mode that is waited for
--   statement   VARCHAR    statement the owner was running
--   event_id    VARCHAR    event_id of the record of the wait
--
-- Source: Coffman, Elphick, Shoshani 1971: a cycle in the wait-for graph
-- Reads: _wait_edges
CREATE OR REPLACE MACRO _lock_cycles(since, until, open_limit, clock_error) AS TABLE
WITH RECURSIVE lasting AS MATERIALIZED (
    SELECT
        edges.*,
        unnest(
            range(
                date_trunc('minute', edges.began_at), edges.ended_at, INTERVAL 1 MINUTE
            )
        ) AS minute_start
    FROM _wait_edges(since, until, open_limit) AS edges
    WHERE edges.ended_at > edges.began_at + clock_error::INTERVAL
),

-- Whoever does not wait, or is in nobody's way, is in no circle.
edges AS MATERIALIZED (
    SELECT
        lasting.*,
        row_number() OVER (
            ORDER BY
                lasting.minute_start,
                lasting.owner,
                lasting.blocked_by,
                lasting.resource,
                lasting.mode,
                lasting.began_at
        ) AS edge_no
    FROM lasting
    SEMI JOIN lasting AS before
        ON lasting.owner = before.blocked_by AND lasting.minute_start = before.minute_start
    SEMI JOIN lasting AS behind
        ON lasting.blocked_by = behind.owner AND lasting.minute_start = behind.minute_start
),

-- The smallest owner of a circle begins it, so that it is found once.
paths AS (
    SELECT
        edges.owner AS first_owner,
        edges.blocked_by AS last_owner,
        edges.minute_start,
        edges.began_at,
        edges.ended_at,
        [edges.owner] AS members,
        [edges.edge_no] AS edge_numbers
    FROM edges
    WHERE edges.blocked_by > edges.owner
    UNION ALL
    SELECT
        paths.first_owner,
        edges.blocked_by AS last_owner,
        paths.minute_start,
        greatest(paths.began_at, edges.began_at) AS began_at,
        least(paths.ended_at, edges.ended_at) AS ended_at,
        list_append(paths.members, edges.owner) AS members,
        list_append(paths.edge_numbers, edges.edge_no) AS edge_numbers
    FROM paths
    INNER JOIN edges
        ON paths.last_owner = edges.owner AND paths.minute_start = edges.minute_start
    WHERE
        paths.last_owner <> paths.first_owner
        AND edges.blocked_by >= paths.first_owner
        AND NOT list_contains(paths.members, edges.owner)
        AND len(paths.members) < 12
        AND least(paths.ended_at, edges.ended_at)
        > greatest(paths.began_at, edges.began_at) + clock_error::INTERVAL
),

circles AS (
    SELECT
        paths.began_at AS closed_at,
        paths.ended_at AS broken_at,
        list_sort(paths.members) AS members,
        unnest(paths.edge_numbers) AS edge_no
    FROM paths
    WHERE
        paths.last_owner = paths.first_owner
        AND date_trunc('minute', paths.began_at) = paths.minute_start
),

found AS (
    SELECT
        circles.closed_at,
        circles.broken_at,
        circles.members,
        edges.owner,
        edges.blocked_by,
        edges.resource,
        edges.mode,
        edges.statement,
        edges.event_id,
        edges.began_at
    FROM circles
    INNER JOIN edges ON circles.edge_no = edges.edge_no
),

closed AS (
    SELECT
        found.closed_at,
        found.members,
        min(found.broken_at) AS broken_at,
        min(found.owner) FILTER (WHERE found.began_at = found.closed_at) AS closed_by
    FROM found
    GROUP BY found.closed_at, found.members
),

knots AS (
    SELECT
        closed.closed_at,
        closed.closed_by,
        min(closed.broken_at) AS broken_at,
        list_sort(list_distinct(flatten(list(closed.members)))) AS members
    FROM closed
    GROUP BY closed.closed_at, closed.closed_by
)

SELECT DISTINCT
    found.closed_at,
    knots.broken_at,
    knots.members,
    found.owner,
    found.blocked_by,
    found.resource,
    found.mode,
    found.statement,
    found.event_id
FROM found
INNER JOIN closed
    ON found.closed_at = closed.closed_at AND found.members = closed.members
INNER JOIN knots
    ON closed.closed_at = knots.closed_at AND closed.closed_by = knots.closed_by;
