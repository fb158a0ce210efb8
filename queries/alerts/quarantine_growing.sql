-- quarantine_growing: are many log lines not understood?
--
-- The share of rejected records of what was read in the last 15 minutes by the wall clock;
-- nothing is said of fewer than 100 records.
--
-- Threshold: 0.05, 0.5
-- Severity: watch, warn
-- Window: 15 minutes
-- For: 3
-- Clock: wall
-- Group: all files
-- Page: health
-- Evidence:
-- Runbook: `stormwatch rejects --reasons` says what is not understood and what helps. Every other
--   alert is only as good as what was read.
-- Reads: ingest_rate
SELECT
    'quarantine' AS episode_key,
    CASE
        WHEN sum(rates.event_count + rates.reject_count) >= 100
            THEN sum(rates.reject_count) / sum(rates.event_count + rates.reject_count)
    END AS value,
    format(
        '{} of {} records of the last 15 minutes were not understood',
        sum(rates.reject_count),
        sum(rates.event_count + rates.reject_count)
    ) AS sentence
FROM
    ingest_rate(since := $until::TIMESTAMP - INTERVAL 15 MINUTE, until := $until) AS rates
HAVING count(*) > 0
