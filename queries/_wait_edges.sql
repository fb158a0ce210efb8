-- _wait_edges: who waited for whom, from when to when, as the lock events tell?
--
-- One row per wait and owner in its way, half-open: [began_at, ended_at). Where the log says
-- who is in the way, that one is, as long as it holds or waits for the resource, or where
-- nothing tells how long, as long as the wait lasts; and whoever gets the resource meanwhile.
-- Else it is whoever holds it, unless both locks are shared. Rows come unordered, because sorting is for
-- whoever needs it.
--
-- Parameters
--   since       TIMESTAMP  first instant included
--   until       TIMESTAMP  first instant excluded
--   open_limit  INTERVAL   how long a wait lasts of which no end was logged
--
-- Columns
--   owner       VARCHAR    who waits
--   blocked_by  VARCHAR    who is in the way
--   resource    VARCHAR    what is locked
--   mode        VARCHAR    lock mode that is waited for
--   statement   VARCHAR    statement the owner was running
--   event_id    VARCHAR    event_id of the record of the wait
--   began_at    TIMESTAMP  from when on, UTC
--   ended_at    TIMESTAMP  until when, UTC
--
-- Reads: _lock_spells
CREATE OR REPLACE MACRO _wait_edges(since, until, open_limit) AS TABLE
WITH spells AS MATERIALIZED (
    SELECT
        found.*,
        coalesce(regexp_matches(lower(found.mode), '(^s$|shared?|read)'), FALSE) AS is_shared,
        -- Only what falls into the same minute is compared.
        unnest(
            range(
                date_trunc('minute', found.began_at),
                greatest(found.ended_at, found.began_at + INTERVAL 1 MICROSECOND),
                INTERVAL 1 MINUTE
            )
        ) AS minute_start
    FROM _lock_spells(since, until, open_limit) AS found
),

met AS (
    SELECT
        waiting.owner,
        other.owner AS blocked_by,
        waiting.resource,
        waiting.mode,
        waiting.statement,
        waiting.event_id,
        waiting.began_at AS wait_began_at,
        waiting.ended_at AS wait_ended_at,
        greatest(waiting.began_at, other.began_at) AS began_at,
        least(waiting.ended_at, other.ended_at) AS ended_at
    FROM spells AS waiting
    INNER JOIN spells AS other
        ON
            waiting.resource = other.resource
            AND waiting.minute_start = other.minute_start
            AND waiting.owner <> other.owner
            AND waiting.began_at < other.ended_at
            AND waiting.ended_at > other.began_at
    WHERE
        waiting.is_wait
        AND CASE
            WHEN waiting.blocked_by IS NULL
                THEN NOT other.is_wait AND NOT (waiting.is_shared AND other.is_shared)
            WHEN other.owner = waiting.blocked_by THEN TRUE
            -- Whoever gets the resource in the meantime is in the way from then on.
            ELSE
                NOT other.is_wait
                AND other.began_at > waiting.began_at
                AND NOT (waiting.is_shared AND other.is_shared)
        END
),

told AS (
    SELECT DISTINCT
        waiting.owner,
        waiting.blocked_by,
        waiting.resource,
        waiting.mode,
        waiting.statement,
        waiting.event_id,
        waiting.began_at AS wait_began_at,
        waiting.ended_at AS wait_ended_at,
        waiting.began_at,
        waiting.ended_at
    FROM spells AS waiting
    ANTI JOIN spells AS other
        ON waiting.resource = other.resource AND waiting.blocked_by = other.owner
    WHERE waiting.is_wait AND waiting.blocked_by <> waiting.owner
),

both_kinds AS (
    FROM met
    UNION ALL
    FROM told
)

SELECT
    both_kinds.owner,
    both_kinds.blocked_by,
    both_kinds.resource,
    both_kinds.mode,
    min(both_kinds.statement) AS statement,
    min(both_kinds.event_id) AS event_id,
    min(both_kinds.began_at) AS began_at,
    max(both_kinds.ended_at) AS ended_at
FROM both_kinds
GROUP BY
    both_kinds.owner,
    both_kinds.blocked_by,
    both_kinds.resource,
    both_kinds.mode,
    both_kinds.wait_began_at;
