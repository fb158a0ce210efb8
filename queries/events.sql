-- events: what did the logs record, one observation a row?
--
-- One row per observation: one log record about one event (a send, a receive, a lock wait
-- ...), so an event that is sent once and received twice has three. Identity is where the
-- record stands: file_id, byte_offset, record_no. A column is NULL where the record says
-- nothing of the kind; whatever has no column is in attributes, and the raw line can be
-- read back with `stormwatch tail`. Ordered by nothing: sort by occurred_at where it matters.
--
-- Columns
--   file_id           INTEGER    the file the record stands in; joins files.file_id
--   byte_offset       BIGINT     first byte of the record in the (decompressed) file
--   byte_length       INTEGER    length of the record in bytes, line end included
--   record_no         INTEGER    number of the observation within its record, from 0;
--                                above 0 only where one line holds many (OTLP)
--   format            VARCHAR    name of the log format that read the record
--   event_id          VARCHAR    id of the event; the same id on the sending and the
--                                receiving side
--   occurred_at       TIMESTAMP  when it happened by the clock of the writing node,
--                                UTC, microseconds; NULL when the record has no
--                                readable time
--   ingested_at       TIMESTAMP  when the row was committed here, UTC
--   node              VARCHAR    process instance that wrote the record
--   service           VARCHAR    service the node belongs to; the consumer in every
--                                order and duplicate question
--   operation         VARCHAR    create, send, receive, process, settle, lock_wait,
--                                lock_acquire, lock_release, deadlock, change, start,
--                                stop or crash; NULL when the record does not say
--   event_type        VARCHAR    type of the event as its producer names it
--   stream            VARCHAR    Topic, queue, exchange or destination
--   stream_key        VARCHAR    partition key within the stream: order is promised per
--                                stream and key
--   epoch             VARCHAR    epoch of the producer; its numbering starts again with
--                                each epoch
--   sequence          BIGINT     number of the event in its stream and key
--   sequence_source   VARCHAR    producer: numbers without holes, a missing one is a
--                                loss; broker: an offset, holes are normal
--   causation_id      VARCHAR    event id of the direct cause; further causes are in
--                                causes
--   cause_kind        VARCHAR    how causation_id is known: causation, parent, link or
--                                message
--   correlation_id    VARCHAR    id shared by a whole flow (correlation id, trace id,
--                                conversation id)
--   message_id        VARCHAR    id of the message handled, where it is not the event
--                                id (a span that processes a message)
--   schema_version    VARCHAR    version of the schema of the event
--   entity            VARCHAR    business object the event is about
--   entity_version    BIGINT     version of the entity after the event
--   expected_version  BIGINT     version of the entity the writer had read before
--   attempt           INTEGER    number of the delivery attempt, from 1
--   is_redelivered    BOOLEAN    the broker flagged the delivery as a repeated one;
--                                evidence, not proof, of a duplicate
--   severity          VARCHAR    severity as written
--   message           VARCHAR    text for people
--   attributes        JSON       JSON object of every field of the record that no other
--                                column holds
--
-- Reads: observations
CREATE OR REPLACE VIEW events AS
SELECT
    observations.file_id,
    observations.byte_offset,
    observations.byte_length,
    observations.record_no,
    observations.format,
    observations.event_id,
    observations.occurred_at,
    observations.ingested_at,
    observations.node,
    observations.service,
    observations.operation,
    observations.event_type,
    observations.stream,
    observations.stream_key,
    observations.epoch,
    observations.sequence,
    observations.sequence_source,
    observations.causation_id,
    observations.cause_kind,
    observations.correlation_id,
    observations.message_id,
    observations.schema_version,
    observations.entity,
    observations.entity_version,
    observations.expected_version,
    observations.attempt,
    observations.is_redelivered,
    observations.severity,
    observations.message,
    observations.attributes
FROM observations;
