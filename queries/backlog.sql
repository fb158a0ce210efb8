-- backlog: do messages come faster than they are handled, and when is the limit reached?
--
-- One row per bucket, stream and consumer that handles what is sent to it, of the span that
-- ends with the bucket; nothing later is looked at. A message is handled when the consumer
-- first processed it, or where processing is not logged, received it. Only streams that the
-- sender and the consumer call by the same name can be told of. The slope is the mean of
-- (sent - handled) per bucket with its standard error: a sum of chances that goes up and down
-- by itself is not taken for a trend. A silence of all streams for more than 31 days is a break
-- in the logs, or a wrong clock, and has no rows.
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
-- Reads: _backlog_slopes
CREATE OR REPLACE MACRO backlog(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    span := INTERVAL 15 MINUTE,
    waiting_limit := NULL::BIGINT
) AS TABLE
WITH slopes AS (
    SELECT
        found.*,
        epoch(bucket::INTERVAL) / 60 AS bucket_min
    FROM _backlog_slopes(since, until, bucket, span, FALSE) AS found
)

SELECT
    slopes.bucket_start,
    slopes.stream,
    slopes.consumer,
    slopes.sent_count,
    slopes.handled_count,
    slopes.waiting_count,
    slopes.growth / slopes.bucket_min AS growth_per_min,
    (slopes.growth - slopes.half_width) / slopes.bucket_min AS growth_lower,
    CASE WHEN slopes.growth > slopes.half_width
        THEN
            greatest(waiting_limit::BIGINT - slopes.waiting_count, 0)
            * slopes.bucket_min / (slopes.growth - slopes.half_width)
    END AS minutes_left,
    slopes.meaning
FROM slopes
ORDER BY slopes.bucket_start, slopes.stream, slopes.consumer;
