-- _deadlock_records: which deadlocks did an engine report in this window?
--
-- One row per deadlock, from its first record. The same event id read twice (the JSON
-- and the CSV log of one server) is one deadlock, and so is a record without an id, or with
-- that of a text log, which numbers its lines otherwise, with one that has an id, of the same
-- node at the same instant, or up to two seconds later where its log says whole seconds only;
-- lock waits, timeouts and texts are none. A deadlock without a time is in no window but in
-- the one without bounds.
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
WITH reported AS (
    SELECT
        coalesce(
            events.event_id,
            concat_ws(
                ':', events.file_id, events.byte_offset, nullif(events.record_no, 0)
            )
        ) AS deadlock_id,
        -- Equal in all logs of a server that have it.
        CASE
            WHEN events.format NOT IN ('postgresql_text', 'postgresql_syslog')
                THEN events.event_id
        END AS shared_id,
        events.occurred_at,
        events.node,
        events.service,
        events.file_id,
        events.byte_offset,
        events.record_no
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
)

SELECT
    reported.deadlock_id,
    reported.occurred_at,
    reported.service,
    reported.file_id,
    reported.byte_offset
FROM reported
QUALIFY
    row_number() OVER (
        PARTITION BY reported.deadlock_id
        ORDER BY
            reported.occurred_at,
            reported.file_id,
            reported.byte_offset,
            reported.record_no
    ) = 1
    AND (
        reported.shared_id IS NOT NULL
        OR reported.occurred_at IS NULL
        OR reported.node IS NULL
        OR count(reported.shared_id) OVER (
            PARTITION BY reported.occurred_at, reported.node
        ) = 0
        AND (
            reported.occurred_at > date_trunc('second', reported.occurred_at)
            OR count(reported.shared_id) OVER (
                PARTITION BY reported.node
                ORDER BY reported.occurred_at
                RANGE BETWEEN CURRENT ROW AND INTERVAL 2 SECOND FOLLOWING
            ) = 0
        )
    )
ORDER BY reported.occurred_at, reported.deadlock_id;
