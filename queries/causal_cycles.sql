-- causal_cycles: which events are their own ancestors?
--
-- One row per group of events that all cause each other. A cause comes before its effect, so
-- this cannot have happened: an id was used twice, a cause was written down wrongly, or the
-- field that was taken for the cause is none. An event that names itself is in none. The
-- members of a cycle have no root, so that other relations on chains may not show them.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since        TIMESTAMP  first instant included (default: the oldest event)
--   until        TIMESTAMP  first instant excluded (default: the newest event)
--   steps_limit  INTEGER    longest way back to an event that is looked for (default: 100)
--
-- Columns
--   event_count        BIGINT     events of the cycle
--   members            VARCHAR[]  their event_ids, sorted
--   first_id           VARCHAR    the one that was observed first
--   closing_cause_id   VARCHAR    cause of the edge that closes the cycle: it was observed
--                                 last of those that caused the first
--   closing_effect_id  VARCHAR    effect of that edge: the first event again
--   started_at         TIMESTAMP  when the first was observed, UTC
--   last_at            TIMESTAMP  when the newest was observed, UTC
--
-- Source: Kahn 1962: what is left when all that has no open cause, or no open effect, is taken away
-- Reads: events, _window_edges
CREATE OR REPLACE MACRO causal_cycles(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    steps_limit := 100
) AS TABLE -- noqa: CP02
WITH RECURSIVE window_edges AS MATERIALIZED ( -- noqa: PRS
    SELECT DISTINCT
        hash(named.cause_id) AS cause_hash,
        hash(named.effect_id) AS effect_hash
    FROM _window_edges(since, until) AS named
),

cause_counts AS MATERIALIZED (
    SELECT
        window_edges.effect_hash AS event_hash,
        count(*) AS cause_count
    FROM window_edges
    GROUP BY window_edges.effect_hash
),

-- An event is explained once all its causes are.
explained(event_hash, explained_count) USING KEY (event_hash, sum(explained_count)) AS (
    SELECT DISTINCT
        window_edges.cause_hash AS event_hash,
        0::HUGEINT AS explained_count
    FROM window_edges
    ANTI JOIN cause_counts ON window_edges.cause_hash = cause_counts.event_hash
    UNION
    SELECT
        window_edges.effect_hash AS event_hash,
        count(*)::HUGEINT AS explained_count
    FROM explained
    LEFT OUTER JOIN cause_counts ON explained.event_hash = cause_counts.event_hash
    INNER JOIN window_edges ON explained.event_hash = window_edges.cause_hash
    WHERE explained.explained_count = coalesce(cause_counts.cause_count, 0)
    GROUP BY window_edges.effect_hash
),

unexplained AS MATERIALIZED (
    SELECT
        window_edges.cause_hash,
        window_edges.effect_hash
    FROM window_edges
    SEMI JOIN (
        SELECT cause_counts.event_hash
        FROM cause_counts
        LEFT OUTER JOIN explained ON cause_counts.event_hash = explained.event_hash
        WHERE coalesce(explained.explained_count, 0) < cause_counts.cause_count
    ) AS open_events
        ON window_edges.cause_hash = open_events.event_hash
),

effect_counts AS MATERIALIZED (
    SELECT
        unexplained.cause_hash AS event_hash,
        count(*) AS effect_count
    FROM unexplained
    GROUP BY unexplained.cause_hash
),

-- The same from the other end: an event has ended once all its effects have.
ended(event_hash, ended_count) USING KEY (event_hash, sum(ended_count)) AS (
    SELECT DISTINCT
        unexplained.effect_hash AS event_hash,
        0::HUGEINT AS ended_count
    FROM unexplained
    ANTI JOIN effect_counts ON unexplained.effect_hash = effect_counts.event_hash
    UNION
    SELECT
        unexplained.cause_hash AS event_hash,
        count(*)::HUGEINT AS ended_count
    FROM ended
    LEFT OUTER JOIN effect_counts ON ended.event_hash = effect_counts.event_hash
    INNER JOIN unexplained ON ended.event_hash = unexplained.effect_hash
    WHERE ended.ended_count = coalesce(effect_counts.effect_count, 0)
    GROUP BY unexplained.cause_hash
),

endless AS (
    SELECT effect_counts.event_hash
    FROM effect_counts
    LEFT OUTER JOIN ended ON effect_counts.event_hash = ended.event_hash
    WHERE coalesce(ended.ended_count, 0) < effect_counts.effect_count
),

circling AS MATERIALIZED (
    SELECT DISTINCT
        named.cause_id,
        named.effect_id
    FROM _window_edges(since, until) AS named
    WHERE
        hash(named.cause_id) IN (SELECT endless.event_hash FROM endless)
        AND hash(named.effect_id) IN (SELECT endless.event_hash FROM endless)
),

walks(start_id, event_id, steps) USING KEY (start_id, event_id, min(steps)) AS (
    SELECT
        circling.cause_id AS start_id,
        circling.effect_id AS event_id,
        1 AS steps
    FROM circling
    UNION
    SELECT
        walks.start_id,
        circling.effect_id AS event_id,
        walks.steps + 1 AS steps
    FROM walks
    INNER JOIN circling ON walks.event_id = circling.cause_id
    WHERE walks.steps < steps_limit::INTEGER AND walks.event_id <> walks.start_id
),

-- Two events that lead to each other are of one group, named by its smallest member.
members AS MATERIALIZED (
    SELECT
        forth.start_id AS event_id,
        min(forth.event_id) AS group_id
    FROM walks AS forth
    INNER JOIN walks AS back
        ON forth.start_id = back.event_id AND forth.event_id = back.start_id
    GROUP BY forth.start_id
),

inner_causes AS (
    SELECT
        circling.cause_id,
        circling.effect_id
    FROM circling
    INNER JOIN members AS effect ON circling.effect_id = effect.event_id
    INNER JOIN members AS cause
        ON circling.cause_id = cause.event_id AND effect.group_id = cause.group_id
),

observed AS MATERIALIZED (
    SELECT
        members.event_id,
        members.group_id,
        min(events.occurred_at) AS first_at,
        max(events.occurred_at) AS last_at
    FROM members
    INNER JOIN events ON members.event_id = events.event_id
    GROUP BY members.event_id, members.group_id
),

cycles AS (
    SELECT
        observed.group_id,
        count(*) AS event_count,
        list(observed.event_id ORDER BY observed.event_id) AS members,
        arg_min(observed.event_id, (observed.first_at, observed.event_id)) AS first_id,
        min(observed.first_at) AS started_at,
        max(observed.last_at) AS last_at
    FROM observed
    GROUP BY observed.group_id
)

SELECT
    cycles.event_count,
    cycles.members,
    cycles.first_id,
    arg_max(cause.event_id, (cause.first_at, cause.event_id)) AS closing_cause_id,
    cycles.first_id AS closing_effect_id,
    cycles.started_at,
    cycles.last_at
FROM cycles
INNER JOIN inner_causes ON cycles.first_id = inner_causes.effect_id
INNER JOIN observed AS cause ON inner_causes.cause_id = cause.event_id
GROUP BY ALL
ORDER BY cycles.started_at, cycles.first_id;
