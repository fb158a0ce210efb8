-- backlog: do messages come faster than they are handled, and when is the limit reached?
--
-- One row per bucket, stream and consumer that handles what is sent to it, of the span that
-- ends with the bucket; nothing later is looked at. A message is handled when the consumer
-- first processed it, or where processing is not logged, received it. Only streams that the
-- sender and the consumer call by the same name can be told of. The slope is the mean of
-- (sent - handled) per bucket with its standard error: a sum of chances that goes up and down
-- by itself is not taken for a trend.
--
-- Parameters
--   since          TIMESTAMP  first instant included (default: the oldest event)
--   until          TIMESTAMP  first instant excluded (default: the newest event)
--   bucket         INTERVAL   length of a bucket (default: 1 minute)
--   span           INTERVAL   what the slope is taken of, whole buckets (default: 15 minutes)
--   waiting_limit  BIGINT     messages that may wait (default: not known)
--
-- Columns
--   bucket_start    TIMESTAMP  start of the last bucket of the span, UTC
--   stream          VARCHAR    topic, queue or destination
--   consumer        VARCHAR    service that handles it, else node
--   sent_count      BIGINT     messages sent in the span
--   handled_count   BIGINT     messages handled in it
--   waiting_count   BIGINT     sent less handled since a span before `since`: what waited
--                              then already is not known
--   growth_per_min  DOUBLE     messages by which it grows in a minute; negative: it shrinks
--   growth_lower    DOUBLE     it grows by more than this with 95 % confidence; NULL with
--                              fewer than three buckets
--   minutes_left    DOUBLE     at this growth the limit is reached in at most so many
--                              minutes; NULL when growth_lower is not above 0
--   meaning         VARCHAR    the same in a sentence
--
-- Reads: _flow_counts
CREATE OR REPLACE MACRO backlog(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    span := INTERVAL 15 MINUTE,
    waiting_limit := NULL::BIGINT
) AS TABLE
WITH counts AS MATERIALIZED (
    SELECT
        flows.bucket_start,
        flows.stream,
        flows.consumer,
        flows.operation,
        flows.message_count
    FROM _flow_counts(since::TIMESTAMP - span::INTERVAL, until, bucket) AS flows
),

best AS (
    SELECT
        counts.stream,
        counts.consumer,
        min(counts.operation) AS operation
    FROM counts
    WHERE counts.operation <> 'send'
    GROUP BY counts.stream, counts.consumer
),

sent AS (
    SELECT
        counts.stream,
        counts.bucket_start,
        counts.message_count
    FROM counts
    WHERE counts.operation = 'send'
),

handled AS (
    SELECT
        counts.stream,
        counts.consumer,
        counts.bucket_start,
        counts.message_count
    FROM counts
    INNER JOIN best
        ON
            counts.stream = best.stream
            AND counts.consumer IS NOT DISTINCT FROM best.consumer
            AND counts.operation = best.operation
),

log_end AS (
    SELECT max(counts.bucket_start) AS last_at
    FROM counts
),

begun AS (
    SELECT
        sent.stream,
        min(sent.bucket_start) AS first_bucket
    FROM sent
    GROUP BY sent.stream
),

grid AS (
    SELECT
        best.stream,
        best.consumer,
        unnest(
            generate_series(begun.first_bucket, log_end.last_at, bucket::INTERVAL)
        ) AS bucket_start
    FROM best
    INNER JOIN begun ON best.stream = begun.stream
    CROSS JOIN log_end
),

flows AS (
    SELECT
        grid.bucket_start,
        grid.stream,
        grid.consumer,
        coalesce(sent.message_count, 0) AS sent_count,
        coalesce(handled.message_count, 0) AS handled_count
    FROM grid
    LEFT OUTER JOIN sent
        ON grid.stream = sent.stream AND grid.bucket_start = sent.bucket_start
    LEFT OUTER JOIN handled
        ON
            grid.stream = handled.stream
            AND grid.consumer IS NOT DISTINCT FROM handled.consumer
            AND grid.bucket_start = handled.bucket_start
),

slopes AS (
    SELECT
        flows.bucket_start,
        flows.stream,
        flows.consumer,
        sum(flows.sent_count) OVER latest AS sent_count,
        sum(flows.handled_count) OVER latest AS handled_count,
        sum(flows.sent_count - flows.handled_count) OVER so_far AS waiting_count,
        avg(flows.sent_count - flows.handled_count) OVER latest AS growth,
        CASE WHEN count(*) OVER latest >= 3
            THEN
                1.645 * stddev_samp(flows.sent_count - flows.handled_count) OVER latest
                / sqrt(count(*) OVER latest)
        END AS half_width,
        epoch(bucket::INTERVAL) / 60 AS bucket_min
    FROM flows
    WINDOW
        so_far AS (
            PARTITION BY flows.stream, flows.consumer
            ORDER BY flows.bucket_start
        ),
        latest AS (
            PARTITION BY flows.stream, flows.consumer
            ORDER BY flows.bucket_start
            RANGE BETWEEN -- noqa: PRS
            span::INTERVAL - bucket::INTERVAL PRECEDING AND CURRENT ROW
        )
)

SELECT
    slopes.bucket_start,
    slopes.stream,
    slopes.consumer,
    slopes.sent_count::BIGINT AS sent_count,
    slopes.handled_count::BIGINT AS handled_count,
    slopes.waiting_count::BIGINT AS waiting_count,
    slopes.growth / slopes.bucket_min AS growth_per_min,
    (slopes.growth - slopes.half_width) / slopes.bucket_min AS growth_lower,
    CASE WHEN slopes.growth > slopes.half_width
        THEN
            greatest(waiting_limit::BIGINT - slopes.waiting_count, 0)
            * slopes.bucket_min / (slopes.growth - slopes.half_width)
    END AS minutes_left,
    CASE
        WHEN slopes.growth > slopes.half_width
            THEN format(
                'the backlog of {} grows by {:.0f} a minute (at least {:.0f})',
                slopes.stream,
                slopes.growth / slopes.bucket_min,
                (slopes.growth - slopes.half_width) / slopes.bucket_min
            )
        ELSE format('the backlog of {} does not grow', slopes.stream)
    END AS meaning
FROM slopes
WHERE slopes.bucket_start >= time_bucket(bucket::INTERVAL, since::TIMESTAMP)
ORDER BY slopes.bucket_start, slopes.stream, slopes.consumer;
