-- chain_fold: what does the chain of this event look like when what is alike is folded?
--
-- One row per type path: the types from the event asked for down to an effect, over the
-- nearest causes. All events with one path are folded into its row. Rows come in the order
-- of a tree, each below the path it goes on from. Paths of more than depth_limit steps end there.
--
-- Parameters
--   event        VARCHAR  event_id
--   depth_limit  INTEGER  how many steps are followed (default: 100)
--
-- Columns
--   path         VARCHAR[]  types from the event asked for on; ? is a type that is not known
--   depth        INTEGER    steps from the event asked for
--   event_type   VARCHAR    the last type of the path
--   event_count  BIGINT     events folded into the row
--   fan_out_max  BIGINT     most direct effects that one of them has in the chain
--   first_at     TIMESTAMP  when the first of them was first observed, UTC
--   last_at      TIMESTAMP  when the last of them was first observed, UTC
--   first_id     VARCHAR    event_id of the first of them
--   last_id      VARCHAR    event_id of the last of them
--
-- Reads: causal_chain
CREATE OR REPLACE MACRO chain_fold(event, depth_limit := 100) AS TABLE -- noqa: CP02
WITH RECURSIVE members AS MATERIALIZED ( -- noqa: PRS
    SELECT
        chain.event_id,
        chain.cause_id,
        chain.depth,
        coalesce(chain.event_type, '?') AS event_type,
        chain.occurred_at
    FROM causal_chain(event, direction := 'effects', depth_limit := depth_limit) AS chain
),

fan_outs AS (
    SELECT
        members.cause_id AS event_id,
        count(*) AS fan_out
    FROM members
    GROUP BY members.cause_id
),

paths AS (
    SELECT
        members.event_id,
        members.depth,
        [members.event_type] AS path
    FROM members
    WHERE members.depth = 0
    UNION ALL
    SELECT
        members.event_id,
        members.depth,
        list_append(paths.path, members.event_type) AS path
    FROM paths
    INNER JOIN members
        ON paths.event_id = members.cause_id AND paths.depth + 1 = members.depth
)

SELECT
    paths.path,
    paths.depth,
    any_value(members.event_type) AS event_type,
    count(*) AS event_count,
    coalesce(max(fan_outs.fan_out), 0) AS fan_out_max,
    min(members.occurred_at) AS first_at,
    max(members.occurred_at) AS last_at,
    arg_min(members.event_id, (members.occurred_at, members.event_id)) AS first_id,
    arg_max(members.event_id, (members.occurred_at, members.event_id)) AS last_id
FROM paths
INNER JOIN members ON paths.event_id = members.event_id
LEFT OUTER JOIN fan_outs ON paths.event_id = fan_outs.event_id
GROUP BY paths.path, paths.depth
ORDER BY paths.path;
