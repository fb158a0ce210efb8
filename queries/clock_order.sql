-- clock_order: in streams without numbers, what seems to have arrived out of order?
--
-- One row per consumer and stream of whose arrivals none has a number, but for some of
-- which the sending was logged. A first copy seems late when an event that was sent after
-- it arrived before it. Where one node sent all of a scope (consumer, stream and key), its
-- own clock tells the order of sending; where several did, a difference between their
-- clocks looks the same as a swap: numbers are the only proof of order.
-- An event that was sent again counts from its first sending.
--
-- Parameters
--   since            TIMESTAMP  first instant included (default: the oldest event)
--   until            TIMESTAMP  first instant excluded (default: the newest event)
--   clock_tolerance  INTERVAL   how far the clocks of two nodes may be apart
--                               (default: 1 millisecond)
--   lookback         INTERVAL   how far before since records are looked at
--                               (default: 1 hour)
--
-- Columns
--   consumer       VARCHAR  service they arrived at, else node
--   stream         VARCHAR  topic, queue or destination
--   arrival_count  BIGINT   first copies whose sending was logged
--   late_count     BIGINT   of these, those that seem late
--   late_ratio     DOUBLE   late_count / arrival_count, 0..1
--   late_ms_max    DOUBLE   most that one was sent before one that arrived first; NULL
--                           without any
--   certainty      VARCHAR  one clock, or several clocks: less certain
--
-- Source: RFC 4737 section 3.3, with the time of sending in place of a number.
-- Reads: _arrivals, events
CREATE OR REPLACE MACRO clock_order(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    clock_tolerance := INTERVAL 1 MILLISECOND,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS MATERIALIZED (
    SELECT
        found.consumer,
        found.stream,
        found.stream_key,
        found.copy_id,
        min(
            (found.occurred_at, found.file_id, found.byte_offset, found.record_no)
        ) AS place,
        count(found.sequence) AS numbered_count
    FROM
        _arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP) AS found
    WHERE found.occurred_at IS NOT NULL AND found.copy_id IS NOT NULL
    GROUP BY found.consumer, found.stream, found.stream_key, found.copy_id
),

unnumbered AS (
    SELECT
        arrivals.consumer,
        arrivals.stream
    FROM arrivals
    GROUP BY arrivals.consumer, arrivals.stream
    HAVING sum(arrivals.numbered_count) = 0
),

sendings AS (
    SELECT
        coalesce(events.message_id, events.event_id) AS copy_id,
        events.stream,
        min(events.occurred_at) AS sent_at,
        arg_min(
            coalesce(events.node, events.service), (events.occurred_at, events.node)
        ) AS sender
    FROM events
    WHERE
        events.operation IN ('send', 'create')
        AND events.occurred_at >= since::TIMESTAMP - lookback::INTERVAL
        AND events.occurred_at < until::TIMESTAMP
    GROUP BY coalesce(events.message_id, events.event_id), events.stream
),

sent AS (
    SELECT
        arrivals.*,
        sendings.sent_at,
        sendings.sender,
        max(sendings.sent_at) OVER in_scope AS own_latest,
        max(sendings.sent_at) OVER (
            PARTITION BY arrivals.consumer, arrivals.stream, arrivals.stream_key
            ORDER BY arrivals.place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS latest
    FROM arrivals
    SEMI JOIN unnumbered
        ON
            arrivals.consumer IS NOT DISTINCT FROM unnumbered.consumer
            AND arrivals.stream IS NOT DISTINCT FROM unnumbered.stream
    INNER JOIN sendings
        ON
            arrivals.copy_id = sendings.copy_id
            AND arrivals.stream IS NOT DISTINCT FROM sendings.stream
    WINDOW in_scope AS (
        PARTITION BY
            arrivals.consumer, arrivals.stream, arrivals.stream_key, sendings.sender
        ORDER BY arrivals.place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

-- Of one clock every difference counts, of two clocks what they cannot be apart.
judged AS (
    SELECT
        sent.consumer,
        sent.stream,
        sent.stream_key,
        sent.sender,
        greatest(
            CASE WHEN sent.sent_at < sent.own_latest THEN sent.own_latest END,
            CASE
                WHEN sent.sent_at + clock_tolerance::INTERVAL < sent.latest
                    THEN sent.latest
            END
        ) AS overtaken_by_sent_at,
        sent.sent_at
    FROM sent
    WHERE sent.place[1] >= since::TIMESTAMP
),

senders AS (
    SELECT
        judged.consumer,
        judged.stream,
        count(DISTINCT judged.sender) AS sender_count
    FROM judged
    GROUP BY judged.consumer, judged.stream, judged.stream_key
),

clocks AS (
    SELECT
        senders.consumer,
        senders.stream,
        max(senders.sender_count) AS most
    FROM senders
    GROUP BY senders.consumer, senders.stream
)

SELECT
    judged.consumer,
    judged.stream,
    count(*) AS arrival_count,
    count(judged.overtaken_by_sent_at) AS late_count,
    count(judged.overtaken_by_sent_at) / count(*) AS late_ratio,
    max(epoch_us(judged.overtaken_by_sent_at) - epoch_us(judged.sent_at)) / 1000
        AS late_ms_max,
    CASE
        WHEN any_value(clocks.most) = 1 THEN 'one clock'
        ELSE 'several clocks'
    END AS certainty
FROM judged
INNER JOIN clocks
    ON
        judged.consumer IS NOT DISTINCT FROM clocks.consumer
        AND judged.stream IS NOT DISTINCT FROM clocks.stream
GROUP BY judged.consumer, judged.stream
ORDER BY judged.consumer, judged.stream;
