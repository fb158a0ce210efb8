-- loss_periods: do numbers get lost one by one, or in bursts?
--
-- One row per loss period: a run of numbers that are lost, within one scope. The distance
-- is that from the last number of the period before; of the further numbers of a period
-- it is 1. Numbers that may still come are not lost (see gaps).
--
-- Parameters
--   since             TIMESTAMP  first instant included (default: the oldest event)
--   until             TIMESTAMP  first instant excluded (default: the newest event)
--   allowed_lateness  INTERVAL   how long a number may come late (default: 1 minute)
--   lookback          INTERVAL   how far before since arrivals are looked at
--                                (default: 1 hour)
--
-- Columns
--   consumer       VARCHAR    service they did not arrive at, else node
--   stream         VARCHAR    topic, queue or destination
--   event_type     VARCHAR    type of the events if types are numbered apart, else NULL
--   stream_key     VARCHAR    partition key within the stream
--   epoch          VARCHAR    epoch of the producer
--   period_no      BIGINT     1 for the first loss period of the scope in the window ...
--   first_missing  BIGINT     first number of the period
--   lost_count     BIGINT     numbers lost in it
--   loss_distance  BIGINT     first_missing minus the number lost before; 0 for the first
--   noticed_at     TIMESTAMP  when a larger number first arrived, UTC
--
-- Source: RFC 3357 sections 5.2 (loss distance) and 5.3 (loss period).
-- Reads: gaps
CREATE OR REPLACE MACRO loss_periods(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    allowed_lateness := INTERVAL 1 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
SELECT
    gaps.consumer,
    gaps.stream,
    gaps.event_type,
    gaps.stream_key,
    gaps.epoch,
    row_number() OVER in_scope AS period_no,
    gaps.first_missing,
    gaps.missing_count AS lost_count,
    coalesce(gaps.first_missing - lag(gaps.last_missing) OVER in_scope, 0)
        AS loss_distance,
    gaps.noticed_at
FROM
    gaps(
        since := since,
        until := until,
        allowed_lateness := allowed_lateness,
        lookback := lookback
    ) AS gaps
WHERE gaps.state = 'lost'
WINDOW in_scope AS (
    PARTITION BY
        gaps.consumer, gaps.stream, gaps.event_type, gaps.stream_key, gaps.epoch
    ORDER BY gaps.first_missing
)
ORDER BY
    gaps.consumer,
    gaps.stream,
    gaps.stream_key,
    gaps.event_type,
    gaps.epoch,
    period_no;
