-- _told_deadlocks: which deadlocks are there when several logs tell of one?
--
-- The rows of _distinct_deadlock_reports but those of which a better log tells as well: where
-- the same owners wait for each other within two seconds. When a database does not say who
-- waits (PostgreSQL whose text is terse), it is what the same node reports at the same instant,
-- or within two seconds of a whole one.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   deadlock_id   VARCHAR    event_id of the deadlock; where it stands if it has none
--   occurred_at   TIMESTAMP  when it was reported, UTC
--   service       VARCHAR    service that reported it
--   is_of_engine  BOOLEAN    whether a database reported it
--   is_bare       BOOLEAN    whether another did, and does not say who waits
--   file_id       INTEGER    file of the record
--   byte_offset   BIGINT     first byte of the record
--
-- Reads: _distinct_deadlock_reports
CREATE OR REPLACE MACRO _told_deadlocks(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
WITH reports AS MATERIALIZED (
    SELECT
        reports.*,
        epoch_us(reports.occurred_at) // 2000000 AS span,
        CASE WHEN reports.is_of_engine THEN hash(reports.node)::HUGEINT END AS teller,
        CASE WHEN reports.is_of_engine THEN hash(reports.node, reports.occurred_at)::HUGEINT END
            AS teller_then
    FROM _distinct_deadlock_reports(since := since, until := until) AS reports
),

-- What was told in two seconds counts as one row, or joins would grow with its square.
tellings AS (
    SELECT
        known.known_by,
        known.span,
        known.log,
        min(known.occurred_at) AS first_at,
        max(known.occurred_at) AS last_at
    FROM (
        SELECT
            reports.log,
            reports.span,
            reports.occurred_at,
            unnest([reports.waits, reports.teller, reports.teller_then]) AS known_by
        FROM reports
    ) AS known
    WHERE known.known_by IS NOT NULL
    GROUP BY known.known_by, known.span, known.log
),

doubtful AS (
    SELECT
        reports.deadlock_id,
        reports.occurred_at,
        reports.log,
        coalesce(
            reports.waits,
            CASE WHEN reports.is_whole_second THEN reports.teller ELSE reports.teller_then END
        ) AS known_by,
        unnest([reports.span - 1, reports.span, reports.span + 1]) AS span
    FROM reports
    WHERE reports.log > (SELECT min(best.log) FROM reports AS best)
),

retold AS (
    SELECT doubtful.deadlock_id
    FROM doubtful
    INNER JOIN tellings
        ON doubtful.known_by = tellings.known_by AND doubtful.span = tellings.span
    WHERE
        tellings.log < doubtful.log
        AND tellings.first_at <= doubtful.occurred_at + INTERVAL 2 SECOND
        AND tellings.last_at >= doubtful.occurred_at - INTERVAL 2 SECOND
)

SELECT
    reports.deadlock_id,
    reports.occurred_at,
    reports.service,
    reports.is_of_engine,
    reports.waits IS NULL AND NOT reports.is_of_engine AS is_bare,
    reports.file_id,
    reports.byte_offset
FROM reports
ANTI JOIN retold ON reports.deadlock_id = retold.deadlock_id;
