-- _arrivals_behind: which numbered arrivals did not have the greatest number yet?
--
-- One row per arrival whose number is not above all that arrived before it in its scope.
-- It is reordered when a larger number came before; otherwise it repeats the greatest one.
-- All other arrivals are in order, so that few rows tell the order of many arrivals.
--
-- A copy has the scope, the number and the id of an earlier arrival. Positions count first
-- copies only. overtaken_by is the earliest arrival with a larger number; extent and
-- late_time_ms count from there. All of these are NULL unless is_reordered.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   consumer               VARCHAR    service, else node
--   stream                 VARCHAR    topic, queue or destination
--   event_type             VARCHAR    type of the event
--   stream_key             VARCHAR    partition key within the stream
--   event_id               VARCHAR    id of the event
--   sequence               BIGINT     number of the event
--   greatest_before        BIGINT     greatest number that arrived before
--   copy_number            BIGINT     1 for the first arrival of the event, 2 for its copy ...
--   is_reordered           BOOLEAN    whether a larger number arrived before
--   extent                 BIGINT     position minus that of overtaken_by
--   late_time_ms           DOUBLE     time since overtaken_by arrived
--   overtaken_by           VARCHAR    event_id of the earliest arrival with a larger number
--   overtaken_by_type      VARCHAR    its type
--   overtaken_by_sequence  BIGINT     its number
--   overtaken_by_node      VARCHAR    process instance it arrived at
--   overtaken_at           TIMESTAMP  when it arrived, UTC
--   occurred_at            TIMESTAMP  when the row's event arrived, UTC
--   node                   VARCHAR    process instance it arrived at
--   file_id                INTEGER    file of the record
--   byte_offset            BIGINT     first byte of the record
--
-- Source: RFC 4737 sections 3.3 (reordered), 3.4 (discontinuity), 3.6 (first copies),
-- 4.2.3 (extent), 4.3.3 (late time offset).
-- Reads: _numbered_arrivals
CREATE OR REPLACE MACRO _arrivals_behind(since, until) AS TABLE
WITH arrivals AS MATERIALIZED (
    SELECT numbered.*
    FROM _numbered_arrivals(since, until) AS numbered
    WHERE numbered.occurred_at IS NOT NULL
),

-- Sorting is most of the cost, so only what decides goes through it.
placed AS MATERIALIZED (
    SELECT
        arrivals.scope_hash,
        hash(arrivals.copy_id) AS copy_hash,
        arrivals.sequence,
        arrivals.occurred_at,
        arrivals.file_id,
        arrivals.byte_offset,
        arrivals.record_no,
        max(arrivals.sequence) OVER (
            in_scope ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS greatest_before,
        row_number() OVER in_scope - 1 AS arrivals_before
    FROM arrivals
    WINDOW in_scope AS (
        PARTITION BY arrivals.scope_hash
        ORDER BY
            arrivals.occurred_at,
            arrivals.file_id,
            arrivals.byte_offset,
            arrivals.record_no
    )
),

behind AS MATERIALIZED (
    SELECT
        placed.scope_hash,
        placed.copy_hash,
        placed.sequence
    FROM placed
    WHERE placed.sequence <= placed.greatest_before
),

with_copies AS MATERIALIZED (
    SELECT
        placed.*,
        row_number() OVER (
            PARTITION BY placed.scope_hash, placed.sequence, placed.copy_hash
            ORDER BY placed.arrivals_before
        ) AS copy_number
    FROM placed
    SEMI JOIN behind
        ON
            placed.scope_hash = behind.scope_hash
            AND placed.sequence = behind.sequence
            AND placed.copy_hash = behind.copy_hash
),

copies AS MATERIALIZED (
    SELECT
        with_copies.scope_hash,
        with_copies.arrivals_before,
        row_number() OVER (
            PARTITION BY with_copies.scope_hash
            ORDER BY with_copies.arrivals_before
        ) AS copies_so_far
    FROM with_copies
    WHERE with_copies.copy_number > 1
),

-- The earliest arrival with a number above n is greater than all before it, by more than
-- one, since n was still missing; or n itself was the greatest before, and comes again.
overtaking AS (
    SELECT
        placed.scope_hash,
        placed.sequence,
        placed.occurred_at,
        placed.file_id,
        placed.byte_offset,
        placed.record_no,
        placed.arrivals_before
    FROM placed
    WHERE
        placed.greatest_before IS NULL
        OR placed.sequence::HUGEINT - placed.greatest_before > 1
    UNION ALL
    SELECT
        placed.scope_hash,
        placed.sequence,
        placed.occurred_at,
        placed.file_id,
        placed.byte_offset,
        placed.record_no,
        placed.arrivals_before
    FROM placed
    SEMI JOIN behind
        ON
            placed.scope_hash = behind.scope_hash
            AND placed.greatest_before = behind.sequence
    WHERE placed.sequence::HUGEINT - placed.greatest_before = 1
),

judged AS (
    SELECT
        with_copies.*,
        with_copies.sequence < with_copies.greatest_before AS is_reordered,
        CASE
            WHEN with_copies.sequence < with_copies.greatest_before
                THEN with_copies.scope_hash
        END AS reordered_in
    FROM with_copies
    WHERE with_copies.sequence <= with_copies.greatest_before
),

overtaken AS (
    SELECT
        judged.*,
        overtaking.occurred_at AS overtaken_at,
        overtaking.file_id AS overtaking_file,
        overtaking.byte_offset AS overtaking_offset,
        overtaking.record_no AS overtaking_record,
        overtaking.arrivals_before AS overtaking_position
    FROM judged
    ASOF LEFT JOIN overtaking
        ON
            judged.reordered_in = overtaking.scope_hash
            AND judged.sequence < overtaking.sequence
),

measured AS (
    SELECT
        overtaken.*,
        (overtaken.arrivals_before - coalesce(before_this.copies_so_far, 0))
        - (
            overtaken.overtaking_position
            - coalesce(before_overtaking.copies_so_far, 0)
        ) AS extent
    FROM overtaken
    ASOF LEFT JOIN copies AS before_this
        ON
            overtaken.scope_hash = before_this.scope_hash
            AND overtaken.arrivals_before > before_this.arrivals_before
    ASOF LEFT JOIN copies AS before_overtaking
        ON
            overtaken.scope_hash = before_overtaking.scope_hash
            AND overtaken.overtaking_position > before_overtaking.arrivals_before
)

SELECT
    late.consumer,
    late.stream,
    late.event_type,
    late.stream_key,
    late.event_id,
    late.sequence,
    measured.greatest_before,
    measured.copy_number,
    measured.is_reordered,
    measured.extent,
    (epoch_us(measured.occurred_at) - epoch_us(measured.overtaken_at)) / 1000
        AS late_time_ms,
    early.event_id AS overtaken_by,
    early.event_type AS overtaken_by_type,
    early.sequence AS overtaken_by_sequence,
    early.node AS overtaken_by_node,
    measured.overtaken_at,
    late.occurred_at,
    late.node,
    late.file_id,
    late.byte_offset
FROM measured
INNER JOIN arrivals AS late
    ON
        measured.file_id = late.file_id
        AND measured.byte_offset = late.byte_offset
        AND measured.record_no = late.record_no
LEFT OUTER JOIN arrivals AS early
    ON
        measured.overtaking_file = early.file_id
        AND measured.overtaking_offset = early.byte_offset
        AND measured.overtaking_record = early.record_no;
