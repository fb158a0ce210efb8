-- _window_edges: which direct causes do the observations of this window name?
--
-- One row per observation and cause; a pair that many observations name is there as often.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   cause_id     VARCHAR    event_id of the cause
--   effect_id    VARCHAR    event_id of the effect
--   occurred_at  TIMESTAMP  when the effect was observed, UTC
--
-- Reads: events, causes
CREATE OR REPLACE MACRO _window_edges(since, until) AS TABLE
SELECT
    events.causation_id AS cause_id,
    events.event_id AS effect_id,
    events.occurred_at
FROM events
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
    AND events.causation_id <> events.event_id
UNION ALL
SELECT
    causes.cause_id,
    causes.effect_id,
    events.occurred_at
FROM causes
INNER JOIN events
    ON
        causes.file_id = events.file_id
        AND causes.byte_offset = events.byte_offset
        AND causes.record_no = events.record_no
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
    AND causes.cause_id <> causes.effect_id;
