-- swapped_pairs: which late event was overtaken by which other one?
--
-- One row per first arrival that came after a larger number of its scope, newest first
-- (oldest_first: the other way round, to see where it began), beside the arrival that
-- overtook it: the earliest with a larger number. Arrivals in the lookback count as arrived
-- before.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since         TIMESTAMP  first instant included (default: the oldest event)
--   until         TIMESTAMP  first instant excluded (default: the newest event)
--   of_consumer   VARCHAR    only at this consumer, empty: where none is named (default: at any)
--   of_stream     VARCHAR    only of this stream, empty: where none is named (default: of any)
--   oldest_first  BOOLEAN    whether the first of them are wanted (default: false)
--   row_limit     BIGINT     how many rows (default: 200)
--   lookback      INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   occurred_at            TIMESTAMP  when the late event arrived, UTC
--   consumer               VARCHAR    service it arrived at, else node
--   stream                 VARCHAR    topic, queue or destination
--   stream_key             VARCHAR    partition key within the stream
--   event_id               VARCHAR    id of the late event
--   event_type             VARCHAR    its type
--   sequence               BIGINT     its number
--   node                   VARCHAR    process instance it arrived at
--   overtaken_by           VARCHAR    event_id of the event that overtook it
--   overtaken_by_type      VARCHAR    type of that event
--   overtaken_by_sequence  BIGINT     its number
--   overtaken_by_node      VARCHAR    process instance it arrived at
--   overtaken_at           TIMESTAMP  when it arrived, UTC
--   late_time_ms           DOUBLE     time between the two arrivals
--   extent                 BIGINT     how many arrivals too late the late event was
--   file_id                INTEGER    file of the record of the late event
--   byte_offset            BIGINT     first byte of that record
--
-- Source: RFC 4737 sections 3.3, 4.2.3 and 4.3.3.
-- Reads: _arrivals_behind
CREATE OR REPLACE MACRO swapped_pairs(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    of_consumer := NULL,
    of_stream := NULL,
    oldest_first := FALSE,
    row_limit := 200,
    lookback := INTERVAL 1 HOUR
) AS TABLE
SELECT
    behind.occurred_at,
    behind.consumer,
    behind.stream,
    behind.stream_key,
    behind.event_id,
    behind.event_type,
    behind.sequence,
    behind.node,
    behind.overtaken_by,
    behind.overtaken_by_type,
    behind.overtaken_by_sequence,
    behind.overtaken_by_node,
    behind.overtaken_at,
    behind.late_time_ms,
    behind.extent,
    behind.file_id,
    behind.byte_offset
FROM
    _arrivals_behind(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP) AS behind
WHERE
    behind.is_reordered
    AND behind.copy_number = 1
    AND behind.occurred_at >= since::TIMESTAMP
    AND (of_consumer IS NULL OR coalesce(behind.consumer, '') = of_consumer::VARCHAR)
    AND (of_stream IS NULL OR coalesce(behind.stream, '') = of_stream::VARCHAR)
ORDER BY
    CASE WHEN oldest_first::BOOLEAN THEN behind.occurred_at END ASC,
    behind.occurred_at DESC,
    behind.file_id DESC,
    behind.byte_offset DESC,
    behind.event_id ASC
LIMIT (row_limit::BIGINT);
