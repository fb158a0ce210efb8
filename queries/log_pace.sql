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
-- Reads: events, _rate_counts
CREATE OR REPLACE MACRO log_pace(newest) AS TABLE
WITH recent AS (
    SELECT epoch_us(newest::TIMESTAMP) - epoch_us(events.occurred_at) AS age_us
    FROM events
    WHERE
        events.occurred_at > newest::TIMESTAMP - INTERVAL 5 MINUTE
        AND events.occurred_at <= newest::TIMESTAMP
),

steps AS (
    SELECT
        CASE
            WHEN recent.age_us < 15000000 THEN 15
            WHEN recent.age_us < 30000000 THEN 30
            WHEN recent.age_us < 60000000 THEN 60
            WHEN recent.age_us < 120000000 THEN 120
            ELSE 300
        END AS span_s,
        count(*) AS event_count
    FROM recent
    GROUP BY span_s
),

short_spans AS (
    SELECT unnest([15, 30, 60, 120, 300]) AS span_s
)

SELECT
    short_spans.span_s,
    coalesce(
        sum(steps.event_count) OVER (ORDER BY short_spans.span_s), 0
    )::BIGINT AS event_count
FROM short_spans
LEFT OUTER JOIN steps ON short_spans.span_s = steps.span_s
UNION ALL
SELECT
    900 AS span_s,
    coalesce(sum(counts.event_count), 0)::BIGINT AS event_count
FROM
    _rate_counts(
        newest::TIMESTAMP - INTERVAL 899999999 MICROSECOND,
        newest::TIMESTAMP + INTERVAL 1 MICROSECOND,
        INTERVAL 1 MINUTE
    ) AS counts
UNION ALL
SELECT
    3600 AS span_s,
    coalesce(sum(counts.event_count), 0)::BIGINT AS event_count
FROM
    _rate_counts(
        newest::TIMESTAMP - INTERVAL 3599999999 MICROSECOND,
        newest::TIMESTAMP + INTERVAL 1 MICROSECOND,
        INTERVAL 1 MINUTE
    ) AS counts
ORDER BY span_s;
