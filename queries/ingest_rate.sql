-- ingest_rate: how fast are log lines turned into rows?
--
-- One row per bucket of wall-clock time with a commit, half-open:
-- [bucket_start, bucket_start + bucket). No row where nothing was committed.
--
-- Parameters
--   since   TIMESTAMP  first instant included (default: the first commit)
--   until   TIMESTAMP  first instant excluded (default: the last commit)
--   bucket  INTERVAL   length of a bucket (default: 1 minute)
--
-- Columns
--   bucket_start  TIMESTAMP  start of the bucket, UTC
--   batch_count   BIGINT     batches committed
--   event_count   BIGINT     rows added to events
--   reject_count  BIGINT     rows added to rejects
--   byte_count    BIGINT     bytes of log files committed
--
-- Reads: batches
CREATE OR REPLACE MACRO ingest_rate(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE
) AS TABLE
SELECT
    time_bucket(bucket::INTERVAL, batches.committed_at) AS bucket_start,
    count(*) AS batch_count,
    sum(batches.event_count)::BIGINT AS event_count,
    sum(batches.reject_count)::BIGINT AS reject_count,
    sum(batches.byte_count)::BIGINT AS byte_count
FROM batches
WHERE
    batches.committed_at >= since::TIMESTAMP
    AND batches.committed_at < until::TIMESTAMP
GROUP BY ALL
ORDER BY bucket_start;
