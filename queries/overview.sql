-- overview: what stands out in this window?
--
-- One row, always: the headline counts.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   lookback  INTERVAL   how far before since arrivals and causes are looked at
--                        (default: 1 hour)
--
-- Columns
--   event_count         BIGINT     observations
--   reordered_count     BIGINT     first copies that arrived after a larger number
--   reordered_ratio     DOUBLE     of all numbered first copies, 0..1; NULL without any
--   duplicate_count     BIGINT     events that arrived more than once at a consumer
--   lost_count          BIGINT     numbers that never arrived, allowed lateness is over
--   open_gap_count      BIGINT     runs of missing numbers that may still come
--   deadlock_count      BIGINT     deadlocks, reported or told by lock events alone
--   chain_count         BIGINT     chains that began: causes without a cause, or with one
--                                  that was never logged
--   reject_count        BIGINT     rows in quarantine, of any time: what could not be read
--                                  has no time to filter by
--   newest_occurred_at  TIMESTAMP  newest event, UTC; NULL without events
--   untimed_count       BIGINT     events without a readable time, whatever the window
--   untimed_deadlock_count  BIGINT  of the deadlocks those without a readable time, whatever
--                                  the window
--   unreported_deadlock_count  BIGINT  of the deadlocks those that nobody reported
--
-- Reads: events, rejects, reorder_hotspots, delivery, _deadlock_records, _unreported_deadlocks, _root_hashes
CREATE OR REPLACE MACRO overview(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH observed AS (
    SELECT
        count(*) AS event_count,
        max(events.occurred_at) AS newest_occurred_at
    FROM events
    WHERE
        (
            (
                events.occurred_at >= since::TIMESTAMP
                AND events.occurred_at < until::TIMESTAMP
            )
            OR (
                events.occurred_at IS NULL
                AND since::TIMESTAMP = '-infinity'::TIMESTAMP
                AND until::TIMESTAMP = 'infinity'::TIMESTAMP
            )
        )
),

ordering AS (
    SELECT
        coalesce(sum(hotspots.reordered_count), 0)::BIGINT AS reordered_count,
        sum(hotspots.reordered_count) / sum(hotspots.arrival_count) AS reordered_ratio
    FROM
        reorder_hotspots(
            since := since,
            until := until,
            bucket := INTERVAL 1 DAY,
            lookback := lookback
        ) AS hotspots
),

delivered AS (
    SELECT
        found.lost_count,
        found.open_gap_count,
        found.duplicate_count
    FROM delivery(since := since, until := until, lookback := lookback) AS found
),

stuck AS (
    SELECT count(*) AS reported_count
    FROM _deadlock_records(since := since, until := until)
),

stuck_untold AS (
    SELECT count(*) AS unreported_deadlock_count
    FROM _unreported_deadlocks(since, until, TRUE)
),

begun AS (
    SELECT count(*) AS chain_count
    FROM _root_hashes(since, until, lookback)
),

untimed AS (
    SELECT count(*) AS untimed_count
    FROM events
    WHERE events.occurred_at IS NULL
),

untimed_stuck AS (
    SELECT count(*) AS untimed_deadlock_count
    FROM _deadlock_records() AS records
    WHERE records.occurred_at IS NULL
),

quarantined AS (
    SELECT count(*) AS reject_count
    FROM rejects
)

SELECT
    observed.event_count,
    ordering.reordered_count,
    ordering.reordered_ratio,
    delivered.duplicate_count,
    delivered.lost_count,
    delivered.open_gap_count,
    stuck.reported_count + stuck_untold.unreported_deadlock_count AS deadlock_count,
    begun.chain_count,
    quarantined.reject_count,
    observed.newest_occurred_at,
    untimed.untimed_count,
    untimed_stuck.untimed_deadlock_count,
    stuck_untold.unreported_deadlock_count
FROM observed
CROSS JOIN ordering
CROSS JOIN delivered
CROSS JOIN stuck
CROSS JOIN stuck_untold
CROSS JOIN begun
CROSS JOIN quarantined
CROSS JOIN untimed
CROSS JOIN untimed_stuck
ORDER BY observed.event_count;
