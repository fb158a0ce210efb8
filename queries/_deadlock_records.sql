-- _deadlock_records: which deadlocks did an engine report in this window?
--
-- One row per deadlock, from its first record. The same event id read twice (the JSON
-- and the CSV log of one server) is one deadlock; lock waits, timeouts and texts are
-- none.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   deadlock_id  VARCHAR    event_id of the deadlock; where it stands if it has none
--   occurred_at  TIMESTAMP  when it was reported, UTC
--   service      VARCHAR    service that reported it
--   file_id      INTEGER    file of the record
--   byte_offset  BIGINT     first byte of the record
--
-- Reads: events
CREATE OR REPLACE MACRO _deadlock_records(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
SELECT
    coalesce(
        events.event_id, events.file_id || ':' || events.byte_offset
    ) AS deadlock_id,
    events.occurred_at,
    events.service,
    events.file_id,
    events.byte_offset
FROM events
WHERE
    events.operation = 'deadlock'
    AND events.occurred_at >= since::TIMESTAMP
    AND events.occurred_at < until::TIMESTAMP
QUALIFY
    row_number() OVER (
        PARTITION BY deadlock_id
        ORDER BY
            events.occurred_at, events.file_id, events.byte_offset, events.record_no
    ) = 1
ORDER BY events.occurred_at, deadlock_id;
