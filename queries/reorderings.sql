-- reorderings: which events arrived after an event with a larger number?
--
-- One row per arrival that came after a larger number of its scope: same consumer, stream,
-- key and epoch, and same event type where the types are numbered apart. Late events are
-- named, not the early ones, and losses make nothing late. Whether a *stream* is out of
-- order is asked of first copies (copy_number = 1); later copies are rows too, so that
-- they can be told apart. Arrivals in the lookback count as arrived before.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   lookback  INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   consumer         VARCHAR    service it arrived at, else node
--   stream           VARCHAR    topic, queue or destination
--   event_type       VARCHAR    type of the event
--   stream_key       VARCHAR    partition key within the stream
--   event_id         VARCHAR    id of the late event
--   sequence         BIGINT     its number
--   greatest_before  BIGINT     greatest number that arrived before it
--   extent           BIGINT     how many arrivals too late: its position among first
--                               copies minus that of overtaken_by
--   late_time_ms     DOUBLE     time since overtaken_by arrived
--   copy_number      BIGINT     1 for the first arrival of the event, 2 for its copy ...
--   occurred_at      TIMESTAMP  when it arrived, UTC
--   node             VARCHAR    process instance it arrived at
--   overtaken_by     VARCHAR    event_id of the earliest arrival with a larger number
--   file_id          INTEGER    file of the record
--   byte_offset      BIGINT     first byte of the record
--
-- Source: RFC 4737 sections 3.3, 4.2.3 and 4.3.3.
-- Reads: _arrivals_behind
CREATE OR REPLACE MACRO reorderings(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    lookback := INTERVAL 1 HOUR
) AS TABLE
SELECT
    behind.consumer,
    behind.stream,
    behind.event_type,
    behind.stream_key,
    behind.event_id,
    behind.sequence,
    behind.greatest_before,
    behind.extent,
    behind.late_time_ms,
    behind.copy_number,
    behind.occurred_at,
    behind.node,
    behind.overtaken_by,
    behind.file_id,
    behind.byte_offset
FROM
    _arrivals_behind(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP) AS behind
WHERE behind.is_reordered AND behind.occurred_at >= since::TIMESTAMP
ORDER BY
    behind.occurred_at,
    behind.file_id,
    behind.byte_offset,
    behind.event_id;
