-- growing_backlogs: which queues surely grow, and in how much of the window?
--
-- One row per stream and consumer that handles what is sent to it: the last row of `backlog`
-- of the window, and how many of its rows tell of growth. First those that grow now, then
-- those that grew most of the time.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   bucket     INTERVAL   length of a bucket (default: 1 minute)
--   span       INTERVAL   what the slope is taken of, whole buckets (default: 15 minutes)
--   row_limit  BIGINT     rows at most (default: 50)
--
-- Columns
--   stream          VARCHAR    topic, queue or destination
--   consumer        VARCHAR    service that handles it, else node
--   bucket_start    TIMESTAMP  start of the last bucket, UTC
--   growth_per_min  DOUBLE     messages by which it grows in a minute at the end
--   growth_lower    DOUBLE     it grows by more than this with 95 % confidence; NULL with
--                              fewer than three buckets
--   growing_ratio   DOUBLE     of the buckets of which it can be told, the share in which it
--                              surely grew, 0..1; NULL where it can be told of none
--   meaning         VARCHAR    the end in a sentence
--
-- Reads: _backlog_slopes
CREATE OR REPLACE MACRO growing_backlogs(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    span := INTERVAL 15 MINUTE,
    row_limit := 50
) AS TABLE
WITH latest AS (
    SELECT
        slopes.stream,
        slopes.consumer,
        max(slopes.bucket_start) AS bucket_start,
        arg_max(slopes.growth, slopes.bucket_start) AS growth,
        arg_max(slopes.growth - slopes.half_width, slopes.bucket_start) AS growth_lower,
        arg_max(slopes.meaning, slopes.bucket_start) AS meaning,
        count(*) FILTER (WHERE slopes.growth > slopes.half_width)
        / nullif(count(slopes.half_width), 0) AS growing_ratio
    FROM _backlog_slopes(since, until, bucket, span, TRUE) AS slopes
    GROUP BY slopes.stream, slopes.consumer
)

SELECT
    latest.stream,
    latest.consumer,
    latest.bucket_start,
    latest.growth * 60 / epoch(bucket::INTERVAL) AS growth_per_min,
    latest.growth_lower * 60 / epoch(bucket::INTERVAL) AS growth_lower,
    latest.growing_ratio,
    latest.meaning
FROM latest
ORDER BY
    coalesce(latest.growth_lower > 0, FALSE) DESC,
    latest.growing_ratio DESC NULLS LAST,
    latest.stream ASC,
    latest.consumer ASC
LIMIT (row_limit::BIGINT);
