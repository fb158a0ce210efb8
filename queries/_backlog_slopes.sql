-- _backlog_slopes: how much more is sent than is handled, in every span?
--
-- One row per bucket, stream and consumer that handles what is sent to it, of the span that
-- ends with the bucket; unordered. What counts as handled is said in `backlog`. A silence of
-- all streams for more than 31 days is a break in the logs, and has rows for one span only.
--
-- Parameters
--   since   TIMESTAMP  first instant included
--   until   TIMESTAMP  first instant excluded
--   bucket  INTERVAL   length of a bucket
--   span    INTERVAL   what the slope is taken of, whole buckets
--   is_end_told  BOOLEAN  whether the last bucket alone is told in a sentence
--
-- Columns
--   bucket_start   TIMESTAMP  start of the last bucket of the span, UTC
--   stream         VARCHAR    topic, queue or destination
--   consumer       VARCHAR    service that handles it, else node
--   sent_count     BIGINT     messages sent in the span
--   handled_count  BIGINT     messages handled in it
--   waiting_count  BIGINT     sent less handled since a span before `since`
--   growth         DOUBLE     mean of (sent - handled) per bucket
--   half_width     DOUBLE     1.645 standard errors of it; NULL with fewer than three buckets
--   meaning        VARCHAR    the same in a sentence; NULL where it is not told
--
-- Reads: _flow_counts
CREATE OR REPLACE MACRO _backlog_slopes(since, until, bucket, span, is_end_told) AS TABLE
WITH counts AS MATERIALIZED (
    SELECT
        flows.bucket_start,
        flows.stream,
        flows.consumer,
        flows.operation,
        flows.message_count::BIGINT AS message_count
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

begun AS (
    SELECT
        counts.stream,
        min(counts.bucket_start) AS first_bucket
    FROM counts
    WHERE counts.operation = 'send'
    GROUP BY counts.stream
),

queues AS MATERIALIZED (
    SELECT
        row_number() OVER () AS queue_no,
        best.stream,
        best.consumer,
        best.operation,
        begun.first_bucket
    FROM best
    INNER JOIN begun ON best.stream = begun.stream
),

-- Of a break in the logs only what the spans before and behind it need.
stretches AS (
    SELECT
        known.bucket_start,
        CASE
            WHEN known.next_bucket > known.bucket_start + INTERVAL 31 DAY
                THEN least(known.bucket_start + span::INTERVAL, known.next_bucket)
            ELSE coalesce(known.next_bucket, known.bucket_start)
        END AS last_bucket
    FROM (
        SELECT
            counts.bucket_start,
            lead(counts.bucket_start) OVER (ORDER BY counts.bucket_start) AS next_bucket
        FROM counts
        GROUP BY counts.bucket_start
    ) AS known
),

-- A list is made at once, which no time limit interrupts.
sizes AS (
    SELECT
        CASE
            WHEN summed.covered_us > 1000000 * epoch_us(bucket::INTERVAL)::HUGEINT
                THEN
                    error('more than a million buckets; ask for longer ones or a shorter window')
            ELSE TRUE
        END AS is_fitting
    FROM (
        SELECT
            sum(epoch_us(stretches.last_bucket) - epoch_us(stretches.bucket_start))
                AS covered_us
        FROM stretches
    ) AS summed
),

covered AS MATERIALIZED (
    SELECT DISTINCT
        unnest(
            CASE
                WHEN sizes.is_fitting
                    THEN
                        generate_series(
                            stretches.bucket_start,
                            stretches.last_bucket,
                            bucket::INTERVAL
                        )
            END
        ) AS bucket_start
    FROM stretches
    CROSS JOIN sizes
),

moved AS (
    SELECT
        queues.queue_no,
        counts.bucket_start,
        counts.message_count AS sent_count,
        0 AS handled_count
    FROM counts
    INNER JOIN queues ON counts.stream = queues.stream
    WHERE counts.operation = 'send'
    UNION ALL
    SELECT
        queues.queue_no,
        counts.bucket_start,
        0 AS sent_count,
        counts.message_count AS handled_count
    FROM counts
    INNER JOIN queues
        ON
            counts.stream = queues.stream
            AND counts.consumer IS NOT DISTINCT FROM queues.consumer
            AND counts.operation = queues.operation
    WHERE counts.bucket_start >= queues.first_bucket
    UNION ALL
    -- Buckets in which nothing moved count as well.
    SELECT
        queues.queue_no,
        covered.bucket_start,
        0 AS sent_count,
        0 AS handled_count
    FROM queues
    INNER JOIN covered ON queues.first_bucket <= covered.bucket_start
),

flows AS (
    SELECT
        moved.queue_no,
        moved.bucket_start,
        sum(moved.sent_count) AS sent_count,
        sum(moved.handled_count) AS handled_count
    FROM moved
    GROUP BY moved.queue_no, moved.bucket_start
),

so_far AS (
    SELECT
        flows.queue_no,
        flows.bucket_start,
        row_number() OVER in_queue AS bucket_count,
        sum(flows.sent_count) OVER in_queue AS sent_count,
        sum(flows.handled_count) OVER in_queue AS handled_count,
        sum(
            (flows.sent_count - flows.handled_count)
            * (flows.sent_count - flows.handled_count)
        ) OVER in_queue AS squares
    FROM flows
    WINDOW
        in_queue AS (
            PARTITION BY flows.queue_no
            ORDER BY flows.bucket_start
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
),

lengths AS (
        SELECT
            greatest(epoch_us(span::INTERVAL) // epoch_us(bucket::INTERVAL), 1)::INTEGER
                AS buckets
    ),

spans AS (
    SELECT
        so_far.queue_no,
        so_far.bucket_start,
        so_far.sent_count - so_far.handled_count AS waiting_count,
        so_far.bucket_count
        - coalesce(lag(so_far.bucket_count, lengths.buckets) OVER in_queue, 0)
            AS bucket_count,
        so_far.sent_count
        - coalesce(lag(so_far.sent_count, lengths.buckets) OVER in_queue, 0)
            AS sent_count,
        so_far.handled_count
        - coalesce(lag(so_far.handled_count, lengths.buckets) OVER in_queue, 0)
            AS handled_count,
        so_far.squares - coalesce(lag(so_far.squares, lengths.buckets) OVER in_queue, 0)
            AS squares
    FROM so_far
    CROSS JOIN lengths
    WINDOW in_queue AS (PARTITION BY so_far.queue_no ORDER BY so_far.bucket_start)
),

-- In whole numbers: what is left of two great sums is exact.
measured AS (
    SELECT
        spans.queue_no,
        spans.bucket_start,
        spans.sent_count::BIGINT AS sent_count,
        spans.handled_count::BIGINT AS handled_count,
        spans.waiting_count::BIGINT AS waiting_count,
        (spans.sent_count - spans.handled_count) / spans.bucket_count AS growth,
        CASE WHEN spans.bucket_count >= 3
            THEN
                1.645 * sqrt(
                    (
                        spans.bucket_count * spans.squares
                        - (spans.sent_count - spans.handled_count)
                        * (spans.sent_count - spans.handled_count)
                    )
                    / (spans.bucket_count - 1)
                )
                / spans.bucket_count
        END AS half_width
    FROM spans
    WHERE spans.bucket_start >= time_bucket(bucket::INTERVAL, since::TIMESTAMP)
)

SELECT
    measured.bucket_start,
    queues.stream,
    queues.consumer,
    measured.sent_count,
    measured.handled_count,
    measured.waiting_count,
    measured.growth,
    measured.half_width,
    CASE
        WHEN is_end_told AND measured.bucket_start < (SELECT max(counts.bucket_start) FROM counts)
            THEN NULL
        WHEN measured.growth > measured.half_width
            THEN format(
                'the backlog of {} grows by {:.0f} a minute (at least {:.0f})',
                queues.stream,
                measured.growth * 60 / epoch(bucket::INTERVAL),
                (measured.growth - measured.half_width) * 60 / epoch(bucket::INTERVAL)
            )
        ELSE format('the backlog of {} does not grow', queues.stream)
    END AS meaning
FROM measured
INNER JOIN queues ON measured.queue_no = queues.queue_no;
