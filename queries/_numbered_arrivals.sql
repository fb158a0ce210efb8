-- _numbered_arrivals: in which scope does each number of an arrival count?
--
-- One row per arrival that has a number. Order, gaps and copies are questions within a
-- scope: (consumer, stream, stream_key, scope_type, epoch), where scope_type is the event
-- type if the types of the stream are numbered apart and NULL if they share.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   scope_hash       UBIGINT    equal within a scope
--   key_hash         UBIGINT    equal within consumer, stream, key and epoch
--   scope_type       VARCHAR    event type if it belongs to the scope, else NULL
--   consumer         VARCHAR    service, else node
--   stream           VARCHAR    topic, queue or destination
--   stream_key       VARCHAR    partition key within the stream
--   event_type       VARCHAR    type of the event
--   epoch            VARCHAR    epoch of the producer
--   sequence         BIGINT     number of the event
--   sequence_source  VARCHAR    producer or broker
--   copy_id          VARCHAR    equal for copies within the scope
--   event_id         VARCHAR    id of the event
--   occurred_at      TIMESTAMP  when it arrived, UTC
--   node             VARCHAR    process instance it arrived at
--   file_id          INTEGER    file of the record
--   byte_offset      BIGINT     first byte of the record
--   record_no        INTEGER    number of the observation within the record
--
-- Reads: _arrivals, _typed_streams
CREATE OR REPLACE MACRO _numbered_arrivals(since, until) AS TABLE
WITH typed AS (
    SELECT
        typed_streams.consumer,
        typed_streams.stream,
        TRUE AS is_typed
    FROM _typed_streams(since, until) AS typed_streams
),

scoped AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        arrivals.stream_key,
        arrivals.event_type,
        arrivals.epoch,
        arrivals.sequence,
        arrivals.sequence_source,
        coalesce(arrivals.copy_id, arrivals.sequence::VARCHAR) AS copy_id,
        arrivals.event_id,
        arrivals.occurred_at,
        arrivals.node,
        arrivals.file_id,
        arrivals.byte_offset,
        arrivals.record_no,
        CASE WHEN typed.is_typed THEN arrivals.event_type END AS scope_type
    FROM _arrivals(since, until) AS arrivals
    LEFT OUTER JOIN typed
        ON
            arrivals.consumer IS NOT DISTINCT FROM typed.consumer
            AND arrivals.stream IS NOT DISTINCT FROM typed.stream
    WHERE arrivals.sequence IS NOT NULL
)

SELECT
    hash(
        scoped.consumer,
        scoped.stream,
        scoped.stream_key,
        scoped.scope_type,
        scoped.epoch
    ) AS scope_hash,
    hash(scoped.consumer, scoped.stream, scoped.stream_key, scoped.epoch) AS key_hash,
    scoped.scope_type,
    scoped.consumer,
    scoped.stream,
    scoped.stream_key,
    scoped.event_type,
    scoped.epoch,
    scoped.sequence,
    scoped.sequence_source,
    scoped.copy_id,
    scoped.event_id,
    scoped.occurred_at,
    scoped.node,
    scoped.file_id,
    scoped.byte_offset,
    scoped.record_no
FROM scoped;
