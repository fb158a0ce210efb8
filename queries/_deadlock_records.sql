-- _deadlock_records: which deadlocks were reported in this window?
--
-- One row per deadlock of _told_deadlocks, but those that an application's record repeats: what
-- another than a database reports, without saying who waits, is taken for one that a database
-- reports two seconds or less away. While no four seconds pass without a report of a database,
-- these are for each service as many as the database reports, the nearest ones.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   deadlock_id  VARCHAR    event_id of the deadlock; where it stands if it has none
--   occurred_at  TIMESTAMP  when it was reported, UTC
--   service      VARCHAR    service that reported it
--   file_id      INTEGER    file of the record
--   byte_offset  BIGINT     first byte of the record
--
-- Reads: _told_deadlocks
CREATE OR REPLACE MACRO _deadlock_records(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
-- Reports of a minute around the window are known, repetitions of two seconds less, so that
-- what these repeat is among them.
WITH told AS MATERIALIZED (
    FROM
        _told_deadlocks(
            since := since::TIMESTAMP - INTERVAL 1 MINUTE,
            until := until::TIMESTAMP + INTERVAL 1 MINUTE
        )
),

-- With four seconds between them no record is near two spells.
steps AS (
    SELECT
        told.occurred_at,
        coalesce(
            told.occurred_at <= lag(told.occurred_at) OVER (ORDER BY told.occurred_at)
            + INTERVAL 4 SECOND,
            FALSE
        ) AS goes_on
    FROM told
    WHERE told.is_of_engine AND told.occurred_at IS NOT NULL
),

engine_reports AS MATERIALIZED (
    SELECT
        steps.occurred_at,
        sum(CASE WHEN steps.goes_on THEN 0 ELSE 1 END) OVER (ORDER BY steps.occurred_at)
            AS spell_no
    FROM steps
),

spells AS (
    SELECT
        engine_reports.spell_no,
        count(*) AS report_count
    FROM engine_reports
    GROUP BY engine_reports.spell_no
),

distances AS (
    SELECT
        told.deadlock_id,
        told.occurred_at,
        told.service,
        told.occurred_at - before.occurred_at AS since_before,
        after.occurred_at - told.occurred_at AS until_after,
        CASE
            WHEN since_before <= INTERVAL 2 SECOND THEN before.spell_no
            WHEN until_after <= INTERVAL 2 SECOND THEN after.spell_no
        END AS spell_no
    FROM told
    ASOF LEFT JOIN engine_reports AS before ON told.occurred_at >= before.occurred_at
    ASOF LEFT JOIN engine_reports AS after ON told.occurred_at <= after.occurred_at
    WHERE
        told.is_bare
        AND told.occurred_at >= since::TIMESTAMP - INTERVAL 58 SECOND
        AND told.occurred_at < until::TIMESTAMP + INTERVAL 58 SECOND
),

echoes AS (
    SELECT distances.deadlock_id
    FROM distances
    INNER JOIN spells ON distances.spell_no = spells.spell_no
    QUALIFY
        row_number() OVER (
            PARTITION BY distances.spell_no, distances.service
            ORDER BY
                least(distances.since_before, distances.until_after),
                distances.occurred_at,
                distances.deadlock_id
        ) <= spells.report_count
)

SELECT
    told.deadlock_id,
    told.occurred_at,
    told.service,
    told.file_id,
    told.byte_offset
FROM told
ANTI JOIN echoes ON told.deadlock_id = echoes.deadlock_id
WHERE
    told.occurred_at IS NULL
    OR (told.occurred_at >= since::TIMESTAMP AND told.occurred_at < until::TIMESTAMP)
ORDER BY told.occurred_at, told.deadlock_id;
