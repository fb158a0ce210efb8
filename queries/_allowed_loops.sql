-- _allowed_loops: which causal loops did somebody declare to be harmless?
--
-- One row per type of event. Who runs the system writes a change into a watched log, as for
-- any other setting: {"operation": "change", "setting": "allowed_loop", "new": "timer.fired"}
-- allows loops through events of that type, and the type in "old" allows them no longer.
-- The newest change of a type decides.
--
-- Columns
--   event_type  VARCHAR  type of the events that may come back
--
-- Reads: events
CREATE OR REPLACE VIEW _allowed_loops AS
WITH changes AS (
    SELECT
        events.attributes,
        events.occurred_at,
        events.file_id,
        events.byte_offset
    FROM events
    WHERE
        events.operation = 'change'
        AND events.attributes ->> '$.setting' = 'allowed_loop'
),

declared AS (
    SELECT
        changes.attributes ->> '$.old' AS event_type,
        FALSE AS is_allowed,
        changes.occurred_at,
        changes.file_id,
        changes.byte_offset
    FROM changes
    UNION ALL
    SELECT
        changes.attributes ->> '$.new' AS event_type,
        TRUE AS is_allowed,
        changes.occurred_at,
        changes.file_id,
        changes.byte_offset
    FROM changes
)

SELECT declared.event_type
FROM declared
WHERE declared.event_type IS NOT NULL
GROUP BY declared.event_type
HAVING
    arg_max(
        declared.is_allowed,
        (declared.occurred_at, declared.file_id, declared.byte_offset, declared.is_allowed)
    )
ORDER BY declared.event_type;
