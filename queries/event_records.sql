-- event_records: what do the log records of this window say?
--
-- One row per observation, the newest first. A filter that is NULL lets all pass.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since       TIMESTAMP  first instant included (default: the oldest event)
--   until       TIMESTAMP  first instant excluded (default: the newest event)
--   service     VARCHAR    only this service (default: all)
--   stream      VARCHAR    only this stream (default: all)
--   event_type  VARCHAR    only this event type (default: all)
--   operation   VARCHAR    only this operation (default: all)
--   search      VARCHAR    only records with this text, in any case, in an id, the type, the
--                          entity, the message or the attributes (default: all)
--   row_limit   BIGINT     how many rows (default: 500)
--
-- Columns
--   occurred_at     TIMESTAMP  when it happened, UTC
--   service         VARCHAR    service that wrote it
--   node            VARCHAR    process instance that wrote it
--   operation       VARCHAR    what was done
--   event_type      VARCHAR    type of the event
--   event_id        VARCHAR    id of the event
--   stream          VARCHAR    topic, queue or destination
--   stream_key      VARCHAR    partition key within the stream
--   epoch           VARCHAR    epoch of the producer
--   sequence        BIGINT     number of the event
--   causation_id    VARCHAR    event id of the direct cause
--   correlation_id  VARCHAR    id shared by the flow
--   message_id      VARCHAR    id of the message handled
--   entity          VARCHAR    business object the event is about
--   attempt         INTEGER    number of the delivery attempt, from 1
--   is_redelivered  BOOLEAN    the broker's flag
--   severity        VARCHAR    severity as written
--   message         VARCHAR    text for people
--   attributes      JSON       fields of the record that no other column holds
--   format          VARCHAR    log format that read the record
--   path            VARCHAR    file it stands in, path when last seen
--   file_id         INTEGER    file it stands in
--   byte_offset     BIGINT     first byte of the record
--   byte_length     INTEGER    length of the record in bytes
--   record_no       INTEGER    number of the observation within the record
--
-- Reads: events, files
CREATE OR REPLACE MACRO event_records(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    service := NULL,
    stream := NULL,
    event_type := NULL,
    operation := NULL,
    search := NULL,
    row_limit := 500
) AS TABLE
-- Columns with the name of a parameter are renamed before parameters are used: where both
-- are visible, the name means the column.
WITH records AS (
    SELECT
        events.occurred_at,
        events.service AS logged_service,
        events.node,
        events.operation AS logged_operation,
        events.event_type AS logged_type,
        events.event_id,
        events.stream AS logged_stream,
        events.stream_key,
        events.epoch,
        events.sequence,
        events.causation_id,
        events.correlation_id,
        events.message_id,
        events.entity,
        events.attempt,
        events.is_redelivered,
        events.severity,
        events.message,
        events.attributes,
        events.format,
        events.file_id,
        events.byte_offset,
        events.byte_length,
        events.record_no
    FROM events
),

newest AS (
    SELECT records.*
    FROM records
    WHERE
        (
            (
                records.occurred_at >= since::TIMESTAMP
                AND records.occurred_at < until::TIMESTAMP
            )
            OR (
                records.occurred_at IS NULL
                AND since::TIMESTAMP = '-infinity'::TIMESTAMP
                AND until::TIMESTAMP = 'infinity'::TIMESTAMP
            )
        )
        AND (service IS NULL OR records.logged_service = service::VARCHAR)
        AND (stream IS NULL OR records.logged_stream = stream::VARCHAR)
        AND (event_type IS NULL OR records.logged_type = event_type::VARCHAR)
        AND (operation IS NULL OR records.logged_operation = operation::VARCHAR)
        AND (
            search IS NULL
            OR contains(
                lower(
                    concat_ws(
                        chr(10),
                        records.event_id,
                        records.causation_id,
                        records.correlation_id,
                        records.message_id,
                        records.logged_type,
                        records.entity,
                        records.message,
                        records.attributes::VARCHAR
                    )
                ),
                lower(search::VARCHAR)
            )
        )
    ORDER BY
        records.occurred_at DESC,
        records.file_id DESC,
        records.byte_offset DESC,
        records.record_no DESC
    LIMIT (row_limit::BIGINT)
)

SELECT
    newest.occurred_at,
    newest.logged_service AS service,
    newest.node,
    newest.logged_operation AS operation,
    newest.logged_type AS event_type,
    newest.event_id,
    newest.logged_stream AS stream,
    newest.stream_key,
    newest.epoch,
    newest.sequence,
    newest.causation_id,
    newest.correlation_id,
    newest.message_id,
    newest.entity,
    newest.attempt,
    newest.is_redelivered,
    newest.severity,
    newest.message,
    newest.attributes,
    newest.format,
    files.path,
    newest.file_id,
    newest.byte_offset,
    newest.byte_length,
    newest.record_no
FROM newest
LEFT OUTER JOIN files ON newest.file_id = files.file_id
ORDER BY
    newest.occurred_at DESC,
    newest.file_id DESC,
    newest.byte_offset DESC,
    newest.record_no DESC;
