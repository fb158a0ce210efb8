-- log_silent: did a service stop writing its log?
--
-- Minutes by the wall clock since the last record of a service was read, against three times its
-- longest silence of the hour before, and 5 minutes at least; of services that wrote in 10
-- minutes of that hour. When all of them are silent it is the log as a whole. Silence is
-- counted from when the process began to watch.
--
-- Threshold: of the row
-- Severity: warn
-- Window: 1 hour
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
        max(events.ingested_at) AS last_at
    FROM events
    WHERE
        events.ingested_at >= $until::TIMESTAMP - INTERVAL 1 HOUR
        AND events.ingested_at < $until::TIMESTAMP
    GROUP BY ALL
),

gaps_between AS (
    SELECT
        read_in.service,
        read_in.last_at,
        read_in.minute_start - lag(read_in.minute_start) OVER (
            PARTITION BY read_in.service ORDER BY read_in.minute_start
        ) AS gap
    FROM read_in
),

services AS (
    SELECT
        gaps_between.service,
        date_diff(
            'second',
            greatest(max(gaps_between.last_at), $watching_since::TIMESTAMP),
            $until::TIMESTAMP
        ) / 60 AS silent_min,
        greatest(3 * epoch(max(gaps_between.gap)) / 60, 5) AS allowed_min
    FROM gaps_between
    GROUP BY gaps_between.service
    HAVING count(*) >= 10
),

judged AS (
    SELECT
        services.service,
        services.silent_min,
        services.allowed_min,
        bool_and(services.silent_min >= services.allowed_min) OVER () AS is_all
    FROM services
)

SELECT
    judged.service AS episode_key,
    judged.silent_min AS value,
    judged.allowed_min AS threshold,
    format('{} has been silent for {:.0f} minutes', judged.service, judged.silent_min)
        AS sentence
FROM judged
WHERE NOT judged.is_all
UNION ALL
SELECT
    'all logs' AS episode_key,
    min(judged.silent_min) AS value,
    max(CASE WHEN judged.is_all THEN judged.allowed_min ELSE greatest(judged.allowed_min, 60) END)
        AS threshold,
    format('nothing has been logged for {:.0f} minutes', min(judged.silent_min)) AS sentence
FROM judged
HAVING count(*) > 0
ORDER BY episode_key
