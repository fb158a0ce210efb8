-- swapped_pairs: which late event was overtaken by which other one?
--
-- One row per first arrival that came after a larger number of its scope, newest first,
-- beside the arrival that overtook it: the earliest with a larger number. Arrivals in the
-- hour before the window count as arrived before.
--
-- Parameters
--   since        TIMESTAMP  first instant included (default: the oldest event)
--   until        TIMESTAMP  first instant excluded (default: the newest event)
--   of_consumer  VARCHAR    only at this consumer; NULL: at any, empty: where none is named
--   of_stream    VARCHAR    only of this stream; NULL: of any, empty: where none is named
--   row_limit    BIGINT     rows at most
--   lookback     INTERVAL   how far before since arrivals are looked at (default: 1 hour)
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
-- Reads: events, reorderings
CREATE OR REPLACE MACRO swapped_pairs(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    of_consumer := NULL,
    of_stream := NULL,
    row_limit := 200,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH late AS (
    SELECT
        late_arrivals.*,
        late_arrivals.occurred_at
        - to_microseconds(round(late_arrivals.late_time_ms * 1000)::BIGINT) AS overtaken_at
    FROM
        reorderings(since := since, until := until, lookback := lookback)
            AS late_arrivals
    WHERE
        late_arrivals.copy_number = 1
        AND (
            of_consumer IS NULL
            OR coalesce(late_arrivals.consumer, '') = of_consumer
        )
        AND (of_stream IS NULL OR coalesce(late_arrivals.stream, '') = of_stream)
    ORDER BY
        late_arrivals.occurred_at DESC,
        late_arrivals.file_id DESC,
        late_arrivals.byte_offset DESC,
        late_arrivals.event_id ASC
    LIMIT row_limit
),
overtaking AS (
    SELECT
        events.event_id,
        events.occurred_at,
        events.stream,
        min(events.event_type) AS event_type,
        max(events.sequence) AS sequence,
        min(events.node) AS node
    FROM events
    SEMI JOIN late
        ON
            events.event_id = late.overtaken_by
            AND events.occurred_at = late.overtaken_at
    WHERE
        events.occurred_at >= since::TIMESTAMP - lookback::INTERVAL
        AND events.occurred_at < until::TIMESTAMP
        AND events.sequence IS NOT NULL
    GROUP BY events.event_id, events.occurred_at, events.stream
)
SELECT
    late.occurred_at,
    late.consumer,
    late.stream,
    late.stream_key,
    late.event_id,
    late.event_type,
    late.sequence,
    late.node,
    late.overtaken_by,
    overtaking.event_type AS overtaken_by_type,
    overtaking.sequence AS overtaken_by_sequence,
    overtaking.node AS overtaken_by_node,
    late.overtaken_at,
    late.late_time_ms,
    late.extent,
    late.file_id,
    late.byte_offset
FROM late
LEFT OUTER JOIN overtaking
    ON
        late.overtaken_by = overtaking.event_id
        AND late.overtaken_at = overtaking.occurred_at
        AND late.stream IS NOT DISTINCT FROM overtaking.stream
ORDER BY
    late.occurred_at DESC,
    late.file_id DESC,
    late.byte_offset DESC,
    late.event_id ASC;
