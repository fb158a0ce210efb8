-- _ordered_arrivals: did each numbered arrival come in order, and if not, how late was it?
--
-- One row per arrival that has a number. An arrival is reordered when a larger number
-- arrived before it in its scope; then overtaken_by is the earliest arrival with a larger
-- number, and extent and late_time_ms count from there. Positions count first copies only.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   consumer         VARCHAR    service, else node
--   stream           VARCHAR    topic, queue or destination
--   event_type       VARCHAR    type of the event
--   stream_key       VARCHAR    partition key within the stream
--   event_id         VARCHAR    id of the event
--   sequence         BIGINT     number of the event
--   greatest_before  BIGINT     greatest number that arrived before; NULL for the first
--   copy_number      BIGINT     1 for the first arrival of the event, 2 for its copy ...
--   is_reordered     BOOLEAN    whether a larger number arrived before
--   extent           BIGINT     arrivals between overtaken_by and this one, plus 1;
--                               NULL unless reordered
--   late_time_ms     DOUBLE     time since overtaken_by arrived; NULL unless reordered
--   overtaken_by     VARCHAR    event_id of the earliest arrival with a larger number
--   occurred_at      TIMESTAMP  when it arrived, UTC
--   node             VARCHAR    process instance it arrived at
--   file_id          INTEGER    file of the record
--   byte_offset      BIGINT     first byte of the record
--
-- Source: RFC 4737 sections 3.3 (reordered), 3.6 (first copies), 4.2.3 (extent), 4.3.3
-- (late time offset).
-- Reads: _numbered_arrivals
CREATE OR REPLACE MACRO _ordered_arrivals(since, until) AS TABLE
WITH copies AS (
    SELECT
        arrivals.*,
        row_number() OVER (
            PARTITION BY arrivals.scope_hash, arrivals.copy_id
            ORDER BY
                arrivals.occurred_at,
                arrivals.file_id,
                arrivals.byte_offset,
                arrivals.record_no
        ) AS copy_number
    FROM _numbered_arrivals(since, until) AS arrivals
),

placed AS (
    SELECT
        copies.*,
        max(copies.sequence) OVER before AS greatest_before,
        count(*) FILTER (WHERE copies.copy_number = 1) OVER before
            AS first_copies_before
    FROM copies
    WINDOW before AS (
        PARTITION BY copies.scope_hash
        ORDER BY
            copies.occurred_at,
            copies.file_id,
            copies.byte_offset,
            copies.record_no
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

judged AS (
    SELECT
        placed.*,
        coalesce(placed.sequence < placed.greatest_before, FALSE) AS is_reordered,
        CASE
            WHEN placed.sequence < placed.greatest_before THEN placed.scope_hash
        END AS reordered_in
    FROM placed
),

-- Arrivals in order: the earliest arrival with a number above n is always one of them.
records AS (
    SELECT
        placed.scope_hash,
        placed.sequence,
        placed.occurred_at,
        placed.event_id,
        placed.first_copies_before
    FROM placed
    WHERE placed.greatest_before IS NULL OR placed.sequence > placed.greatest_before
)

SELECT
    judged.consumer,
    judged.stream,
    judged.event_type,
    judged.stream_key,
    judged.event_id,
    judged.sequence,
    judged.greatest_before,
    judged.copy_number,
    judged.is_reordered,
    judged.first_copies_before - records.first_copies_before AS extent,
    (epoch_us(judged.occurred_at) - epoch_us(records.occurred_at)) / 1000 AS late_time_ms,
    records.event_id AS overtaken_by,
    judged.occurred_at,
    judged.node,
    judged.file_id,
    judged.byte_offset
FROM judged
ASOF LEFT JOIN records
    ON judged.reordered_in = records.scope_hash AND judged.sequence < records.sequence;
