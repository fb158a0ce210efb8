-- event_observations: who logged this event, when and where?
--
-- One row per observation: the same event is logged where it is sent, where it is received
-- and where it is handled. The oldest first; a record without a time comes last.
--
-- Parameters
--   event      VARCHAR  event_id
--   row_limit  BIGINT   how many rows (default: 200)
--
-- Columns
--   occurred_at     TIMESTAMP  when, by the clock of the writing node, UTC
--   operation       VARCHAR    what was done
--   service         VARCHAR    service that wrote it
--   node            VARCHAR    process instance that wrote it
--   stream          VARCHAR    topic, queue or destination
--   stream_key      VARCHAR    partition key within the stream
--   sequence        BIGINT     number of the event in its stream and key
--   attempt         INTEGER    number of the delivery attempt, from 1
--   is_redelivered  BOOLEAN    the broker's flag
--   path            VARCHAR    file it stands in, path when last seen
--   file_id         INTEGER    file it stands in
--   byte_offset     BIGINT     first byte of the record
--   record_no       INTEGER    number of the observation within the record
--
-- Reads: events, files
CREATE OR REPLACE MACRO event_observations(event, row_limit := 200) AS TABLE
SELECT
    events.occurred_at,
    events.operation,
    events.service,
    events.node,
    events.stream,
    events.stream_key,
    events.sequence,
    events.attempt,
    events.is_redelivered,
    files.path,
    events.file_id,
    events.byte_offset,
    events.record_no
FROM events
LEFT OUTER JOIN files ON events.file_id = files.file_id
WHERE events.event_id = event::VARCHAR
ORDER BY
    events.occurred_at ASC NULLS LAST,
    events.file_id ASC,
    events.byte_offset ASC,
    events.record_no ASC
LIMIT (row_limit::BIGINT);
