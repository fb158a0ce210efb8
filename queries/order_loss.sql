-- order_loss: where was the order lost, and which pair swapped there first?
--
-- One row per consumer, stream and place, the most frequent first. Each first copy that
-- came after a larger number is laid to the first place that its records speak for:
-- producer (the larger number was sent first, so there never was an order), clock (two
-- nodes of the consumer whose clocks are too close to tell who was first), retry (sent
-- again after the larger number, a later attempt, or flagged as redelivered), partition
-- (the two went through different partitions), consumer (two of its nodes took them at
-- the same time), transport (sent in order, taken by one node out of order: network or
-- broker), and unknown (the sending of one of them was not logged).
-- consumer, partition and retry are told from the receiving side; where the sending was
-- not logged, sent_in_order_count does not count them, and they are less certain.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since            TIMESTAMP  first instant included (default: the oldest event)
--   until            TIMESTAMP  first instant excluded (default: the newest event)
--   clock_tolerance  INTERVAL   how far the clocks of two nodes may be apart
--                               (default: 1 millisecond)
--   lookback         INTERVAL   how far before since arrivals are looked at
--                               (default: 1 hour)
--
-- Columns
--   consumer             VARCHAR    service they arrived at, else node
--   stream               VARCHAR    topic, queue or destination
--   place                VARCHAR    producer, clock, retry, partition, consumer, transport
--                                   or unknown
--   swap_count           BIGINT     late first copies
--   swap_ratio           DOUBLE     of all those of consumer and stream, 0..1
--   sent_in_order_count  BIGINT     of these, both sendings are logged, in order
--   first_at             TIMESTAMP  when the first of them arrived, UTC
--   last_at              TIMESTAMP  when the last of them arrived, UTC
--   event_id             VARCHAR    the first late event
--   overtaken_by         VARCHAR    the event that overtook it
--   node                 VARCHAR    process instance the late event arrived at
--   overtaken_by_node    VARCHAR    process instance the other one arrived at
--   file_id              INTEGER    file of the record of the late event
--   byte_offset          BIGINT     first byte of that record
--
-- Source: RFC 4737 section 3.3 for what is late; the places are those at which brokers
-- give up order: retries with several requests in flight, partitions, competing consumers.
-- Reads: _arrivals_behind, events
CREATE OR REPLACE MACRO order_loss(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    clock_tolerance := INTERVAL 1 MILLISECOND,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH swaps AS MATERIALIZED (
    SELECT
        behind.consumer,
        behind.stream,
        behind.event_id,
        behind.overtaken_by,
        behind.node,
        behind.overtaken_by_node,
        behind.late_time_ms,
        behind.occurred_at,
        behind.overtaken_at,
        behind.file_id,
        behind.byte_offset
    FROM
        _arrivals_behind(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS behind
    WHERE
        behind.is_reordered
        AND behind.copy_number = 1
        AND behind.occurred_at >= since::TIMESTAMP
),

involved AS (
    SELECT swaps.event_id FROM swaps
    UNION
    SELECT swaps.overtaken_by AS event_id FROM swaps
),

records AS MATERIALIZED (
    SELECT
        events.event_id,
        events.stream,
        events.operation IN ('send', 'create') AS is_sending,
        events.occurred_at,
        events.file_id,
        events.byte_offset,
        events.record_no,
        events.node,
        coalesce(events.is_redelivered, FALSE) OR coalesce(events.attempt, 1) > 1
            AS is_retry,
        coalesce(
            events.attributes ->> '$.partition',
            events.attributes ->> '$.partition_id',
            events.attributes ->> '$."messaging.destination.partition.id"'
        ) AS broker_partition
    FROM events
    SEMI JOIN involved ON events.event_id = involved.event_id
    WHERE
        events.occurred_at >= since::TIMESTAMP - lookback::INTERVAL
        AND events.occurred_at < until::TIMESTAMP
),

sendings AS (
    SELECT
        records.event_id,
        records.stream,
        min(
            (
                records.occurred_at,
                records.file_id,
                records.byte_offset,
                records.record_no
            )
        ) AS first_place,
        max(records.occurred_at) FILTER (WHERE records.is_sending) AS last_at,
        arg_min(
            records.node,
            (
                records.occurred_at,
                records.file_id,
                records.byte_offset,
                records.record_no
            )
        ) AS node
    FROM records
    WHERE records.is_sending
    GROUP BY records.event_id, records.stream
),

arrived AS (
    SELECT
        records.file_id,
        records.byte_offset,
        records.event_id,
        bool_or(records.is_retry) AS is_retry,
        max(records.broker_partition) AS broker_partition
    FROM records
    WHERE NOT coalesce(records.is_sending, FALSE)
    GROUP BY records.file_id, records.byte_offset, records.event_id
),

partitions AS (
    SELECT
        records.event_id,
        records.stream,
        records.node,
        records.occurred_at,
        max(records.broker_partition) AS broker_partition
    FROM records
    WHERE records.broker_partition IS NOT NULL
    GROUP BY records.event_id, records.stream, records.node, records.occurred_at
),

weighed AS (
    SELECT
        swaps.*,
        late_sending.first_place < early_sending.first_place AS is_sent_in_order,
        late_sending.first_place > early_sending.first_place
        AND (
            late_sending.node IS NOT DISTINCT FROM early_sending.node
            OR late_sending.first_place[1]
            > early_sending.first_place[1] + clock_tolerance::INTERVAL
        ) AS is_never_ordered,
        swaps.node != swaps.overtaken_by_node AS is_at_two_nodes,
        arrived.is_retry
        OR (
            late_sending.last_at > early_sending.first_place[1]
            AND late_sending.last_at <= swaps.occurred_at
        ) AS is_retry,
        arrived.broker_partition != partitions.broker_partition AS is_in_two_partitions
    FROM swaps
    LEFT OUTER JOIN sendings AS late_sending
        ON
            swaps.event_id = late_sending.event_id
            AND swaps.stream IS NOT DISTINCT FROM late_sending.stream
    LEFT OUTER JOIN sendings AS early_sending
        ON
            swaps.overtaken_by = early_sending.event_id
            AND swaps.stream IS NOT DISTINCT FROM early_sending.stream
    LEFT OUTER JOIN arrived
        ON
            swaps.file_id = arrived.file_id
            AND swaps.byte_offset = arrived.byte_offset
            AND swaps.event_id = arrived.event_id
    LEFT OUTER JOIN partitions
        ON
            swaps.overtaken_by = partitions.event_id
            AND swaps.stream IS NOT DISTINCT FROM partitions.stream
            AND swaps.overtaken_by_node IS NOT DISTINCT FROM partitions.node
            AND swaps.overtaken_at = partitions.occurred_at
),

placed AS (
    SELECT
        weighed.*,
        CASE
            WHEN weighed.is_never_ordered THEN 'producer'
            WHEN
                weighed.is_at_two_nodes
                AND weighed.occurred_at
                <= weighed.overtaken_at + clock_tolerance::INTERVAL
                THEN 'clock'
            WHEN weighed.is_retry THEN 'retry'
            WHEN weighed.is_in_two_partitions THEN 'partition'
            WHEN weighed.is_at_two_nodes THEN 'consumer'
            WHEN weighed.is_sent_in_order THEN 'transport'
            ELSE 'unknown'
        END AS place,
        row_number() OVER (
            PARTITION BY weighed.consumer, weighed.stream, place
            ORDER BY
                weighed.occurred_at,
                weighed.file_id,
                weighed.byte_offset,
                weighed.event_id
        ) AS swap_no
    FROM weighed
),

counted AS (
    SELECT
        placed.consumer,
        placed.stream,
        placed.place,
        count(*) AS swap_count,
        count(*) FILTER (WHERE placed.is_sent_in_order) AS sent_in_order_count,
        min(placed.occurred_at) AS first_at,
        max(placed.occurred_at) AS last_at,
        any_value(placed.event_id) FILTER (WHERE placed.swap_no = 1) AS event_id,
        any_value(placed.overtaken_by) FILTER (WHERE placed.swap_no = 1)
            AS overtaken_by,
        any_value(placed.node) FILTER (WHERE placed.swap_no = 1) AS node,
        any_value(placed.overtaken_by_node) FILTER (WHERE placed.swap_no = 1)
            AS overtaken_by_node,
        any_value(placed.file_id) FILTER (WHERE placed.swap_no = 1) AS file_id,
        any_value(placed.byte_offset) FILTER (WHERE placed.swap_no = 1) AS byte_offset
    FROM placed
    GROUP BY placed.consumer, placed.stream, placed.place
)

SELECT
    counted.consumer,
    counted.stream,
    counted.place,
    counted.swap_count,
    counted.swap_count / sum(counted.swap_count) OVER (
        PARTITION BY counted.consumer, counted.stream
    ) AS swap_ratio,
    counted.sent_in_order_count,
    counted.first_at,
    counted.last_at,
    counted.event_id,
    counted.overtaken_by,
    counted.node,
    counted.overtaken_by_node,
    counted.file_id,
    counted.byte_offset
FROM counted
ORDER BY
    counted.swap_count DESC, counted.consumer ASC, counted.stream ASC, counted.place ASC;
