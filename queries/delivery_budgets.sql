-- delivery_budgets: how fast do reorderings and duplicates use up what is allowed of them?
--
-- One row per bucket with numbered arrivals, consumer, stream and fault, of the spans that end
-- with the bucket; nothing later is looked at. A burn of 1 uses the budget of a month up in a
-- month, one of 14.4 two per cent of it in an hour. Both a long span and a short one must burn,
-- so that it is serious and still going on: page at 14.4 over 1 hour and 5 minutes, warn at
-- 6 over 6 hours and 30 minutes; calm else. NULL: with fewer than 200 arrivals in the long
-- span it cannot be told.
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
--   meaning        VARCHAR    the same in a sentence
--
-- Source: The Site Reliability Workbook, chapter 5 (multiwindow, multi-burn-rate alerts).
-- Reads: _fault_counts
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
            list_transform(
                [
                    faults.fault_count / faults.arrival_count,
                    sum(faults.fault_count) OVER half_hour
                    / sum(faults.arrival_count) OVER half_hour,
                    sum(faults.fault_count) OVER one_hour
                    / sum(faults.arrival_count) OVER one_hour,
                    sum(faults.fault_count) OVER six_hours
                    / sum(faults.arrival_count) OVER six_hours
                ],
                LAMBDA ratio: ratio / allowed_ratio::DOUBLE
            )
        ) AS burn,
        sum(faults.arrival_count) OVER one_hour AS in_one_hour,
        sum(faults.arrival_count) OVER six_hours AS in_six_hours
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

burns AS (
    SELECT
        spans.bucket_start,
        spans.consumer,
        spans.stream,
        spans.fault,
        any_value(spans.in_one_hour) AS in_one_hour,
        any_value(spans.in_six_hours) AS in_six_hours,
        max(spans.burn) FILTER (WHERE spans.span_min = 5) AS burn_5min,
        max(spans.burn) FILTER (WHERE spans.span_min = 30) AS burn_30min,
        max(spans.burn) FILTER (WHERE spans.span_min = 60) AS burn_1h,
        max(spans.burn) FILTER (WHERE spans.span_min = 360) AS burn_6h
    FROM spans
    GROUP BY spans.bucket_start, spans.consumer, spans.stream, spans.fault
)

SELECT
    burns.bucket_start,
    burns.consumer,
    burns.stream,
    burns.fault,
    CASE
        WHEN
            burns.in_one_hour >= 200 AND burns.burn_1h >= 14.4 AND burns.burn_5min >= 14.4
            THEN 'page'
        WHEN
            burns.in_six_hours >= 200 AND burns.burn_6h >= 6 AND burns.burn_30min >= 6
            THEN 'warn'
        WHEN burns.in_six_hours >= 200 THEN 'calm'
    END AS level,
    burns.burn_5min,
    burns.burn_30min,
    burns.burn_1h,
    burns.burn_6h,
    format(
        '{} of {}: the last hour used up {:.1f} % of what is allowed in 30 days',
        burns.fault,
        coalesce(burns.stream, 'no stream'),
        burns.burn_1h * 100 / 720
    ) AS meaning
FROM burns
WHERE burns.bucket_start >= time_bucket(INTERVAL 5 MINUTE, since::TIMESTAMP)
ORDER BY burns.bucket_start, burns.consumer, burns.stream, burns.fault;
