-- deadlock_surge: are more deadlocks reported than chance explains?
--
-- Deadlocks of the hour that runs, or of the one before when those were more. It is a surge
-- when chance has so many less than once a week, by the Poisson or negative binomial
-- distribution of the last 7 days, as deadlock_surges has it: of 12 an hour, 23. What first
-- stood out stays the threshold while it fires. With less than a day before nothing is said.
-- By its definition chance alone makes about one false alarm a week: 0.8 at 12 an hour.
--
-- Threshold: of the row
-- Severity: warn
-- Window: 1 hour
-- Every: 5 minutes
-- For: 1
-- Group: all deadlocks
-- Page: deadlocks
-- Evidence: changes_before, explain_difference
-- Runbook: See which kinds of deadlock became more and since when. Two transactions that take the
--   same locks in opposite orders are cured by one order for both, retries only hide them.
-- Reads: deadlock_surges
SELECT
    'deadlocks' AS episode_key,
    max(hours.deadlock_count)::DOUBLE AS value,
    min(hours.deadlock_count) FILTER (WHERE hours.is_surge)::DOUBLE AS threshold,
    arg_max(hours.meaning, (hours.deadlock_count, hours.hour_start)) AS sentence,
    'deadlock' AS fault,
    arg_max(hours.usual_count, (hours.deadlock_count, hours.hour_start)) AS usual_count,
    arg_max(hours.probability, (hours.deadlock_count, hours.hour_start)) AS probability
FROM
    deadlock_surges(
        since := date_trunc('hour', $until::TIMESTAMP - INTERVAL 1 MICROSECOND)
        - INTERVAL 1 HOUR,
        until := $until
    ) AS hours
HAVING count(*) > 0
