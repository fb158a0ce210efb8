-- _first_arrivals: at which place of its scope did each event first arrive?
--
-- One row per scope and event: its first copy. An arrival without a readable time has no
-- place in the order.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   scope_hash    UBIGINT    equal within a scope
--   consumer      VARCHAR    service, else node
--   stream        VARCHAR    topic, queue or destination
--   sequence      BIGINT     number of the event
--   occurred_at   TIMESTAMP  when it arrived, UTC
--   position      BIGINT     1 for the first arrival of the scope, 2 for the next ...
--   rank          BIGINT     1 for the smallest number of the scope, 2 for the next ...
--   is_reordered  BOOLEAN    whether a larger number arrived before
--   file_id       INTEGER    file of its record
--   byte_offset   BIGINT     first byte of its record
--
-- Source: RFC 4737 sections 3.3 and 3.6.
-- Reads: _numbered_arrivals
CREATE OR REPLACE MACRO _first_arrivals(since, until) AS TABLE
WITH firsts AS (
    SELECT
        numbered.scope_hash,
        any_value(numbered.consumer) AS consumer,
        any_value(numbered.stream) AS stream,
        numbered.sequence,
        min(
            struct_pack(
                occurred_at := numbered.occurred_at,
                file_id := numbered.file_id,
                byte_offset := numbered.byte_offset,
                record_no := numbered.record_no
            )
        ) AS place
    FROM _numbered_arrivals(since, until) AS numbered
    WHERE numbered.occurred_at IS NOT NULL
    GROUP BY numbered.scope_hash, numbered.sequence, numbered.copy_id
)

SELECT
    firsts.scope_hash,
    firsts.consumer,
    firsts.stream,
    firsts.sequence,
    firsts.place.occurred_at,
    row_number() OVER (
        PARTITION BY firsts.scope_hash
        ORDER BY firsts.place
    ) AS position,
    row_number() OVER (
        PARTITION BY firsts.scope_hash
        ORDER BY firsts.sequence, firsts.place
    ) AS rank,
    coalesce(
        firsts.sequence < max(firsts.sequence) OVER (
            PARTITION BY firsts.scope_hash
            ORDER BY firsts.place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        FALSE
    ) AS is_reordered,
    firsts.place.file_id,
    firsts.place.byte_offset
FROM firsts;
