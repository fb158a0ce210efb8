-- event_search: which events match this text?
--
-- One row per event whose id, type, entity or correlation id contains the text, in any
-- case. Exact ids come first, then the newest. Events without an id cannot be found.
--
-- Parameters
--   search     VARCHAR  the text
--   row_limit  BIGINT   how many rows (default: 50)
--
-- Columns
--   event_id     VARCHAR    id of the event
--   event_type   VARCHAR    type of the event
--   service      VARCHAR    service of the first observation
--   occurred_at  TIMESTAMP  when it was first observed, UTC
--
-- Reads: events
CREATE OR REPLACE MACRO event_search(search, row_limit := 50) AS TABLE
WITH matching AS (
    SELECT
        events.event_id,
        min(events.occurred_at) AS occurred_at
    FROM events
    WHERE
        events.event_id IS NOT NULL
        AND (
            contains(lower(events.event_id), lower(search::VARCHAR))
            OR contains(lower(events.correlation_id), lower(search::VARCHAR))
            OR contains(lower(events.event_type), lower(search::VARCHAR))
            OR contains(lower(events.entity), lower(search::VARCHAR))
        )
    GROUP BY events.event_id
),

shown AS MATERIALIZED (
    SELECT
        matching.event_id,
        matching.event_id = search::VARCHAR AS is_exact,
        matching.occurred_at
    FROM matching
    ORDER BY
        is_exact DESC,
        matching.occurred_at DESC NULLS LAST,
        matching.event_id ASC
    LIMIT (row_limit::BIGINT)
),

described AS (
    SELECT
        events.event_id,
        events.event_type,
        events.service,
        events.occurred_at
    FROM events
    SEMI JOIN shown ON events.event_id = shown.event_id
    QUALIFY
        row_number() OVER (
            PARTITION BY events.event_id
            ORDER BY
                events.occurred_at, events.file_id, events.byte_offset, events.record_no
        ) = 1
)

SELECT
    shown.event_id,
    described.event_type,
    described.service,
    described.occurred_at
FROM shown
INNER JOIN described ON shown.event_id = described.event_id
ORDER BY
    shown.is_exact DESC,
    described.occurred_at DESC NULLS LAST,
    shown.event_id ASC;
