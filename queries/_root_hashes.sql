-- _root_hashes: with how many and which events did causal chains begin in this window?
--
-- One row per event of _roots, by the hash of its id: enough to count them, and to find them
-- without a table of texts.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since     TIMESTAMP  first instant included
--   until     TIMESTAMP  first instant excluded
--   lookback  INTERVAL   how far before since a cause is looked for
--
-- Columns
--   root_hash        UBIGINT    hash of the id of the root
--   is_ghost         BOOLEAN    named as a cause, but never logged
--   first_effect_at  TIMESTAMP  when the first effect of a ghost was observed, UTC; else NULL
--
-- Reads: events, _window_edges
CREATE OR REPLACE MACRO _root_hashes(since, until, lookback) AS TABLE
WITH edges AS MATERIALIZED (
    SELECT
        hash(named.cause_id) AS cause_hash,
        hash(named.effect_id) AS effect_hash,
        named.occurred_at
    FROM _window_edges(since, until) AS named
),

causing AS MATERIALIZED (
    SELECT
        edges.cause_hash,
        min(edges.occurred_at) AS first_effect_at
    FROM edges
    GROUP BY edges.cause_hash
),

began AS (
    SELECT DISTINCT hash(events.event_id) AS event_hash
    FROM events
    SEMI JOIN causing ON hash(events.event_id) = causing.cause_hash
    ANTI JOIN edges ON hash(events.event_id) = edges.effect_hash
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
),

known AS (
    SELECT hash(events.event_id) AS event_hash
    FROM events
    WHERE
        (
            (
                events.occurred_at >= since::TIMESTAMP - lookback::INTERVAL
                AND events.occurred_at < until::TIMESTAMP
            )
            OR (
                events.occurred_at IS NULL
                AND since::TIMESTAMP = '-infinity'::TIMESTAMP
                AND until::TIMESTAMP = 'infinity'::TIMESTAMP
            )
        )
),

unknown AS (
    SELECT
        causing.cause_hash,
        causing.first_effect_at
    FROM causing
    ANTI JOIN known ON causing.cause_hash = known.event_hash
)

SELECT
    began.event_hash AS root_hash,
    FALSE AS is_ghost,
    NULL::TIMESTAMP AS first_effect_at
FROM began
UNION ALL
SELECT
    unknown.cause_hash AS root_hash,
    TRUE AS is_ghost,
    unknown.first_effect_at
FROM unknown;
