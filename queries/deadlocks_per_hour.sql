-- deadlocks_per_hour: how many deadlocks were there in each hour?
--
-- One row per hour of what the logs cover in the window, with 0 where there was none. Those
-- that somebody reported count when they were reported; those that nobody reported, but that
-- lock events show as a circle of waits (deadlock_evidence), when the circle closed.
-- Hours are those of the clocks of the zone and half-open: [hour_start, hour_start + 1 h); the
-- first and the last count what lies in the window. Where clocks are set back an hour comes
-- twice, told apart by hour_start. Two events that follow each other within 31 days cover
-- the hours between them; a longer silence is a break in the logs and has no rows, so that
-- one record with a wrong clock does not make a million hours.
-- What has no readable time is in no hour.
--
-- Parameters
--   since       TIMESTAMP  first instant included (default: the oldest event)
--   until       TIMESTAMP  first instant excluded (default: the newest event)
--   zone        VARCHAR    time zone whose hours are counted: Europe/Berlin (default: UTC)
--   of_service  VARCHAR    only those that this service reported (default: all)
--   unreported  BOOLEAN    whether those count that nobody reported, which lock events are
--                          read for; none of a service does (default: true)
--
-- Columns
--   hour_start        TIMESTAMP  start of the hour, UTC
--   deadlock_count    BIGINT     deadlocks in the hour
--   unreported_count  BIGINT     of these, that nobody reported
--   local_start       TIMESTAMP  start of the hour as the clocks of the zone show it
--
-- Reads: events, _deadlock_records, _unreported_deadlocks
CREATE OR REPLACE MACRO deadlocks_per_hour(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    zone := 'UTC',
    of_service := NULL,
    unreported := TRUE
) AS TABLE
WITH neighbours AS (
    SELECT
        max(events.occurred_at) FILTER (WHERE events.occurred_at < since::TIMESTAMP)
            AS last_before,
        min(events.occurred_at) FILTER (WHERE events.occurred_at >= until::TIMESTAMP)
            AS first_after
    FROM events
),

-- Clocks of all zones are whole quarters of an hour apart from UTC.
known_quarters AS (
    SELECT DISTINCT time_bucket(INTERVAL 15 MINUTE, events.occurred_at) AS quarter_start
    FROM events
    WHERE
        events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
    UNION
    SELECT
        time_bucket(
            INTERVAL 15 MINUTE, unnest([neighbours.last_before, neighbours.first_after])
        ) AS quarter_start
    FROM neighbours
),

followed AS (
    SELECT
        known_quarters.quarter_start,
        lead(known_quarters.quarter_start) OVER (ORDER BY known_quarters.quarter_start)
            AS next_quarter
    FROM known_quarters
    WHERE known_quarters.quarter_start IS NOT NULL
),

covered AS (
    SELECT
        unnest(
            CASE
                WHEN followed.next_quarter <= followed.quarter_start + INTERVAL 31 DAY
                    THEN
                        range(
                            followed.quarter_start, followed.next_quarter, INTERVAL 15 MINUTE
                        )
                ELSE [followed.quarter_start]
            END
        ) AS occurred_at,
        0 AS deadlock_count,
        0 AS unreported_count
    FROM followed
    UNION ALL
    SELECT
        circles.occurred_at,
        1 AS deadlock_count,
        1 AS unreported_count
    FROM
        _unreported_deadlocks(
            since, until, unreported::BOOLEAN AND of_service::VARCHAR IS NULL
        ) AS circles
    UNION ALL
    SELECT
        records.occurred_at,
        1 AS deadlock_count,
        0 AS unreported_count
    FROM _deadlock_records(since := since, until := until) AS records
    WHERE
        records.occurred_at IS NOT NULL
        AND (of_service::VARCHAR IS NULL OR records.service = of_service::VARCHAR)
),

local AS (
    SELECT
        covered.occurred_at,
        covered.deadlock_count,
        covered.unreported_count,
        timezone(zone::VARCHAR, timezone('UTC', covered.occurred_at)) AS local_at
    FROM covered
),

hours AS (
    SELECT
        local.occurred_at - (local.local_at - date_trunc('hour', local.local_at))
            AS hour_start,
        date_trunc('hour', local.local_at) AS local_start,
        sum(local.deadlock_count)::BIGINT AS deadlock_count,
        sum(local.unreported_count)::BIGINT AS unreported_count
    FROM local
    GROUP BY ALL
)

SELECT
    hours.hour_start,
    hours.deadlock_count,
    hours.unreported_count,
    hours.local_start
FROM hours
WHERE
    hours.hour_start > since::TIMESTAMP - INTERVAL 1 HOUR
    AND hours.hour_start < until::TIMESTAMP
ORDER BY hours.hour_start;
