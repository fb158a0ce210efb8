-- _arrivals: which events arrived at which consumer, in the window?
--
-- One row per arrival. A consumer is a service (its node where no service is named). What
-- counts as an arrival is decided per consumer and stream: 'receive' observations; where
-- there are none, 'process'; where there are neither, numbered records without an
-- operation. Arrival order is (occurred_at, file_id, byte_offset,
-- record_no); rows come unordered, because sorting is for whoever needs it.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   consumer         VARCHAR    service, else node; NULL when the record names neither
--   stream           VARCHAR    topic, queue or destination
--   stream_key       VARCHAR    partition key within the stream
--   event_type       VARCHAR    type of the event
--   epoch            VARCHAR    epoch of the producer
--   sequence         BIGINT     number of the event; NULL when it has none
--   sequence_source  VARCHAR    producer or broker
--   copy_id          VARCHAR    equal for copies: message id, else event id
--   event_id         VARCHAR    id of the event
--   occurred_at      TIMESTAMP  when it arrived, UTC
--   node             VARCHAR    process instance it arrived at
--   is_redelivered   BOOLEAN    the broker's flag
--   file_id          INTEGER    file of the record
--   byte_offset      BIGINT     first byte of the record
--   record_no        INTEGER    number of the observation within the record
--   evidence         INTEGER    what says so: 1 receive, 2 process, 3 its number
--
-- Reads: events
CREATE OR REPLACE MACRO _arrivals(since, until) AS TABLE
WITH observed AS NOT MATERIALIZED (
    SELECT
        coalesce(events.service, events.node) AS consumer,
        events.stream,
        events.stream_key,
        events.event_type,
        events.epoch,
        events.sequence,
        events.sequence_source,
        coalesce(events.message_id, events.event_id) AS copy_id,
        events.event_id,
        events.occurred_at,
        events.node,
        events.is_redelivered,
        events.file_id,
        events.byte_offset,
        events.record_no,
        CASE events.operation WHEN 'receive' THEN 1 WHEN 'process' THEN 2 ELSE 3 END
            AS evidence
    FROM events
    WHERE
        (
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
        AND (
            events.operation IN ('receive', 'process')
            OR (events.operation IS NULL AND events.sequence IS NOT NULL)
        )
),

best AS (
    SELECT
        observed.consumer,
        observed.stream,
        min(observed.evidence) AS evidence
    FROM observed
    GROUP BY observed.consumer, observed.stream
)

SELECT
    observed.consumer,
    observed.stream,
    observed.stream_key,
    observed.event_type,
    observed.epoch,
    observed.sequence,
    observed.sequence_source,
    observed.copy_id,
    observed.event_id,
    observed.occurred_at,
    observed.node,
    observed.is_redelivered,
    observed.file_id,
    observed.byte_offset,
    observed.record_no,
    observed.evidence
FROM observed
INNER JOIN best
    ON
        observed.consumer IS NOT DISTINCT FROM best.consumer
        AND observed.stream IS NOT DISTINCT FROM best.stream
        AND observed.evidence = best.evidence;
