-- _fault_counts: how many arrivals were out of order or duplicate, every five minutes?
--
-- One row per five minutes with numbered arrivals, consumer and stream; unordered. Taken from
-- what is kept where that can answer, else from the events. What is kept compares with an
-- hour before, in a log with very many events with less.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   bucket_start     TIMESTAMP  start of the five minutes, UTC
--   consumer         VARCHAR    service they arrived at, else node
--   stream           VARCHAR    topic, queue or destination
--   arrival_count    HUGEINT    first copies
--   reordered_count  HUGEINT    of these, that arrived after a larger number
--   duplicate_count  HUGEINT    events whose last copy arrived
--
-- Reads: _kept_blocks, block_faults, _faults_of_events
CREATE OR REPLACE MACRO _fault_counts(since, until) AS TABLE
WITH edges AS MATERIALIZED (
    SELECT
        blocks.is_kept,
        blocks.since_no,
        blocks.until_no
    FROM _kept_blocks(since, until) AS blocks
)

SELECT
    make_timestamp(kept.block_no * 300000000) AS bucket_start,
    kept.consumer,
    kept.stream,
    kept.arrival_count::HUGEINT AS arrival_count,
    kept.reordered_count::HUGEINT AS reordered_count,
    kept.duplicate_count::HUGEINT AS duplicate_count
FROM block_faults AS kept
INNER JOIN edges
    ON kept.block_no >= edges.since_no AND kept.block_no < edges.until_no
WHERE edges.is_kept
UNION ALL
SELECT
    counts.bucket_start,
    counts.consumer,
    counts.stream,
    counts.arrival_count,
    counts.reordered_count,
    counts.duplicate_count
FROM
    _faults_of_events(
        since, until, INTERVAL 1 HOUR, (SELECT NOT edges.is_kept FROM edges)
    ) AS counts;
