-- _deadlock_reports: which records report a deadlock first, by their ids?
--
-- One row per event id, from its first record, wherever that is: the JSON and the CSV log of
-- one server say the same ids, and a thread dump finds what the one before it found. A record
-- without an id is a row of its own. Lock waits, timeouts and texts report none. What has no
-- time is in no window but in the one without bounds.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   deadlock_id   VARCHAR    event_id of the deadlock; where it stands if it has none
--   event_id      VARCHAR    event_id of the record
--   occurred_at   TIMESTAMP  when it was reported, UTC
--   node          VARCHAR    node that reported it
--   service       VARCHAR    service that reported it
--   log           VARCHAR    its format, one for all that share ids; the first is the best
--   is_of_engine  BOOLEAN    whether a database wrote it
--   voice         UBIGINT    of an application that was told so as an error: one for each thread
--   words         UBIGINT    of such an error what it says, but for numbers; NULL: its thread is known
--   waits         HUGEINT    as in _deadlock_waits; NULL when it does not say who waits
--   file_id       INTEGER    file of the record
--   byte_offset   BIGINT     first byte of the record
--   record_no     INTEGER    number of the observation within its record
--
-- Reads: events, _deadlock_waits
CREATE OR REPLACE MACRO _deadlock_reports(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
WITH reported AS (
    SELECT *
    FROM events
    WHERE
        events.operation = 'deadlock'
        AND (
            (
                events.occurred_at >= since::TIMESTAMP
                AND events.occurred_at < until::TIMESTAMP
            )
            OR (
                events.occurred_at IS NULL
                AND since::TIMESTAMP = '-infinity'::TIMESTAMP
                AND until::TIMESTAMP = 'infinity'::TIMESTAMP
            )
        )
),

-- One row per id: what thread dumps tell again and again would be compared with all of itself.
firsts AS (
    SELECT
        earlier.event_id,
        min(
            row(
                coalesce(earlier.occurred_at, 'infinity'::TIMESTAMP),
                earlier.file_id,
                earlier.byte_offset,
                earlier.record_no
            )
        ) AS place
    FROM events AS earlier
    WHERE
        earlier.operation = 'deadlock'
        AND earlier.event_id IN (SELECT reported.event_id FROM reported)
    GROUP BY earlier.event_id
),

first_reports AS (
    SELECT
        reported.*,
        json_extract_string(
            reported.attributes,
            [
                '/thread', '/thread_name', '/threadName', '/process.thread.name',
                '/process/thread/name', '/tid'
            ]
        ) AS threads
    FROM reported
    LEFT OUTER JOIN firsts ON reported.event_id = firsts.event_id
    WHERE
        reported.event_id IS NULL
        OR row(
            coalesce(reported.occurred_at, 'infinity'::TIMESTAMP),
            reported.file_id,
            reported.byte_offset,
            reported.record_no
        ) = firsts.place
)

SELECT
    coalesce(
        first_reports.event_id,
        concat_ws(
            ':',
            first_reports.file_id,
            first_reports.byte_offset,
            nullif(first_reports.record_no, 0)
        )
    ) AS deadlock_id,
    first_reports.event_id,
    first_reports.occurred_at,
    first_reports.node,
    first_reports.service,
    CASE
        WHEN first_reports.format IN ('postgresql_csvlog', 'postgresql_jsonlog', 'cloudnative_pg')
            THEN 'postgresql'
        WHEN first_reports.format = 'postgresql_syslog' THEN 'postgresql_text by way of syslog'
        WHEN regexp_matches(first_reports.format, '^(?:mysql|innodb|sqlserver|postgresql|oracle|db2)')
            THEN first_reports.format
        ELSE 'that of an application, ' || first_reports.format
    END AS log,
    NOT starts_with(log, 'that of an application') AS is_of_engine,
    CASE
        WHEN first_reports.event_type = 'error.deadlock'
            THEN
                hash(
                    first_reports.file_id,
                    first_reports.node,
                    first_reports.service,
                    first_reports.threads,
                    json_extract_string(first_reports.attributes, '/pid')
                )
    END AS voice,
    CASE
        WHEN coalesce(list_count(first_reports.threads), 0) = 0
            THEN hash(regexp_replace(first_reports.message, '\S*\d\S*', '', 'g'))
    END AS words,
    _deadlock_waits.waits,
    first_reports.file_id,
    first_reports.byte_offset,
    first_reports.record_no
FROM first_reports
LEFT OUTER JOIN _deadlock_waits
    ON
        first_reports.file_id = _deadlock_waits.file_id
        AND first_reports.byte_offset = _deadlock_waits.byte_offset
        AND first_reports.record_no = _deadlock_waits.record_no;
