-- _names_causes: does any record of this window name a cause?
--
-- One row, always.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   is_named  BOOLEAN  whether one does
--
-- Reads: events, causes
CREATE OR REPLACE MACRO _names_causes(since, until) AS TABLE
SELECT
    EXISTS (
        SELECT 1
        FROM events
        WHERE
            events.occurred_at >= since::TIMESTAMP
            AND events.occurred_at < until::TIMESTAMP
            AND events.causation_id <> events.event_id
    )
    OR EXISTS (
        SELECT 1
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
    ) AS is_named;
