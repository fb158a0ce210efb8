-- delivery_budget_burning: are many more events late or duplicate than is allowed?
--
-- How many times faster than allowed (1 in 1,000 arrivals) the budget of 30 days is used up:
-- from 6 in both of the last 6 hours and 30 minutes, from 14.4 in both of the last hour and
-- 5 minutes, as delivery_budgets has it: with ten faults at least, and as if nothing had been
-- wrong before the log began. Its windows do not scale with the pace of the log.
--
-- Threshold: 6, 14.4
-- Severity: warn, page
-- Window: 6 hours
-- Every: 5 minutes
-- For: 1
-- Group: fault, consumer and stream
-- Page: ordering
-- Evidence: changes_before, explain_difference
-- Runbook: See on the page where order is lost: producer, partition, consumer, retry or clock. A
--   step since a change points to the change. Whatever handles these events must be able to take
--   them late and twice until it is repaired.
-- Reads: delivery_budgets
SELECT
    burning.fault || ' ' || coalesce(burning.stream, 'no stream')
    || ' -> ' || coalesce(burning.consumer, 'no name') AS episode_key,
    CASE
        WHEN burning.level IS NULL THEN NULL
        WHEN burning.level = 'page' THEN least(burning.used_1h * 720, burning.burn_5min)
        -- The slow pair of windows alone makes no page.
        ELSE least(coalesce(burning.used_6h, 0) * 120, burning.burn_30min, 14.3)
    END AS value,
    burning.meaning AS sentence,
    burning.fault,
    burning.consumer,
    burning.stream,
    burning.burn_5min,
    burning.burn_30min,
    burning.burn_1h,
    burning.burn_6h,
    burning.used_1h,
    burning.used_6h
FROM
    delivery_budgets(since := $until::TIMESTAMP - INTERVAL 5 MINUTE, until := $until)
        AS burning
ORDER BY episode_key
