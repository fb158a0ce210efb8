-- observation_at: what was observed at this place of the logs?
--
-- At most one row.
--
-- Parameters
--   in_file    INTEGER  file_id
--   at_offset  BIGINT   first byte of the record
--   at_record  INTEGER  number of the observation within the record (default: 0)
--
-- Columns
--   event_id          VARCHAR    id of the event
--   occurred_at       TIMESTAMP  when it happened, UTC
--   ingested_at       TIMESTAMP  when it was committed, UTC
--   service           VARCHAR    service that wrote it
--   node              VARCHAR    process instance that wrote it
--   operation         VARCHAR    what was done
--   event_type        VARCHAR    type of the event
--   stream            VARCHAR    topic, queue or destination
--   stream_key        VARCHAR    partition key within the stream
--   epoch             VARCHAR    epoch of the producer
--   sequence          BIGINT     number of the event in its stream and key
--   causation_id      VARCHAR    event id of the direct cause
--   cause_kind        VARCHAR    how that cause is known
--   correlation_id    VARCHAR    id shared by the flow
--   message_id        VARCHAR    id of the message handled
--   schema_version    VARCHAR    version of the schema of the event
--   entity            VARCHAR    business object the event is about
--   entity_version    BIGINT     version of the entity after the event
--   expected_version  BIGINT     version of the entity the writer had read before
--   attempt           INTEGER    number of the delivery attempt, from 1
--   is_redelivered    BOOLEAN    the broker's flag
--   severity          VARCHAR    severity as written
--   message           VARCHAR    text for people
--   attributes        JSON       fields of the record that no other column holds
--   format            VARCHAR    log format that read the record
--   file_id           INTEGER    file it stands in
--   byte_offset       BIGINT     first byte of the record
--   record_no         INTEGER    number of the observation within the record
--
-- Reads: events
CREATE OR REPLACE MACRO observation_at(in_file, at_offset, at_record := 0) AS TABLE
SELECT
    events.event_id,
    events.occurred_at,
    events.ingested_at,
    events.service,
    events.node,
    events.operation,
    events.event_type,
    events.stream,
    events.stream_key,
    events.epoch,
    events.sequence,
    events.causation_id,
    events.cause_kind,
    events.correlation_id,
    events.message_id,
    events.schema_version,
    events.entity,
    events.entity_version,
    events.expected_version,
    events.attempt,
    events.is_redelivered,
    events.severity,
    events.message,
    events.attributes,
    events.format,
    events.file_id,
    events.byte_offset,
    events.record_no
FROM events
WHERE
    events.file_id = in_file::INTEGER
    AND events.byte_offset = at_offset::BIGINT
    AND events.record_no = at_record::INTEGER
ORDER BY events.file_id;
