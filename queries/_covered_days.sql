-- _covered_days: which days do the logs tell of, and how much?
--
-- Rows that add up, several a day; unordered. From what is kept with the events; where nothing
-- is, from the events themselves.
--
-- Columns
--   day_start          TIMESTAMP  the day, UTC; NULL of events without a readable time
--   first_at           TIMESTAMP  oldest event
--   first_credible_at  TIMESTAMP  oldest event that does not claim to have happened more than 5
--                                 minutes after it was read; NULL without any
--   last_credible_at   TIMESTAMP  newest of these; NULL without any
--   event_count        BIGINT     observations
--   credible_count     BIGINT     of these, credible
--
-- Reads: covered_days, events
CREATE OR REPLACE VIEW _covered_days AS
SELECT
    covered.day_start,
    covered.first_at,
    covered.first_credible_at,
    covered.last_credible_at,
    covered.event_count,
    covered.credible_count
FROM covered_days AS covered
UNION ALL
SELECT
    date_trunc('day', events.occurred_at) AS day_start,
    min(events.occurred_at) AS first_at,
    min(events.occurred_at) FILTER (
        WHERE events.occurred_at <= events.ingested_at + INTERVAL 5 MINUTE
    ) AS first_credible_at,
    max(events.occurred_at) FILTER (
        WHERE events.occurred_at <= events.ingested_at + INTERVAL 5 MINUTE
    ) AS last_credible_at,
    count(*) AS event_count,
    count(*) FILTER (
        WHERE events.occurred_at <= events.ingested_at + INTERVAL 5 MINUTE
    ) AS credible_count
FROM events
WHERE (SELECT count(*) = 0 FROM covered_days)
GROUP BY ALL;
