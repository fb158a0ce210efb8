-- duplicates: which events arrived more than once at one consumer?
--
-- One row per consumer and event of which a copy (any arrival but the first) lies in the
-- window. Copies are arrivals with the same message id, or event id where there is no
-- message id. The flag of the broker is counted, but decides nothing: it also marks first
-- arrivals. Arrivals in the hour before the window count as earlier copies.
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
--   first_at           TIMESTAMP  first arrival, UTC
--   last_at            TIMESTAMP  last arrival, UTC
--
-- Source: RFC 5560 (duplication is the arrival count minus 1 within a waiting time).
-- Reads: _arrivals
CREATE OR REPLACE MACRO duplicates(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH copies AS (
    SELECT
        arrivals.consumer,
        arrivals.copy_id AS event_id,
        arg_min(arrivals.stream, arrivals.occurred_at) AS stream,
        arg_min(arrivals.event_type, arrivals.occurred_at) AS event_type,
        count(*) AS copy_count,
        count(*) FILTER (WHERE arrivals.is_redelivered) AS redelivered_count,
        min(arrivals.occurred_at) AS first_at,
        max(arrivals.occurred_at) AS last_at
    FROM
        _arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP) AS arrivals
    WHERE arrivals.copy_id IS NOT NULL
    GROUP BY arrivals.consumer, arrivals.copy_id
    HAVING count(*) > 1
)

SELECT
    copies.consumer,
    copies.stream,
    copies.event_id,
    copies.event_type,
    copies.copy_count,
    copies.redelivered_count,
    copies.first_at,
    copies.last_at
FROM copies
WHERE copies.last_at >= since::TIMESTAMP
ORDER BY copies.first_at, copies.consumer, copies.event_id;
