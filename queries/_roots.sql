-- _roots: with which events did causal chains begin in this window?
--
-- One row per event that caused something in the window and has no cause itself: it was
-- observed in the window and no observation there names a cause for it. An event that is
-- only named, by effects in the window, but was logged neither there nor in the lookback,
-- begins a chain too: a ghost, whose chain began with its first effect as far as is known.
-- Rows come unordered, because sorting is for whoever needs it.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since     TIMESTAMP  first instant included
--   until     TIMESTAMP  first instant excluded
--   lookback  INTERVAL   how far before since a cause is looked for
--
-- Columns
--   event_id    VARCHAR    id of the root
--   event_type  VARCHAR    its type; NULL for a ghost
--   started_at  TIMESTAMP  when it was first observed, a ghost: its first effect, UTC
--   is_ghost    BOOLEAN    named as a cause, but never logged
--
-- Reads: events, _window_edges, _root_hashes
CREATE OR REPLACE MACRO _roots(since, until, lookback) AS TABLE
WITH found AS MATERIALIZED (
    SELECT
        roots.root_hash,
        roots.is_ghost,
        roots.first_effect_at
    FROM _root_hashes(since, until, lookback) AS roots
),

began AS (
    SELECT found.root_hash
    FROM found
    WHERE NOT found.is_ghost
),

logged AS (
    SELECT
        any_value(events.event_id) AS event_id,
        arg_min(
            events.event_type,
            (
                events.occurred_at,
                events.file_id,
                events.byte_offset,
                events.record_no
            )
        ) AS event_type,
        min(events.occurred_at) AS started_at
    FROM events
    SEMI JOIN began ON hash(events.event_id) = began.root_hash
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
        AND (events.causation_id IS NULL OR events.causation_id = events.event_id)
    GROUP BY hash(events.event_id)
),

ghosts AS (
    SELECT
        any_value(named.cause_id) AS event_id,
        any_value(found.first_effect_at) AS started_at
    FROM _window_edges(since, until) AS named
    INNER JOIN found ON hash(named.cause_id) = found.root_hash AND found.is_ghost
    GROUP BY found.root_hash
)

SELECT
    logged.event_id,
    logged.event_type,
    logged.started_at,
    FALSE AS is_ghost
FROM logged
UNION ALL
SELECT
    ghosts.event_id,
    NULL AS event_type,
    ghosts.started_at,
    TRUE AS is_ghost
FROM ghosts;
