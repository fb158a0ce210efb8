-- gap_states: how many numbers came late, may still come, or are lost?
--
-- One row per consumer and stream with numbered arrivals in the window. A number that did
-- not come in its turn is late when it came after all; open while the watermark of the
-- consumer (its newest arrival less the allowed lateness) has not passed the instant at
-- which a larger number was first seen; lost from then on. A number that comes after that
-- still turns from lost to late: late_beyond_count says how many did.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since             TIMESTAMP  first instant included (default: the oldest event)
--   until             TIMESTAMP  first instant excluded (default: the newest event)
--   allowed_lateness  INTERVAL   how long a number may come late (default: 1 minute)
--   lookback          INTERVAL   how far before since arrivals are looked at
--                                (default: 1 hour)
--
-- Columns
--   consumer           VARCHAR    service, else node
--   stream             VARCHAR    topic, queue or destination
--   late_count         BIGINT     numbers that came after a larger one of their scope
--   late_beyond_count  BIGINT     of these, later than allowed
--   open_count         BIGINT     numbers that may still come
--   lost_count         BIGINT     numbers that never came
--   first_lost_at      TIMESTAMP  when the first lost number was noticed, UTC; NULL
--                                 without one
--   watermark          TIMESTAMP  up to which instant the consumer is taken to have all, UTC
--
-- Source: RFC 4737 section 3.3 (late), RFC 7680 section 2.8 (lost after a waiting time),
-- Akidau et al. 2015 (watermark, allowed lateness).
-- Reads: gaps, _arrivals, _arrivals_behind
CREATE OR REPLACE MACRO gap_states(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    allowed_lateness := INTERVAL 1 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH later AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        max(arrivals.occurred_at) AS last_at,
        count(*) FILTER (
            WHERE
            arrivals.sequence IS NOT NULL AND arrivals.occurred_at < until::TIMESTAMP
        ) AS arrival_count
    FROM _arrivals(since::TIMESTAMP, 'infinity'::TIMESTAMP) AS arrivals
    GROUP BY arrivals.consumer, arrivals.stream
),

marked AS (
    SELECT
        later.consumer,
        later.stream,
        later.arrival_count,
        max(later.last_at) OVER (PARTITION BY later.consumer)
        - allowed_lateness::INTERVAL AS watermark
    FROM later
),

behind AS (
    SELECT
        found.consumer,
        found.stream,
        count(*) AS late_count,
        count(*) FILTER (
            WHERE found.occurred_at > found.overtaken_at + allowed_lateness::INTERVAL
        ) AS late_beyond_count
    FROM
        _arrivals_behind(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS found
    WHERE
        found.is_reordered
        AND found.copy_number = 1
        AND found.occurred_at >= since::TIMESTAMP
    GROUP BY found.consumer, found.stream
),

missing AS (
    SELECT
        found.consumer,
        found.stream,
        sum(found.missing_count) FILTER (WHERE found.state = 'open') AS open_count,
        sum(found.missing_count) FILTER (WHERE found.state = 'lost') AS lost_count,
        min(found.noticed_at) FILTER (WHERE found.state = 'lost') AS first_lost_at
    FROM
        gaps(
            since := since,
            until := until,
            allowed_lateness := allowed_lateness,
            lookback := lookback
        ) AS found
    GROUP BY found.consumer, found.stream
)

SELECT
    marked.consumer,
    marked.stream,
    coalesce(behind.late_count, 0) AS late_count,
    coalesce(behind.late_beyond_count, 0) AS late_beyond_count,
    least(coalesce(missing.open_count, 0), 9223372036854775807)::BIGINT AS open_count,
    least(coalesce(missing.lost_count, 0), 9223372036854775807)::BIGINT AS lost_count,
    missing.first_lost_at,
    marked.watermark
FROM marked
LEFT OUTER JOIN behind
    ON
        marked.consumer IS NOT DISTINCT FROM behind.consumer
        AND marked.stream IS NOT DISTINCT FROM behind.stream
LEFT OUTER JOIN missing
    ON
        marked.consumer IS NOT DISTINCT FROM missing.consumer
        AND marked.stream IS NOT DISTINCT FROM missing.stream
WHERE marked.arrival_count > 0
ORDER BY marked.consumer, marked.stream;
