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
-- Reads: _covered_days, rejects
CREATE OR REPLACE VIEW log_coverage AS
SELECT
    min(days.first_at) AS first_at,
    max(days.last_credible_at) AS last_at,
    coalesce(sum(days.event_count), 0)::BIGINT AS event_count,
    coalesce(
        sum(days.event_count - days.credible_count) FILTER (WHERE days.day_start IS NOT NULL),
        0
    )::BIGINT AS future_count,
    coalesce(sum(days.event_count) FILTER (WHERE days.day_start IS NULL), 0)::BIGINT
        AS untimed_count,
    (SELECT count(*) FROM rejects) AS reject_count
FROM _covered_days AS days
ORDER BY event_count;
