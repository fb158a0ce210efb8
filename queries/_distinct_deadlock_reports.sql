-- _distinct_deadlock_reports: which of the reports are left when each was read once?
--
-- The rows of _deadlock_reports but those that were read before. Ids tell; without them it is
-- read again when the same node says in logs of one kind that the same owners waited at the
-- same instant. At a whole second one file may say so several times, of several deadlocks: then
-- the file counts that says it most often. Of an application that does not say who waits, each
-- is another one; but of an error it tells in several records, as what it uses logs it as well:
-- a thread says the same waits again within two seconds, or nothing of them within a tenth of one.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   deadlock_id      VARCHAR    event_id of the deadlock; where it stands if it has none
--   occurred_at      TIMESTAMP  when it was reported, UTC
--   is_whole_second  BOOLEAN    whether that is a whole second
--   node             VARCHAR    node that reported it
--   service          VARCHAR    service that reported it
--   log              VARCHAR    as in _deadlock_reports
--   is_of_engine     BOOLEAN    whether a database wrote it
--   waits            HUGEINT    as in _deadlock_waits; NULL when it does not say who waits
--   file_id          INTEGER    file of the record
--   byte_offset      BIGINT     first byte of the record
--
-- Reads: _deadlock_reports
CREATE OR REPLACE MACRO _distinct_deadlock_reports(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
WITH reports AS MATERIALIZED (
    SELECT
        reports.*,
        reports.occurred_at = date_trunc('second', reports.occurred_at) AS is_whole_second,
        CASE
            WHEN reports.event_id IS NULL AND (reports.is_of_engine OR reports.waits IS NOT NULL)
                THEN hash(reports.log, reports.node, reports.waits, reports.occurred_at)
        END AS said,
        row(reports.file_id, reports.byte_offset, reports.record_no) AS place
    FROM _deadlock_reports(since := since, until := until) AS reports
),

files AS (
    SELECT
        reports.said,
        reports.file_id,
        min(reports.place) AS first_place,
        count(*) AS times
    FROM reports
    WHERE reports.said IS NOT NULL AND reports.occurred_at IS NOT NULL
    GROUP BY reports.said, reports.file_id
),

told AS (
    SELECT
        reports.*,
        coalesce(
            lag(reports.occurred_at) OVER all_said
            >= reports.occurred_at - INTERVAL 100 MILLISECOND,
            FALSE
        ) AS is_near
    FROM reports
    WHERE
        reports.event_id IS NULL
        AND reports.voice IS NOT NULL
        AND reports.occurred_at IS NOT NULL
    WINDOW all_said AS (PARTITION BY reports.voice ORDER BY reports.occurred_at, reports.place)
),

bursts AS (
    SELECT
        told.*,
        count(*) FILTER (WHERE NOT told.is_near) OVER all_said AS burst
    FROM told
    WINDOW all_said AS (PARTITION BY told.voice ORDER BY told.occurred_at, told.place)
),

worded AS (
    SELECT
        bursts.*,
        row_number() OVER same_words AS nth
    FROM bursts
    WINDOW
        same_words AS (
            PARTITION BY bursts.voice, bursts.burst, bursts.words
            ORDER BY bursts.occurred_at, bursts.place
        )
),

told_again AS (
    SELECT worded.deadlock_id
    FROM worded
    WINDOW
        same_said AS (
            PARTITION BY worded.voice, worded.waits
            ORDER BY worded.occurred_at, worded.place
        ),
        same_nth AS (
            PARTITION BY worded.voice, worded.burst, worded.nth
            ORDER BY worded.occurred_at, worded.place
        ),
        next_said AS (
            PARTITION BY worded.voice
            ORDER BY worded.occurred_at, worded.place
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        )
    QUALIFY
        CASE
            WHEN worded.waits IS NOT NULL
                THEN
                    lag(worded.occurred_at) OVER same_said
                    >= worded.occurred_at - INTERVAL 2 SECOND
            ELSE
                CASE
                    WHEN worded.words IS NULL THEN worded.is_near
                    ELSE row_number() OVER same_nth > 1
                END
                OR min(worded.occurred_at) FILTER (WHERE worded.waits IS NOT NULL)
                    OVER next_said
                <= worded.occurred_at + INTERVAL 100 MILLISECOND
        END
),

counted AS (
    SELECT
        files.said,
        arg_max(files.file_id, row(files.times, -files.file_id)) AS file_id,
        min(files.first_place) AS first_place
    FROM files
    GROUP BY files.said
)

SELECT
    reports.deadlock_id,
    reports.occurred_at,
    reports.is_whole_second,
    reports.node,
    reports.service,
    reports.log,
    reports.is_of_engine,
    reports.waits,
    reports.file_id,
    reports.byte_offset
FROM reports
LEFT OUTER JOIN counted ON reports.said = counted.said
ANTI JOIN told_again ON reports.deadlock_id = told_again.deadlock_id
WHERE
    counted.said IS NULL
    OR (reports.is_whole_second AND reports.file_id = counted.file_id)
    OR reports.place = counted.first_place AND NOT reports.is_whole_second
ORDER BY reports.occurred_at, reports.place;
