-- _deadlock_records: which deadlocks did an engine report in this window?
--
-- One row per deadlock, from its first record. The same event id read twice (the JSON
-- and the CSV log of one server) is one deadlock, and so is a record without an id, or with
-- that of a text log, which numbers its lines otherwise, with one that has an id, of the same
-- node at the same instant, or up to two seconds later where its log says whole seconds only.
-- Where the same owners wait for each other, records of several formats are one deadlock
-- within two seconds (the text and the syslog of a server), those of one format at the same
-- instant. What another than an engine reports without its members is taken for a deadlock
-- that an engine reports: for each service as many as there are, two seconds or less apart.
-- Lock waits, timeouts and texts are none. A deadlock without a time is in no window but in
-- the one without bounds.
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
-- Reads: events, _deadlock_edges
CREATE OR REPLACE MACRO _deadlock_records(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
WITH reported AS (
    SELECT
        coalesce(
            events.event_id,
            concat_ws(
                ':', events.file_id, events.byte_offset, nullif(events.record_no, 0)
            )
        ) AS deadlock_id,
        -- Equal in all logs of a server that have it.
        CASE
            WHEN events.format NOT IN ('postgresql_text', 'postgresql_syslog')
                THEN events.event_id
        END AS shared_id,
        coalesce(
            regexp_matches(events.format, '^(?:postgresql|mysql|innodb|sqlserver)'), FALSE
        ) AS is_of_engine,
        events.occurred_at,
        events.node,
        events.service,
        events.format,
        events.file_id,
        events.byte_offset,
        events.record_no
    FROM events
    WHERE
        events.operation = 'deadlock'
        -- What tells of the same deadlock may stand just outside.
        AND (
            (
                events.occurred_at >= since::TIMESTAMP - INTERVAL 1 MINUTE
                AND events.occurred_at < until::TIMESTAMP + INTERVAL 1 MINUTE
            )
            OR (
                events.occurred_at IS NULL
                AND since::TIMESTAMP = '-infinity'::TIMESTAMP
                AND until::TIMESTAMP = 'infinity'::TIMESTAMP
            )
        )
),

first_records AS MATERIALIZED (
    SELECT *
    FROM reported
    QUALIFY
        row_number() OVER (
            PARTITION BY reported.deadlock_id
            ORDER BY
                reported.occurred_at,
                reported.file_id,
                reported.byte_offset,
                reported.record_no
        ) = 1
        AND (
            reported.shared_id IS NOT NULL
            OR reported.occurred_at IS NULL
            OR reported.node IS NULL
            OR count(reported.shared_id) OVER (
                PARTITION BY reported.occurred_at, reported.node
            ) = 0
            AND (
                reported.occurred_at > date_trunc('second', reported.occurred_at)
                OR count(reported.shared_id) OVER (
                    PARTITION BY reported.node
                    ORDER BY reported.occurred_at
                    RANGE BETWEEN CURRENT ROW AND INTERVAL 2 SECOND FOLLOWING
                ) = 0
            )
        )
),

circles AS (
    SELECT
        edges.deadlock_id,
        hash(
            list_sort(list(DISTINCT [edges.owner, coalesce(edges.blocked_by, '')]))
        ) AS circle
    FROM _deadlock_edges AS edges
    SEMI JOIN first_records ON edges.deadlock_id = first_records.deadlock_id
    WHERE edges.owner IS NOT NULL
    GROUP BY edges.deadlock_id
),

-- Whatever is numbered is numbered in one go: windows of few rows each take much time.
timed AS MATERIALIZED (
    SELECT
        first_records.*,
        circles.circle
    FROM first_records
    LEFT OUTER JOIN circles ON first_records.deadlock_id = circles.deadlock_id
    WHERE first_records.occurred_at IS NOT NULL
),

-- A spell is over where two seconds pass without one.
steps AS (
    SELECT
        timed.*,
        coalesce(
            timed.circle = lag(timed.circle) OVER by_circle
            AND timed.occurred_at <= lag(timed.occurred_at) OVER by_circle + INTERVAL 2 SECOND,
            FALSE
        ) AS goes_on
    FROM timed
    WHERE timed.circle IS NOT NULL
    WINDOW by_circle AS (ORDER BY timed.circle, timed.occurred_at)
),

spells AS (
    SELECT
        steps.*,
        sum(CASE WHEN steps.goes_on THEN 0 ELSE 1 END) OVER (
            ORDER BY steps.circle, steps.occurred_at
        ) AS spell_no
    FROM steps
),

numbered AS MATERIALIZED (
    SELECT
        spells.*,
        dense_rank() OVER (
            PARTITION BY spells.format
            ORDER BY spells.spell_no, spells.occurred_at, spells.node, spells.shared_id
        ) AS deadlock_no
    FROM spells
),

firsts AS (
    SELECT
        numbered.spell_no,
        numbered.format,
        min(numbered.deadlock_no) AS first_no
    FROM numbered
    GROUP BY numbered.spell_no, numbered.format
),

-- The same number within a spell is the same deadlock, in each format that tells of it.
told_once AS (
    SELECT
        arg_min(
            numbered.deadlock_id,
            row(
                numbered.shared_id IS NULL,
                numbered.occurred_at = date_trunc('second', numbered.occurred_at),
                numbered.occurred_at,
                numbered.file_id,
                numbered.byte_offset,
                numbered.record_no
            )
        ) AS deadlock_id
    FROM numbered
    INNER JOIN firsts
        ON
            numbered.spell_no = firsts.spell_no
            AND numbered.format IS NOT DISTINCT FROM firsts.format
    GROUP BY numbered.spell_no, numbered.deadlock_no - firsts.first_no
),

told AS MATERIALIZED (
    SELECT
        timed.deadlock_id,
        timed.occurred_at,
        timed.service,
        timed.is_of_engine,
        timed.circle IS NULL AND NOT timed.is_of_engine AS is_bare
    FROM timed
    LEFT OUTER JOIN told_once ON timed.deadlock_id = told_once.deadlock_id
    WHERE timed.circle IS NULL OR told_once.deadlock_id IS NOT NULL
),

tellers AS (
    SELECT DISTINCT coalesce(told.service, '') AS teller
    FROM told
    WHERE told.is_bare
),

told_of AS (
    SELECT
        tellers.teller,
        told.deadlock_id,
        told.occurred_at,
        told.is_of_engine,
        coalesce(
            told.occurred_at <= lag(told.occurred_at) OVER (
                PARTITION BY tellers.teller
                ORDER BY told.occurred_at
            ) + INTERVAL 2 SECOND,
            FALSE
        ) AS goes_on
    FROM told
    CROSS JOIN tellers
    WHERE told.is_of_engine OR (told.is_bare AND tellers.teller = coalesce(told.service, ''))
),

told_of_spells AS MATERIALIZED (
    SELECT
        told_of.*,
        sum(CASE WHEN told_of.goes_on THEN 0 ELSE 1 END) OVER (
            PARTITION BY told_of.teller
            ORDER BY told_of.occurred_at
        ) AS spell_no,
        row_number() OVER (
            PARTITION BY told_of.teller, told_of.is_of_engine
            ORDER BY told_of.occurred_at, told_of.deadlock_id
        ) AS telling_no
    FROM told_of
),

told_counts AS (
    SELECT
        told_of_spells.teller,
        told_of_spells.spell_no,
        count(*) FILTER (WHERE told_of_spells.is_of_engine) AS reported_count,
        min(told_of_spells.telling_no) FILTER (WHERE NOT told_of_spells.is_of_engine)
            AS first_telling_no
    FROM told_of_spells
    GROUP BY told_of_spells.teller, told_of_spells.spell_no
),

echoes AS (
    SELECT told_of_spells.deadlock_id
    FROM told_of_spells
    INNER JOIN told_counts
        ON
            told_of_spells.teller = told_counts.teller
            AND told_of_spells.spell_no = told_counts.spell_no
    WHERE
        NOT told_of_spells.is_of_engine
        AND told_of_spells.telling_no - told_counts.first_telling_no
        < told_counts.reported_count
),

known AS (
    SELECT told.deadlock_id
    FROM told
    ANTI JOIN echoes ON told.deadlock_id = echoes.deadlock_id
    UNION ALL
    SELECT first_records.deadlock_id
    FROM first_records
    WHERE first_records.occurred_at IS NULL
)

SELECT
    first_records.deadlock_id,
    first_records.occurred_at,
    first_records.service,
    first_records.file_id,
    first_records.byte_offset
FROM first_records
SEMI JOIN known ON first_records.deadlock_id = known.deadlock_id
WHERE
    first_records.occurred_at IS NULL
    OR (
        first_records.occurred_at >= since::TIMESTAMP
        AND first_records.occurred_at < until::TIMESTAMP
    )
ORDER BY first_records.occurred_at, first_records.deadlock_id;
