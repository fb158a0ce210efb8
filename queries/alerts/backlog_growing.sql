-- backlog_growing: does a consumer fall behind what it is sent?
--
-- The share of what was sent that is surely (95 %) not handled in time, over the window:
-- at 0.1 one message in ten is left over, at 0.5 every second one. A burst that is worked
-- off does not count, as its growth is not sure. Nothing is said of fewer than 100 messages.
--
-- Threshold: 0.1, 0.5
-- Severity: warn, page
-- Window: 15 minutes
-- For: 5
-- Group: stream and consumer
-- Page: storms
-- Evidence: changes_before, explain_difference
-- Runbook: Compare what is sent with what the consumer handles. If the sender sends more, find out
--   who makes it send; if the consumer handles less, look for locks, a slow dependency or a stopped
--   instance. What waits is not lost, but it will come all at once.
-- Reads: backlog
SELECT
    waiting.bucket_start + $minute::INTERVAL AS evaluated_at,
    waiting.stream || ' -> ' || coalesce(waiting.consumer, 'no name') AS episode_key,
    CASE
        WHEN waiting.sent_count >= 100
            THEN
                greatest(
                    waiting.growth_lower * 15 * epoch($minute::INTERVAL) / 60
                    / waiting.sent_count,
                    0
                )
    END AS value,
    waiting.meaning AS sentence,
    waiting.stream,
    waiting.consumer,
    waiting.sent_count,
    waiting.handled_count,
    waiting.growth_per_min
FROM
    backlog(
        -- Four windows before, so that each bucket is judged by all of its own.
        since := $since::TIMESTAMP - 60 * $minute::INTERVAL,
        until := $until,
        bucket := $minute,
        span := 15 * $minute::INTERVAL
    ) AS waiting
WHERE waiting.bucket_start >= $since::TIMESTAMP
ORDER BY evaluated_at, episode_key
