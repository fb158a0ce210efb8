-- delay_variation: by how much more or less than the event before was each event delayed?
--
-- One row per two consecutive numbers of a scope whose sending and first arrival were
-- logged. The clocks of sender and consumer may be apart by any constant: it cancels.
-- An event that was sent again counts from its first sending.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   lookback  INTERVAL   how far before since records are looked at (default: 1 hour)
--
-- Columns
--   consumer            VARCHAR    service they arrived at, else node
--   stream              VARCHAR    topic, queue or destination
--   sequence            BIGINT     number of the second of the two
--   delay_variation_ms  DOUBLE     its delay minus that of the number before it
--   occurred_at         TIMESTAMP  when it arrived, UTC
--   event_id            VARCHAR    its id
--
-- Source: RFC 3393 section 2 (IP packet delay variation); RFC 4737 section 7.
-- Reads: _numbered_arrivals, events
CREATE OR REPLACE MACRO delay_variation(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH sendings AS (
    SELECT
        coalesce(events.message_id, events.event_id) AS copy_id,
        events.stream,
        min(epoch_us(events.occurred_at)) AS sent_us
    FROM events
    WHERE
        events.operation IN ('send', 'create')
        AND events.occurred_at >= since::TIMESTAMP - lookback::INTERVAL
        AND events.occurred_at < until::TIMESTAMP
    GROUP BY coalesce(events.message_id, events.event_id), events.stream
),

arrivals AS (
    SELECT
        numbered.scope_hash,
        numbered.consumer,
        numbered.stream,
        numbered.sequence,
        numbered.copy_id,
        min(numbered.occurred_at) AS occurred_at,
        arg_min(
            numbered.event_id,
            (
                numbered.occurred_at,
                numbered.file_id,
                numbered.byte_offset,
                numbered.record_no
            )
        ) AS event_id
    FROM
        _numbered_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS numbered
    WHERE numbered.occurred_at IS NOT NULL
    GROUP BY
        numbered.scope_hash,
        numbered.consumer,
        numbered.stream,
        numbered.sequence,
        numbered.copy_id
),

delayed AS (
    SELECT
        arrivals.*,
        epoch_us(arrivals.occurred_at) - sendings.sent_us AS delay_us
    FROM arrivals
    INNER JOIN sendings
        ON
            arrivals.copy_id = sendings.copy_id
            AND arrivals.stream IS NOT DISTINCT FROM sendings.stream
)

SELECT
    delayed.consumer,
    delayed.stream,
    delayed.sequence,
    (delayed.delay_us - before_it.delay_us) / 1000 AS delay_variation_ms,
    delayed.occurred_at,
    delayed.event_id
FROM delayed
INNER JOIN delayed AS before_it
    ON
        delayed.scope_hash = before_it.scope_hash
        AND delayed.sequence - 1 = before_it.sequence
WHERE delayed.occurred_at >= since::TIMESTAMP
ORDER BY
    delayed.consumer,
    delayed.stream,
    delayed.sequence,
    delayed.event_id,
    delayed.occurred_at,
    delay_variation_ms;
