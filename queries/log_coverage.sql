-- log_coverage: from when to when does the log reach?
--
-- One row, always. An event that claims to have happened more than 5 minutes after it was read
-- has a wrong clock: it is counted, but does not stretch the coverage into the future.
--
-- Columns
--   first_at       TIMESTAMP  oldest event, UTC; NULL without events that have a time
--   last_at        TIMESTAMP  newest event with a credible time, UTC; NULL likewise
--   event_count    BIGINT     rows of events
--   future_count   BIGINT     events whose time lies in the future of their reading
--   untimed_count  BIGINT     events without a readable time, which are in no window
--   reject_count   BIGINT     rows in quarantine, which have no time to be covered
--
-- Reads: events, rejects
CREATE OR REPLACE VIEW log_coverage AS
SELECT
    min(events.occurred_at) AS first_at,
    max(events.occurred_at) FILTER (
        WHERE events.occurred_at <= events.ingested_at + INTERVAL 5 MINUTE
    ) AS last_at,
    count(*) AS event_count,
    count(*) FILTER (
        WHERE events.occurred_at > events.ingested_at + INTERVAL 5 MINUTE
    ) AS future_count,
    count(*) FILTER (WHERE events.occurred_at IS NULL) AS untimed_count,
    (SELECT count(*) FROM rejects) AS reject_count
FROM events
ORDER BY event_count;
