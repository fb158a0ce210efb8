-- discontinuities: at which arrivals did numbers jump that came later?
--
-- One row per first copy that came in order, but before smaller numbers of its scope that
-- arrived afterwards and had not been overtaken yet. What never arrives makes a gap, no
-- discontinuity. Arrivals in the lookback count as arrived before.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   lookback  INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   consumer         VARCHAR    service it arrived at, else node
--   stream           VARCHAR    topic, queue or destination
--   sequence         BIGINT     number of the arrival
--   jump             BIGINT     numbers it left out; NULL for the first arrival of a scope
--   overtaken_count  BIGINT     first copies that came after it and should not have
--   gap_arrivals     BIGINT     arrivals since the discontinuity before; NULL for the first
--   gap_ms           DOUBLE     time since that one; NULL likewise
--   occurred_at      TIMESTAMP  when it arrived, UTC
--   file_id          INTEGER    file of the record
--   byte_offset      BIGINT     first byte of the record
--
-- Source: RFC 4737 sections 3.4 (discontinuity), 4.5.3 and 4.5.4 (gap between them).
-- Reads: _first_arrivals
CREATE OR REPLACE MACRO discontinuities(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS MATERIALIZED (
    SELECT
        found.*,
        max(found.sequence) OVER (
            PARTITION BY found.scope_hash
            ORDER BY found.position
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS greatest_before
    FROM
        _first_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS found
),

jumps AS (
    SELECT
        arrivals.*,
        arrivals.sequence::HUGEINT - arrivals.greatest_before - 1 AS jump
    FROM arrivals
    WHERE
        arrivals.greatest_before IS NULL
        OR arrivals.sequence::HUGEINT - arrivals.greatest_before > 1
),

-- The smallest of the jumps above a number is the earliest arrival that overtook it.
overtaken AS (
    SELECT
        late.scope_hash,
        jumps.position,
        count(*) AS overtaken_count
    FROM arrivals AS late
    ASOF INNER JOIN jumps
        ON
            late.scope_hash = jumps.scope_hash
            AND late.sequence < jumps.sequence
    WHERE late.is_reordered
    GROUP BY late.scope_hash, jumps.position
),

found AS (
    SELECT
        jumps.*,
        overtaken.overtaken_count,
        jumps.position - lag(jumps.position) OVER in_scope AS gap_arrivals,
        (
            epoch_us(jumps.occurred_at) - epoch_us(lag(jumps.occurred_at) OVER in_scope)
        ) / 1000 AS gap_ms
    FROM jumps
    INNER JOIN overtaken
        ON
            jumps.scope_hash = overtaken.scope_hash
            AND jumps.position = overtaken.position
    WINDOW in_scope AS (
        PARTITION BY jumps.scope_hash
        ORDER BY jumps.position
    )
)

SELECT
    found.consumer,
    found.stream,
    found.sequence,
    try_cast(found.jump AS BIGINT) AS jump,
    found.overtaken_count,
    found.gap_arrivals,
    found.gap_ms,
    found.occurred_at,
    found.file_id,
    found.byte_offset
FROM found
WHERE found.occurred_at >= since::TIMESTAMP
ORDER BY found.occurred_at, found.file_id, found.byte_offset;
