-- message_pairs: which send and which receive, logged without ids, are of one message?
--
-- One row per message: a send and its receive, a send that was never received (receiver
-- columns NULL), or a receive whose send was not logged. The two ends are found by channel
-- and content (stream and stream_key). Of equal messages on one channel the first that was
-- sent goes with the first that was received, and so on, in the order of time, then of the
-- log: each of them is marked ambiguous, for any of them may be the other end. Records with
-- an event_id or a message_id need no such guess and are left out.
--
-- Columns
--   stream               VARCHAR    the channel
--   content              VARCHAR    what the message says
--   sent_at              TIMESTAMP  when it was sent, UTC; NULL without a time or a send
--   sender               VARCHAR    node that sent it
--   send_file_id         INTEGER    file of the record of the send; NULL: not logged
--   send_byte_offset     BIGINT     first byte of that record
--   received_at          TIMESTAMP  when it was received, UTC
--   receiver             VARCHAR    node that received it
--   receive_file_id      INTEGER    file of the record of the receive; NULL: not logged
--   receive_byte_offset  BIGINT     first byte of that record
--   is_ambiguous         BOOLEAN    more than one send or receive of this content
--
-- Reads: events
CREATE OR REPLACE VIEW message_pairs AS
WITH ends AS (
    SELECT
        events.stream,
        events.stream_key AS content,
        events.operation,
        events.occurred_at,
        events.node,
        events.file_id,
        events.byte_offset,
        row_number() OVER (
            PARTITION BY events.stream, events.stream_key, events.operation
            ORDER BY
                events.occurred_at, events.file_id, events.byte_offset, events.record_no
        ) AS place,
        count(*) FILTER (WHERE events.operation = 'send') OVER (
            PARTITION BY events.stream, events.stream_key
        ) AS send_count,
        count(*) FILTER (WHERE events.operation = 'receive') OVER (
            PARTITION BY events.stream, events.stream_key
        ) AS receive_count
    FROM events
    WHERE
        events.event_id IS NULL
        AND events.message_id IS NULL
        AND events.stream IS NOT NULL
        AND events.stream_key IS NOT NULL
        AND events.operation IN ('send', 'receive')
),

sends AS (
    SELECT * FROM ends
    WHERE ends.operation = 'send'
),

receives AS (
    SELECT * FROM ends
    WHERE ends.operation = 'receive'
)

SELECT
    coalesce(sends.stream, receives.stream) AS stream,
    coalesce(sends.content, receives.content) AS content,
    sends.occurred_at AS sent_at,
    sends.node AS sender,
    sends.file_id AS send_file_id,
    sends.byte_offset AS send_byte_offset,
    receives.occurred_at AS received_at,
    receives.node AS receiver,
    receives.file_id AS receive_file_id,
    receives.byte_offset AS receive_byte_offset,
    coalesce(sends.send_count, receives.send_count) > 1
    OR coalesce(sends.receive_count, receives.receive_count) > 1 AS is_ambiguous
FROM sends
FULL OUTER JOIN receives
    ON
        sends.stream = receives.stream
        AND sends.content = receives.content
        AND sends.place = receives.place
ORDER BY
    stream, content, sends.place, receives.place,
    send_file_id, send_byte_offset, receive_file_id, receive_byte_offset;
