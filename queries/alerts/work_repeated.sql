-- work_repeated: is much more work done again than ever in the time before?
--
-- The fallback of storm_ahead for logs whose records name no causes: retries and
-- redeliveries, and chains that go on and on. The threshold is the highest share of a day
-- without its latest quarter, as repeated_work has it, but never below one in a hundred; it
-- stays as it was for as long as the episode fires. It must last for two windows: what is
-- over within one, as a deployment is, raises the share for less than that. Below 1,000
-- observations in the window and before half a day is known nothing is said.
--
-- Threshold: of the row
-- Severity: warn
-- Window: 10 minutes
-- For: 20
-- Group: kind of repetition
-- Page: storms
-- Evidence: changes_before, explain_difference
-- Runbook: Find out which consumer fails and why: what is repeated comes back because it was
--   refused, timed out or never acknowledged. Cap retries and add a back-off with jitter before
--   adding capacity.
-- Reads: repeated_work
SELECT
    repeated.bucket_start + $minute::INTERVAL AS evaluated_at,
    repeated.kind AS episode_key,
    CASE WHEN repeated.observation_count >= 1000 THEN repeated.ratio_lower END AS value,
    greatest(repeated.highest_ratio, 0.01) AS threshold,
    repeated.meaning AS sentence,
    repeated.repeated_ratio,
    repeated.usual_ratio,
    repeated.observation_count
FROM
    repeated_work(
        since := $since,
        until := $until,
        bucket := $minute,
        span := 10 * $minute::INTERVAL,
        baseline := 1440 * $minute::INTERVAL
    ) AS repeated
WHERE repeated.highest_ratio IS NOT NULL
ORDER BY evaluated_at, episode_key
