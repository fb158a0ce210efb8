-- repeated_effects: which causes had the same effect more than once?
--
-- One row per service, cause and type of event of which the service made more than one, under
-- different ids, in the window. A consumer that is not idempotent does so when it gets a
-- message again: then the cause arrived more than once, and it is a rerun. Where the cause
-- arrived once several effects are what it asks for, an event for each line of an order
-- say. What was published again under one id is in duplicates, if it arrived again at all.
-- Links and other causes of an event beside the one it names first are not looked at.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since        TIMESTAMP  first instant included (default: the oldest event)
--   until        TIMESTAMP  first instant excluded (default: the newest event)
--   only_reruns  BOOLEAN    leave out causes that arrived once, or of which no arrival is
--                           logged (default: false)
--
-- Columns
--   service        VARCHAR    who made the effects, else the node
--   event_type     VARCHAR    their type
--   cause_id       VARCHAR    event_id of the direct cause they name
--   effect_count   BIGINT     different events, 2 or more
--   arrival_count  BIGINT     how often the cause arrived at the service, at any time; NULL
--                             where no arrival of it is logged
--   is_rerun       BOOLEAN    whether it arrived more than once; NULL likewise
--   effect_ids     VARCHAR[]  the effects, the earliest first
--   first_at       TIMESTAMP  when the first of them was made, UTC
--   last_at        TIMESTAMP  when the last was made, UTC
--
-- Source: at-least-once delivery asks for idempotent receivers (Hohpe and Woolf 2003,
-- Enterprise Integration Patterns, Idempotent Receiver).
-- Reads: events
CREATE OR REPLACE MACRO repeated_effects(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    only_reruns := FALSE
) AS TABLE
WITH records AS NOT MATERIALIZED (
    SELECT
        events.event_id,
        events.causation_id,
        events.event_type,
        coalesce(events.service, events.node) AS service,
        events.occurred_at,
        -- Receivers log the cause of what they get as well.
        coalesce(events.operation NOT IN ('send', 'create'), TRUE) AS is_later
    FROM events
    WHERE
        events.causation_id <> events.event_id
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
),

-- Over hashes first: nearly no cause has two effects of a type.
suspects AS (
    SELECT hash(records.causation_id, records.event_type) AS effect_hash
    FROM records
    GROUP BY effect_hash
    HAVING min(hash(records.event_id)) <> max(hash(records.event_id))
),

effects AS (
    SELECT
        records.event_id,
        records.causation_id,
        arg_min(
            records.service, (records.is_later, records.occurred_at, records.service)
        ) AS service,
        arg_min(
            records.event_type,
            (records.is_later, records.occurred_at, records.service, records.event_type)
        ) AS event_type,
        arg_min(records.occurred_at, (records.is_later, records.occurred_at)) AS made_at
    FROM records
    SEMI JOIN suspects
        ON hash(records.causation_id, records.event_type) = suspects.effect_hash
    GROUP BY records.event_id, records.causation_id
),

repeats AS MATERIALIZED (
    SELECT
        effects.service,
        effects.event_type,
        effects.causation_id AS cause_id,
        count(*) AS effect_count,
        list(effects.event_id ORDER BY effects.made_at, effects.event_id) AS effect_ids,
        min(effects.made_at) AS first_at,
        max(effects.made_at) AS last_at
    FROM effects
    GROUP BY effects.service, effects.event_type, effects.causation_id
    HAVING count(*) > 1
),

arrived AS (
    SELECT
        coalesce(events.service, events.node) AS service,
        events.event_id,
        coalesce(
            nullif(count(*) FILTER (WHERE events.operation = 'receive'), 0), count(*)
        ) AS arrival_count
    FROM events
    SEMI JOIN repeats ON events.event_id = repeats.cause_id
    WHERE events.operation IN ('receive', 'process')
    GROUP BY ALL
)

SELECT
    repeats.service,
    repeats.event_type,
    repeats.cause_id,
    repeats.effect_count,
    arrived.arrival_count,
    arrived.arrival_count > 1 AS is_rerun,
    repeats.effect_ids,
    repeats.first_at,
    repeats.last_at
FROM repeats
LEFT OUTER JOIN arrived
    ON
        repeats.service IS NOT DISTINCT FROM arrived.service
        AND repeats.cause_id = arrived.event_id
WHERE arrived.arrival_count > 1 OR NOT only_reruns::BOOLEAN
ORDER BY
    is_rerun DESC,
    repeats.first_at ASC,
    repeats.cause_id ASC,
    repeats.event_type ASC,
    repeats.service ASC;
