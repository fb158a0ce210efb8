-- log_silent: did a service stop writing its log?
--
-- Minutes by the wall clock since the last record of a service was read, against three times its
-- longest silence of the two hours before, and 5 minutes at least. Judged are services that
-- wrote in nine of ten spans of 5 minutes of those two hours, and that did not pause for as
-- long at this time of the day before. When all of them are silent it is the log as a whole,
-- which goes on until something is logged. A service that is silent for three hours while
-- others write is taken for gone. Silence is counted from when the process began to watch.
--
-- Threshold: of the row
-- Severity: warn
-- Window: 2 hours
-- For: 1
-- Clear: 0.9 for 0 minutes
-- Clock: wall
-- Group: service
-- Page: health
-- Evidence:
-- Runbook: Find out whether the service died or only its log: a full disk, a rotation nobody
--   followed, a changed path. A storm that ends in silence is a crash and no recovery.
-- Reads: events
WITH read_in AS (
    SELECT
        coalesce(events.service, events.node, 'no name') AS service,
        time_bucket(INTERVAL 1 MINUTE, events.ingested_at) AS minute_start,
        max(events.ingested_at) AS read_at
    FROM events
    WHERE
        events.ingested_at >= $until::TIMESTAMP - INTERVAL 5 HOUR
        AND events.ingested_at < $until::TIMESTAMP
    GROUP BY ALL
),

gaps_between AS (
    SELECT
        read_in.service,
        read_in.minute_start,
        max(read_in.read_at) OVER (PARTITION BY read_in.service) AS last_at,
        read_in.minute_start - lag(read_in.minute_start) OVER (
            PARTITION BY read_in.service ORDER BY read_in.minute_start
        ) AS gap
    FROM read_in
),

services AS (
    SELECT
        gaps_between.service,
        gaps_between.last_at,
        date_diff('second', gaps_between.last_at, $until::TIMESTAMP) / 60 AS unread_min,
        date_diff(
            'second',
            greatest(gaps_between.last_at, $watching_since::TIMESTAMP),
            $until::TIMESTAMP
        ) / 60 AS silent_min,
        greatest(coalesce(3 * epoch(max(gaps_between.gap)) / 60, 5), 5) AS allowed_min,
        count(
            DISTINCT date_diff('minute', gaps_between.minute_start, gaps_between.last_at) // 5
        ) >= 0.9 * 24 AS is_steady
    FROM gaps_between
    WHERE gaps_between.minute_start > gaps_between.last_at - INTERVAL 2 HOUR
    GROUP BY gaps_between.service, gaps_between.last_at
),

stopped AS (
    SELECT
        services.service,
        services.last_at,
        services.allowed_min
    FROM services
    WHERE services.is_steady AND services.silent_min >= services.allowed_min
),

day_before AS (
    SELECT
        stopped.service,
        stopped.allowed_min,
        time_bucket(INTERVAL 1 MINUTE, events.ingested_at) AS minute_start
    FROM events
    INNER JOIN stopped ON coalesce(events.service, events.node, 'no name') = stopped.service
    WHERE
        events.ingested_at >= $until::TIMESTAMP - INTERVAL 29 HOUR
        AND events.ingested_at < $until::TIMESTAMP - INTERVAL 23 HOUR
        AND events.ingested_at >= stopped.last_at - INTERVAL 25 HOUR
    GROUP BY ALL
),

pauses AS (
    SELECT
        day_before.service,
        day_before.allowed_min,
        lead(day_before.minute_start, 1, $until::TIMESTAMP - INTERVAL 23 HOUR) OVER (
            PARTITION BY day_before.service ORDER BY day_before.minute_start
        ) - day_before.minute_start AS pause
    FROM day_before
),

usual AS (
    SELECT DISTINCT pauses.service
    FROM pauses
    WHERE epoch(pauses.pause) / 60 >= pauses.allowed_min
),

judged AS (
    SELECT
        services.service,
        services.unread_min,
        services.silent_min,
        services.allowed_min,
        services.is_steady AND usual.service IS NULL AS is_expected,
        coalesce(
            bool_and(services.silent_min >= services.allowed_min)
                FILTER (WHERE services.is_steady AND usual.service IS NULL) OVER (),
            FALSE
        )
        AND min(services.silent_min) OVER () >= 5 AS is_all,
        min(services.unread_min) OVER () < 60 AS is_any_written,
        services.unread_min >= 180 AND min(services.unread_min) OVER () < 60 AS is_gone
    FROM services
    LEFT OUTER JOIN usual ON services.service = usual.service
),

open_ones AS (
    SELECT unnest($open_members::VARCHAR[]) AS service
)

SELECT
    judged.service AS episode_key,
    CASE
        WHEN judged.is_gone THEN 0
        -- Nobody watched while it may have written: not known yet.
        WHEN judged.silent_min >= judged.allowed_min OR judged.unread_min < judged.allowed_min
            THEN judged.silent_min
    END AS value,
    judged.allowed_min AS threshold,
    format('{} has been silent for {:.0f} minutes', judged.service, judged.silent_min)
        AS sentence,
    CASE WHEN judged.is_gone THEN 'silent for three hours, it is taken for gone' END AS ending
FROM judged
WHERE
    NOT judged.is_all
    AND (judged.is_expected OR list_contains($open_members::VARCHAR[], judged.service))
UNION ALL
SELECT
    open_ones.service AS episode_key,
    0 AS value,
    5 AS threshold,
    open_ones.service AS sentence,
    'silent for three hours, it is taken for gone' AS ending
FROM open_ones
WHERE
    open_ones.service <> 'all logs'
    AND open_ones.service NOT IN (SELECT services.service FROM services)
    AND (SELECT bool_or(judged.is_any_written) FROM judged)
UNION ALL
SELECT
    'all logs' AS episode_key,
    CASE WHEN bool_or(judged.is_all) OR min(judged.unread_min) < 5 THEN min(judged.silent_min) END
        AS value,
    max(CASE WHEN judged.is_all THEN judged.allowed_min ELSE greatest(judged.allowed_min, 60) END)
        AS threshold,
    format('nothing has been logged for {:.0f} minutes', min(judged.silent_min)) AS sentence,
    NULL AS ending
FROM judged
HAVING
    bool_or(judged.is_all)
    OR list_contains($open_members::VARCHAR[], 'all logs')
ORDER BY episode_key
