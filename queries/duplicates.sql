-- duplicates: which events arrived more than once at one consumer?
--
-- One row per consumer and event of which a copy (any arrival but the first) lies in the
-- window. Copies are arrivals with the same message id, or event id where there is no
-- message id. The flag of the broker is counted, but decides nothing: it also marks first
-- arrivals. Arrivals in the lookback count as earlier copies.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   lookback  INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   consumer           VARCHAR    service it arrived at, else node
--   stream             VARCHAR    topic, queue or destination of the first copy
--   event_id           VARCHAR    message id, else event id
--   event_type         VARCHAR    type of the event
--   copy_count         BIGINT     arrivals, the first included
--   redelivered_count  BIGINT     of these, flagged by the broker as redelivered
--   first_at           TIMESTAMP  first arrival with a time, UTC
--   last_at            TIMESTAMP  last arrival with a time, UTC
--
-- Source: RFC 5560 (duplication is the arrival count minus 1 within a waiting time).
-- Reads: _arrivals
CREATE OR REPLACE MACRO duplicates(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS NOT MATERIALIZED (
    SELECT found.*
    FROM
        _arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP) AS found
    WHERE found.copy_id IS NOT NULL
),

repeated AS (
    SELECT
        hash(arrivals.consumer, arrivals.copy_id) AS copy_hash,
        min(arrivals.evidence) AS evidence
    FROM arrivals
    GROUP BY copy_hash
    HAVING count(*) > 1
),

-- The same delivery may be logged when it is received and, elsewhere, when it is handled.
copies AS (
    SELECT
        arrivals.*,
        row_number() OVER (
            PARTITION BY arrivals.consumer, arrivals.copy_id
            ORDER BY
                arrivals.occurred_at,
                arrivals.file_id,
                arrivals.byte_offset,
                arrivals.record_no
        ) AS copy_number
    FROM arrivals
    SEMI JOIN repeated
        ON
            hash(arrivals.consumer, arrivals.copy_id) = repeated.copy_hash
            AND arrivals.evidence = repeated.evidence
),

counted AS (
    SELECT
        copies.consumer,
        any_value(copies.stream) FILTER (WHERE copies.copy_number = 1) AS stream,
        copies.copy_id AS event_id,
        any_value(copies.event_type) FILTER (WHERE copies.copy_number = 1)
            AS event_type,
        count(*) AS copy_count,
        count(*) FILTER (WHERE copies.is_redelivered) AS redelivered_count,
        min(copies.occurred_at) AS first_at,
        max(copies.occurred_at) AS last_at
    FROM copies
    GROUP BY copies.consumer, copies.copy_id
)

SELECT
    counted.consumer,
    counted.stream,
    counted.event_id,
    counted.event_type,
    counted.copy_count,
    counted.redelivered_count,
    counted.first_at,
    counted.last_at
FROM counted
WHERE
    counted.copy_count > 1
    AND (
        counted.last_at >= since::TIMESTAMP
        OR since::TIMESTAMP = '-infinity'::TIMESTAMP
    )
ORDER BY counted.first_at, counted.consumer, counted.event_id;
