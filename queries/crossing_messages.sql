-- crossing_messages: on which ways did these two messages cross, and what was under way around them?
--
-- One row per sending and per arrival of the two messages, and of those numbered just below
-- and above each of them in their scope: same consumer, stream, key and epoch, and same
-- event type where the types are numbered apart. The earliest first. Arrivals at the
-- consumer of the late message only; copies are rows of their own. A message whose sending
-- was not logged has arrivals only. No rows where the late message did not arrive then.
--
-- Parameters
--   event        VARCHAR    event_id of the late message
--   overtaker    VARCHAR    event_id of the message that overtook it
--   came_at      TIMESTAMP  when the late message arrived, UTC
--   of_consumer  VARCHAR    where it arrived: service, else node; empty: where none is named
--   around       BIGINT     how many numbers to each side of both (default: 5)
--   lookback     INTERVAL   how far before and after it others are looked for (default: 1 hour)
--
-- Columns
--   event_id     VARCHAR    the message
--   event_type   VARCHAR    its type
--   sequence     BIGINT     its number
--   role         VARCHAR    late, overtaking or around
--   is_arrival   BOOLEAN    whether it arrived here; else it was sent
--   service      VARCHAR    service that wrote the record
--   node         VARCHAR    process instance that wrote it
--   occurred_at  TIMESTAMP  when, by the clock of that node, UTC
--   file_id      INTEGER    file of the record
--   byte_offset  BIGINT     first byte of the record
--
-- Reads: events, _numbered_arrivals
CREATE OR REPLACE MACRO crossing_messages(
    event,
    overtaker,
    came_at,
    of_consumer,
    around := 5,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS MATERIALIZED (
    SELECT
        numbered.scope_hash,
        numbered.event_id,
        numbered.event_type,
        numbered.stream,
        numbered.sequence,
        numbered.consumer,
        numbered.node,
        numbered.occurred_at,
        numbered.file_id,
        numbered.byte_offset,
        numbered.record_no
    FROM
        _numbered_arrivals(
            came_at::TIMESTAMP - lookback::INTERVAL,
            came_at::TIMESTAMP + lookback::INTERVAL
        ) AS numbered
    WHERE coalesce(numbered.consumer, '') = of_consumer::VARCHAR
),

late AS (
    SELECT
        arrivals.scope_hash,
        arrivals.sequence
    FROM arrivals
    WHERE
        arrivals.event_id = event::VARCHAR
        AND arrivals.occurred_at = came_at::TIMESTAMP
    ORDER BY arrivals.file_id, arrivals.byte_offset, arrivals.record_no
    LIMIT 1
),

places AS (
    SELECT * FROM late
    UNION
    SELECT
        arrivals.scope_hash,
        arrivals.sequence
    FROM arrivals
    INNER JOIN late ON arrivals.scope_hash = late.scope_hash
    WHERE arrivals.event_id = overtaker::VARCHAR
),

met AS MATERIALIZED (
    SELECT arrivals.*
    FROM arrivals
    INNER JOIN places
        ON
            arrivals.scope_hash = places.scope_hash
            AND arrivals.sequence >= places.sequence - around::BIGINT
            AND arrivals.sequence <= places.sequence + around::BIGINT
    QUALIFY
        row_number() OVER (
            PARTITION BY arrivals.file_id, arrivals.byte_offset, arrivals.record_no
        ) = 1
),

messages AS MATERIALIZED (
    SELECT
        met.event_id,
        any_value(met.event_type ORDER BY met.occurred_at, met.event_type) AS event_type,
        min(met.stream) AS stream,
        min(met.sequence) AS sequence
    FROM met
    WHERE met.event_id IS NOT NULL
    GROUP BY met.event_id
),

sendings AS (
    SELECT
        events.event_id,
        messages.event_type,
        messages.sequence,
        FALSE AS is_arrival,
        events.service,
        events.node,
        events.occurred_at,
        events.file_id,
        events.byte_offset,
        events.record_no
    FROM events
    INNER JOIN messages
        ON
            events.event_id = messages.event_id
            AND events.stream IS NOT DISTINCT FROM messages.stream
    WHERE
        events.operation IN ('send', 'create')
        AND events.occurred_at >= came_at::TIMESTAMP - lookback::INTERVAL
        AND events.occurred_at < came_at::TIMESTAMP + lookback::INTERVAL
),

records AS (
    SELECT
        met.event_id,
        met.event_type,
        met.sequence,
        TRUE AS is_arrival,
        met.consumer AS service,
        met.node,
        met.occurred_at,
        met.file_id,
        met.byte_offset,
        met.record_no
    FROM met
    UNION ALL BY NAME
    SELECT * FROM sendings
)

SELECT
    records.event_id,
    records.event_type,
    records.sequence,
    CASE records.event_id
        WHEN event::VARCHAR THEN 'late'
        WHEN overtaker::VARCHAR THEN 'overtaking'
        ELSE 'around'
    END AS role,
    records.is_arrival,
    records.service,
    records.node,
    records.occurred_at,
    records.file_id,
    records.byte_offset
FROM records
ORDER BY
    records.occurred_at,
    records.file_id,
    records.byte_offset,
    records.record_no,
    records.is_arrival;
