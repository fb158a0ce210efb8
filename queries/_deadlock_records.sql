-- _deadlock_records: which deadlocks did an engine report in this window?
--
-- One row per deadlock, from its first record. The same event id read twice (the JSON
-- and the CSV log of one server) is one deadlock, and so is a record without an id (its
-- text log) with one that has an id, of the same node at the same instant, or up to two
-- seconds later where its log says whole seconds only; lock waits, timeouts and texts are
-- none. A deadlock without a time is in no window but in the one without bounds.
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
        events.event_id,
        concat_ws(
            ':', events.file_id, events.byte_offset, nullif(events.record_no, 0)
        )
    ) AS deadlock_id,
    events.occurred_at,
    events.service,
    events.file_id,
    events.byte_offset
FROM events
WHERE
    events.operation = 'deadlock'
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
QUALIFY
    row_number() OVER (
        PARTITION BY deadlock_id
        ORDER BY
            events.occurred_at, events.file_id, events.byte_offset, events.record_no
    ) = 1
    AND (
        events.event_id IS NOT NULL
        OR events.occurred_at IS NULL
        OR events.node IS NULL
        OR count(events.event_id) OVER (
            PARTITION BY events.occurred_at, events.node
        ) = 0
        AND (
            events.occurred_at > date_trunc('second', events.occurred_at)
            OR count(events.event_id) OVER (
                PARTITION BY events.node
                ORDER BY events.occurred_at
                RANGE BETWEEN CURRENT ROW AND INTERVAL 2 SECOND FOLLOWING
            ) = 0
        )
    )
ORDER BY events.occurred_at, deadlock_id;
