-- deadlocks_per_hour: how many deadlocks were reported in each hour?
--
-- One row per hour of what the logs cover in the window, with 0 where there was none.
-- Hours are UTC and half-open: [hour_start, hour_start + 1 h); the first and the last
-- count what lies in the window. Two events that follow each other within 31 days cover
-- the hours between them; a longer silence is a break in the logs and has no rows, so that
-- one record with a wrong clock does not make a million hours.
-- What has no readable time is in no hour.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   hour_start      TIMESTAMP  start of the hour, UTC
--   deadlock_count  BIGINT     deadlocks in the hour
--
-- Reads: events, _deadlock_records
CREATE OR REPLACE MACRO deadlocks_per_hour(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
WITH neighbours AS (
    SELECT
        max(events.occurred_at) FILTER (WHERE events.occurred_at < since::TIMESTAMP)
            AS last_before,
        min(events.occurred_at) FILTER (WHERE events.occurred_at >= until::TIMESTAMP)
            AS first_after
    FROM events
),

known_hours AS (
    SELECT DISTINCT date_trunc('hour', events.occurred_at) AS hour_start
    FROM events
    WHERE
        events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
    UNION
    SELECT
        date_trunc(
            'hour', unnest([neighbours.last_before, neighbours.first_after])
        ) AS hour_start
    FROM neighbours
),

followed AS (
    SELECT
        known_hours.hour_start,
        lead(known_hours.hour_start) OVER (ORDER BY known_hours.hour_start) AS next_hour
    FROM known_hours
    WHERE known_hours.hour_start IS NOT NULL
),

hours AS (
    SELECT
        unnest(
            CASE
                WHEN followed.next_hour <= followed.hour_start + INTERVAL 31 DAY
                    THEN range(followed.hour_start, followed.next_hour, INTERVAL 1 HOUR)
                ELSE [followed.hour_start]
            END
        ) AS hour_start
    FROM followed
),

counts AS (
    SELECT
        date_trunc('hour', records.occurred_at) AS hour_start,
        count(*) AS deadlock_count
    FROM _deadlock_records(since := since, until := until) AS records
    GROUP BY ALL
)

SELECT
    hours.hour_start,
    coalesce(counts.deadlock_count, 0) AS deadlock_count
FROM hours
LEFT OUTER JOIN counts ON hours.hour_start = counts.hour_start
WHERE
    hours.hour_start >= date_trunc('hour', since::TIMESTAMP)
    AND hours.hour_start < until::TIMESTAMP
ORDER BY hours.hour_start;
