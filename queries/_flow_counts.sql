-- _flow_counts: how many messages were sent and handled over time, by stream and consumer?
--
-- One row per bucket, stream, consumer and operation; unordered. A message counts when it was
-- first observed so. Taken from what is kept per minute where that can answer, else from the
-- events.
--
-- Parameters
--   since   TIMESTAMP  first instant included
--   until   TIMESTAMP  first instant excluded
--   bucket  INTERVAL   length of a bucket
--
-- Columns
--   bucket_start   TIMESTAMP  start of the bucket, UTC
--   stream         VARCHAR    topic, queue or destination
--   consumer       VARCHAR    service, else node; NULL of what is sent
--   operation      VARCHAR    send, receive or process
--   message_count  HUGEINT    messages
--
-- Reads: _kept_minutes, minute_flows, events
CREATE OR REPLACE MACRO _flow_counts(since, until, bucket) AS TABLE
WITH edges AS MATERIALIZED (
    SELECT
        minutes.has_effects AS is_kept,
        minutes.since_no,
        minutes.until_no
    FROM _kept_minutes(since, until, bucket) AS minutes
),

observed AS (
    SELECT
        events.stream,
        CASE WHEN events.operation <> 'send' THEN coalesce(events.service, events.node) END
            AS consumer,
        events.operation,
        coalesce(events.message_id, events.event_id) AS copy_id,
        min(events.occurred_at) AS first_at
    FROM events
    WHERE
        events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
        AND events.operation IN ('send', 'receive', 'process')
        AND events.stream IS NOT NULL
        AND (SELECT NOT edges.is_kept FROM edges)
    GROUP BY ALL
)

SELECT
    time_bucket(bucket::INTERVAL, make_timestamp(kept.minute_no * 60000000)) AS bucket_start,
    kept.stream,
    kept.consumer,
    kept.operation,
    sum(kept.message_count) AS message_count
FROM minute_flows AS kept
INNER JOIN edges
    ON kept.minute_no >= edges.since_no AND kept.minute_no < edges.until_no
WHERE edges.is_kept
GROUP BY ALL
UNION ALL
SELECT
    time_bucket(bucket::INTERVAL, observed.first_at) AS bucket_start,
    observed.stream,
    observed.consumer,
    observed.operation,
    count(*) AS message_count
FROM observed
GROUP BY ALL;
