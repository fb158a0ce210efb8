-- delivery_budgets: how fast do reorderings and duplicates use up what is allowed of them?
--
-- One row per bucket with numbered arrivals, consumer, stream and fault, of the spans that end
-- with the bucket; nothing later is looked at. A burn of 1 uses the budget of a month up in a
-- month, one of 14.4 two per cent of it in an hour. Both a long span and a short one must burn,
-- so that it is serious and still going on: page where an hour used up 2 % of the budget and
-- 5 minutes burn at 14.4, warn where 6 hours used up 5 % and 30 minutes burn at 6; calm else.
-- What lies before the first event of the log used up nothing, so that a log of minutes has to
-- burn as much as one of hours; fewer than 10 faults in the long span may be chance. NULL: with
-- fewer than 200 arrivals in the long span it cannot be told.
--
-- Parameters
--   since          TIMESTAMP  first instant included (default: the oldest event)
--   until          TIMESTAMP  first instant excluded (default: the newest event)
--   allowed_ratio  DOUBLE     share of arrivals that may be at fault (default: 0.001)
--
-- Columns
--   bucket_start   TIMESTAMP  start of the last 5 minutes of the spans, UTC
--   consumer       VARCHAR    service they arrived at, else node
--   stream         VARCHAR    topic, queue or destination
--   fault          VARCHAR    reordered or duplicate
--   level          VARCHAR    calm, warn or page; NULL when it cannot be told
--   burn_5min      DOUBLE     share at fault over allowed_ratio, in 5 minutes
--   burn_30min     DOUBLE     in 30 minutes
--   burn_1h        DOUBLE     in an hour
--   burn_6h        DOUBLE     in 6 hours
--   used_1h        DOUBLE     share of the budget of 30 days that an hour used up; NULL with
--                             fewer than 10 faults
--   used_6h        DOUBLE     that 6 hours used up, likewise
--   meaning        VARCHAR    the same in a sentence
--
-- Source: The Site Reliability Workbook, chapter 5 (multiwindow, multi-burn-rate alerts).
-- Reads: _fault_counts, _covered_days
CREATE OR REPLACE MACRO delivery_budgets(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    allowed_ratio := 0.001
) AS TABLE
WITH counts AS MATERIALIZED (
    SELECT
        found.bucket_start,
        found.consumer,
        found.stream,
        found.arrival_count,
        found.reordered_count,
        found.duplicate_count
    FROM _fault_counts(since::TIMESTAMP - INTERVAL 6 HOUR, until) AS found
),

faults AS (
    SELECT
        counts.bucket_start,
        counts.consumer,
        counts.stream,
        'reordered' AS fault,
        counts.arrival_count,
        counts.reordered_count AS fault_count
    FROM counts
    UNION ALL
    SELECT
        counts.bucket_start,
        counts.consumer,
        counts.stream,
        'duplicate' AS fault,
        counts.arrival_count,
        counts.duplicate_count AS fault_count
    FROM counts
),

spans AS (
    SELECT
        faults.bucket_start,
        faults.consumer,
        faults.stream,
        faults.fault,
        unnest([5, 30, 60, 360]) AS span_min,
        unnest(
            [
                faults.fault_count,
                sum(faults.fault_count) OVER half_hour,
                sum(faults.fault_count) OVER one_hour,
                sum(faults.fault_count) OVER six_hours
            ]
        ) AS fault_count,
        unnest(
            [
                faults.arrival_count,
                sum(faults.arrival_count) OVER half_hour,
                sum(faults.arrival_count) OVER one_hour,
                sum(faults.arrival_count) OVER six_hours
            ]
        ) AS arrival_count
    FROM faults
    WINDOW
        half_hour AS (
            PARTITION BY faults.consumer, faults.stream, faults.fault
            ORDER BY faults.bucket_start
            RANGE BETWEEN INTERVAL 25 MINUTE PRECEDING AND CURRENT ROW
        ),
        one_hour AS (
            PARTITION BY faults.consumer, faults.stream, faults.fault
            ORDER BY faults.bucket_start
            RANGE BETWEEN INTERVAL 55 MINUTE PRECEDING AND CURRENT ROW
        ),
        six_hours AS (
            PARTITION BY faults.consumer, faults.stream, faults.fault
            ORDER BY faults.bucket_start
            RANGE BETWEEN INTERVAL 355 MINUTE PRECEDING AND CURRENT ROW
        )
),

began AS (
    SELECT min(days.first_at) AS first_at
    FROM _covered_days AS days
),

burned AS (
    SELECT
        spans.bucket_start,
        spans.consumer,
        spans.stream,
        spans.fault,
        spans.span_min,
        spans.fault_count,
        spans.arrival_count,
        spans.fault_count / spans.arrival_count / allowed_ratio::DOUBLE AS burn,
        burn
        * least(
            epoch(spans.bucket_start + INTERVAL 5 MINUTE - began.first_at) / 60,
            spans.span_min
        )
        / 43200 AS used
    FROM spans
    CROSS JOIN began
),

burns AS (
    SELECT
        burned.bucket_start,
        burned.consumer,
        burned.stream,
        burned.fault,
        max(burned.arrival_count) FILTER (WHERE burned.span_min = 60) AS in_one_hour,
        max(burned.arrival_count) FILTER (WHERE burned.span_min = 360) AS in_six_hours,
        max(burned.burn) FILTER (WHERE burned.span_min = 5) AS burn_5min,
        max(burned.burn) FILTER (WHERE burned.span_min = 30) AS burn_30min,
        max(burned.burn) FILTER (WHERE burned.span_min = 60) AS burn_1h,
        max(burned.burn) FILTER (WHERE burned.span_min = 360) AS burn_6h,
        max(burned.used) FILTER (WHERE burned.span_min = 60) AS used,
        max(burned.used) FILTER (WHERE burned.span_min = 60 AND burned.fault_count >= 10)
            AS used_1h,
        max(burned.used) FILTER (WHERE burned.span_min = 360 AND burned.fault_count >= 10)
            AS used_6h
    FROM burned
    GROUP BY burned.bucket_start, burned.consumer, burned.stream, burned.fault
)

SELECT
    burns.bucket_start,
    burns.consumer,
    burns.stream,
    burns.fault,
    CASE
        WHEN
            burns.in_one_hour >= 200 AND burns.used_1h >= 0.02 AND burns.burn_5min >= 14.4
            THEN 'page'
        WHEN
            burns.in_six_hours >= 200 AND burns.used_6h >= 0.05 AND burns.burn_30min >= 6
            THEN 'warn'
        WHEN burns.in_six_hours >= 200 THEN 'calm'
    END AS level,
    burns.burn_5min,
    burns.burn_30min,
    burns.burn_1h,
    burns.burn_6h,
    burns.used_1h,
    burns.used_6h,
    format(
        '{} of {}: the last hour used up {:.1f} % of what is allowed in 30 days',
        burns.fault,
        coalesce(burns.stream, 'no stream'),
        burns.used * 100
    ) AS meaning
FROM burns
WHERE burns.bucket_start >= time_bucket(INTERVAL 5 MINUTE, since::TIMESTAMP)
ORDER BY burns.bucket_start, burns.consumer, burns.stream, burns.fault;
