-- _births: when was each event first observed, of which type, and what does it name as its cause?
--
-- One row per event of the window, however many observations of it there are; unordered.
-- An event without an id, or without a readable time, has no row. Ids and types are compared
-- by their hashes, which makes the work of whoever reads this several times cheaper. The type
-- of an event without one is its stream. An event that names itself as its cause, as first
-- events of a flow often do, has none; of several causes one counts, so that no event is the
-- effect of more than one.
--
-- Parameters
--   since      TIMESTAMP  first instant included
--   until      TIMESTAMP  first instant excluded
--   is_wanted  BOOLEAN    nothing is read unless it is true (default: TRUE)
--
-- Columns
--   event_hash  UBIGINT    hash of the event id
--   type_hash   UBIGINT    hash of the type, _type_names tells it
--   born_at     TIMESTAMP  when it was first observed, UTC
--   last_at     TIMESTAMP  when it was last observed in the window
--   handled_at  TIMESTAMP  when it was first received, processed or settled in the window; NULL
--                          when the log does not say that it was
--   cause_hash  UBIGINT    hash of the event id of its cause; NULL when none is named
--   flow_hash   UBIGINT    hash of the correlation id; NULL when there is none
--
-- Reads: events, causes
CREATE OR REPLACE MACRO _births(since, until, is_wanted := TRUE) AS TABLE
WITH further AS (
    SELECT
        causes.effect_id,
        min(hash(causes.cause_id)) AS cause_hash
    FROM causes
    INNER JOIN events
        ON
            causes.file_id = events.file_id
            AND causes.byte_offset = events.byte_offset
            AND causes.record_no = events.record_no
    WHERE
        events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
        AND causes.cause_id <> causes.effect_id
        AND causes.kind <> 'clock'
        AND is_wanted
    GROUP BY causes.effect_id
),

born AS (
    SELECT
        hash(events.event_id) AS event_hash,
        min(hash(events.event_type)) FILTER (WHERE events.event_type IS NOT NULL) AS type_hash,
        min(hash(events.stream)) FILTER (WHERE events.stream IS NOT NULL) AS stream_hash,
        min(events.occurred_at) AS born_at,
        max(events.occurred_at) AS last_at,
        min(events.occurred_at) FILTER (
            WHERE events.operation IN ('receive', 'process', 'settle')
        ) AS handled_at,
        min(hash(events.causation_id))
            FILTER (WHERE events.causation_id <> events.event_id) AS cause_hash,
        min(hash(events.correlation_id))
            FILTER (WHERE events.correlation_id IS NOT NULL) AS flow_hash
    FROM events
    WHERE
        events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
        AND events.event_id IS NOT NULL
        AND is_wanted
    GROUP BY hash(events.event_id)
)

SELECT
    born.event_hash,
    coalesce(born.type_hash, born.stream_hash, hash('(no type)')) AS type_hash,
    born.born_at,
    born.last_at,
    born.handled_at,
    coalesce(born.cause_hash, further.cause_hash) AS cause_hash,
    born.flow_hash
FROM born
LEFT OUTER JOIN further ON born.event_hash = hash(further.effect_id);
