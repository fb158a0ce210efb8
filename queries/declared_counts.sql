-- declared_counts: did as many events of a transaction come as its end declares?
--
-- One row per end of a transaction in the window that says how many events it had, and one
-- per table where it says so for each; collection is NULL for the whole. Such ends are
-- records of the type END with the field event_count (the transaction topic of Debezium).
-- Its events are those with its correlation id; copies count once.
--
-- Parameters
--   since             TIMESTAMP  first instant included (default: the oldest event)
--   until             TIMESTAMP  first instant excluded (default: the newest event)
--   allowed_lateness  INTERVAL   how long an event may come late (default: 1 minute)
--   lookback          INTERVAL   how far before since and after until events are looked at
--                                (default: 1 hour)
--
-- Columns
--   ended_at        TIMESTAMP  when the transaction ended, UTC
--   correlation_id  VARCHAR    the transaction
--   collection      VARCHAR    table; NULL: all of the transaction
--   declared_count  BIGINT     events that its end declares
--   arrived_count   BIGINT     different events of it in the log
--   missing_count   BIGINT     declared_count - arrived_count; below 0: more than declared
--   state           VARCHAR    complete; surplus: more than declared; lost: events are
--                              missing and the log went on for longer than
--                              allowed_lateness; open: they may still come
--
-- Source: Debezium documentation, "Transaction metadata" (END, event_count).
-- Reads: events
CREATE OR REPLACE MACRO declared_counts(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    allowed_lateness := INTERVAL 1 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH ends AS MATERIALIZED (
    SELECT
        events.correlation_id,
        max(events.occurred_at) AS ended_at,
        max(events.attributes::VARCHAR) AS declared
    FROM events
    WHERE
        events.event_type = 'END'
        AND events.correlation_id IS NOT NULL
        AND events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
        AND (events.attributes ->> '$.event_count') IS NOT NULL
    GROUP BY events.correlation_id
),

declared AS (
    SELECT
        ends.correlation_id,
        ends.ended_at,
        NULL AS collection,
        try_cast(ends.declared ->> '$.event_count' AS BIGINT) AS declared_count
    FROM ends
    UNION ALL
    SELECT
        ends.correlation_id,
        ends.ended_at,
        part.value ->> '$.data_collection' AS collection,
        try_cast(part.value ->> '$.event_count' AS BIGINT) AS declared_count
    FROM ends
    CROSS JOIN json_each(ends.declared, '$.data_collections') AS part
),

arrived AS (
    SELECT
        events.correlation_id,
        events.stream AS collection,
        grouping_id(events.stream) = 1 AS is_whole,
        count(DISTINCT coalesce(
            events.event_id,
            events.file_id || '/' || events.byte_offset || '/' || events.record_no
        )) AS arrived_count
    FROM events
    SEMI JOIN ends ON events.correlation_id = ends.correlation_id
    WHERE
        events.occurred_at >= since::TIMESTAMP - lookback::INTERVAL
        AND events.occurred_at < until::TIMESTAMP + lookback::INTERVAL
        AND coalesce(events.event_type, '') NOT IN ('BEGIN', 'END')
    GROUP BY GROUPING SETS (
        (events.correlation_id),
        (events.correlation_id, events.stream)
    )
),

newest AS (
    SELECT max(events.occurred_at) AS newest_at
    FROM events
    WHERE events.occurred_at >= since::TIMESTAMP
),

compared AS (
    SELECT
        declared.ended_at,
        declared.correlation_id,
        declared.collection,
        declared.declared_count,
        coalesce(arrived.arrived_count, 0) AS arrived_count,
        newest.newest_at > declared.ended_at + allowed_lateness::INTERVAL AS is_over
    FROM declared
    CROSS JOIN newest
    LEFT OUTER JOIN arrived
        ON
            declared.correlation_id = arrived.correlation_id
            AND (declared.collection IS NULL) = arrived.is_whole
            AND coalesce(declared.collection = arrived.collection, arrived.is_whole)
    WHERE declared.declared_count IS NOT NULL
)

SELECT
    compared.ended_at,
    compared.correlation_id,
    compared.collection,
    compared.declared_count,
    compared.arrived_count,
    compared.declared_count - compared.arrived_count AS missing_count,
    CASE
        WHEN compared.arrived_count = compared.declared_count THEN 'complete'
        WHEN compared.arrived_count > compared.declared_count THEN 'surplus'
        WHEN compared.is_over THEN 'lost'
        ELSE 'open'
    END AS state
FROM compared
ORDER BY
    compared.ended_at ASC,
    compared.correlation_id ASC,
    compared.collection ASC NULLS FIRST;
