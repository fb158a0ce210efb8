-- critical_path: which effects of this event decided how long its chain took?
--
-- One row per step, from the event to the one of its chain that was observed last. Of
-- several causes the one that was observed last decides. A faster step elsewhere would not
-- have ended the chain earlier. Times are those of the writing nodes, and not corrected.
--
-- Parameters
--   event  VARCHAR  event_id
--
-- Columns
--   step         INTEGER    number of the step, from 0
--   event_id     VARCHAR    the event
--   event_type   VARCHAR    its type
--   service      VARCHAR    service of its first observation
--   node         VARCHAR    node of its first observation
--   occurred_at  TIMESTAMP  when it was first observed, UTC
--   waited_ms    DOUBLE     time since the step before; NULL for the first
--   share        DOUBLE     of the time from the first step to the last, 0 to 1
--
-- Source: Zhang et al. 2022, CRISP: critical path analysis of large-scale microservice architectures
-- Reads: causal_chain, _chain_edges
CREATE OR REPLACE MACRO critical_path(event) AS TABLE -- noqa: CP02
WITH RECURSIVE members AS MATERIALIZED ( -- noqa: PRS
    FROM causal_chain(event, direction := 'effects', depth_limit := 1000000)
),

deciding AS MATERIALIZED (
    SELECT
        named.effect_id,
        arg_max(
            named.cause_id, (cause.occurred_at, -cause.depth, named.cause_id)
        ) AS cause_id
    FROM _chain_edges(event) AS named
    INNER JOIN members AS cause ON named.cause_id = cause.event_id
    INNER JOIN members AS effect
        ON
            named.effect_id = effect.event_id
            AND effect.depth > 0
            AND cause.occurred_at IS NOT NULL
    GROUP BY named.effect_id
),

last_event AS (
    SELECT arg_max(members.event_id, (members.occurred_at, members.event_id)) AS event_id
    FROM members
),

back(event_id, steps) USING KEY (event_id, min(steps)) AS (
    SELECT
        last_event.event_id,
        0 AS steps
    FROM last_event
    UNION
    SELECT
        deciding.cause_id AS event_id,
        back.steps + 1 AS steps
    FROM back
    INNER JOIN deciding ON back.event_id = deciding.effect_id
),

timed AS (
    SELECT
        (max(back.steps) OVER () - back.steps)::INTEGER AS step,
        members.event_id,
        members.event_type,
        members.service,
        members.node,
        members.occurred_at,
        date_diff(
            'microsecond',
            lag(members.occurred_at) OVER (ORDER BY back.steps DESC),
            members.occurred_at
        ) AS waited_us,
        date_diff(
            'microsecond',
            min(members.occurred_at) OVER (),
            max(members.occurred_at) OVER ()
        ) AS whole_us
    FROM back
    INNER JOIN members ON back.event_id = members.event_id
)

SELECT
    timed.step,
    timed.event_id,
    timed.event_type,
    timed.service,
    timed.node,
    timed.occurred_at,
    timed.waited_us / 1000 AS waited_ms,
    timed.waited_us / nullif(timed.whole_us, 0) AS share
FROM timed
ORDER BY timed.step;
