-- log_pace: how many events lie in the last seconds, minutes and hour before an instant?
--
-- One row per span that ends with the instant, the shortest first. From this a window is chosen
-- that can be looked at quickly, however busy the log is.
--
-- Parameters
--   newest  TIMESTAMP  last instant included
--
-- Columns
--   span_s       INTEGER  how far back from the instant, in seconds
--   event_count  BIGINT   observations in it
--
-- Reads: events
CREATE OR REPLACE MACRO log_pace(newest) AS TABLE
WITH recent AS (
    SELECT epoch_us(newest::TIMESTAMP) - epoch_us(events.occurred_at) AS age_us
    FROM events
    WHERE
        events.occurred_at > newest::TIMESTAMP - INTERVAL 1 HOUR
        AND events.occurred_at <= newest::TIMESTAMP
),

steps AS (
    SELECT
        CASE
            WHEN recent.age_us < 15000000 THEN 15
            WHEN recent.age_us < 30000000 THEN 30
            WHEN recent.age_us < 60000000 THEN 60
            WHEN recent.age_us < 120000000 THEN 120
            WHEN recent.age_us < 300000000 THEN 300
            WHEN recent.age_us < 900000000 THEN 900
            ELSE 3600
        END AS span_s,
        count(*) AS event_count
    FROM recent
    GROUP BY span_s
),

spans AS (
    SELECT unnest([15, 30, 60, 120, 300, 900, 3600]) AS span_s
)

SELECT
    spans.span_s,
    coalesce(
        sum(steps.event_count) OVER (ORDER BY spans.span_s), 0
    )::BIGINT AS event_count
FROM spans
LEFT OUTER JOIN steps ON spans.span_s = steps.span_s
ORDER BY spans.span_s;
