-- event_facets: which services, streams, types and operations are there to filter by?
--
-- One row per field and value with events in the window, the most frequent values of each
-- field first, at most row_limit per field. Absent values are no rows.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   row_limit  BIGINT     values of one field at most (default: 100)
--
-- Columns
--   field        VARCHAR  service, stream, event_type or operation
--   value        VARCHAR  a value of the field
--   event_count  BIGINT   observations with it
--
-- Reads: events
CREATE OR REPLACE MACRO event_facets(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    row_limit := 100
) AS TABLE
WITH combined AS (
    SELECT
        events.service,
        events.stream,
        events.event_type,
        events.operation,
        count(*) AS event_count
    FROM events
    WHERE
        (
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
    GROUP BY events.service, events.stream, events.event_type, events.operation
),

listed AS (
    SELECT
        'service' AS field,
        combined.service AS value,
        combined.event_count
    FROM combined
    UNION ALL
    SELECT
        'stream' AS field,
        combined.stream AS value,
        combined.event_count
    FROM combined
    UNION ALL
    SELECT
        'event_type' AS field,
        combined.event_type AS value,
        combined.event_count
    FROM combined
    UNION ALL
    SELECT
        'operation' AS field,
        combined.operation AS value,
        combined.event_count
    FROM combined
),

summed AS (
    SELECT
        listed.field,
        listed.value,
        sum(listed.event_count)::BIGINT AS event_count
    FROM listed
    WHERE listed.value IS NOT NULL
    GROUP BY listed.field, listed.value
)

SELECT
    summed.field,
    summed.value,
    summed.event_count
FROM summed
QUALIFY
    row_number() OVER (
        PARTITION BY summed.field
        ORDER BY summed.event_count DESC, summed.value ASC
    ) <= row_limit::BIGINT
ORDER BY summed.field ASC, summed.event_count DESC, summed.value ASC;
