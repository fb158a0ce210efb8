-- schema_versions: which versions of an event type are in flight at the same time?
--
-- One row per event type and schema version that records of the window name. mixed_ms says
-- how long an older version went on after this one had first been seen; NULL: none did.
-- What has no readable time is in no window.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   event_type      VARCHAR    type of the event
--   schema_version  VARCHAR    version of its schema
--   event_count     BIGINT     observations that name it
--   node_count      BIGINT     process instances that logged it
--   first_at        TIMESTAMP  first of them, UTC
--   last_at         TIMESTAMP  last of them, UTC
--   version_count   BIGINT     versions of the type in the window
--   mixed_ms        DOUBLE     time in which this version and an older one were both in use
--   older_version   VARCHAR    the older one that went on longest
--
-- Reads: events
CREATE OR REPLACE MACRO schema_versions(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
WITH used AS (
    SELECT
        events.event_type,
        events.schema_version,
        count(*) AS event_count,
        count(DISTINCT events.node) AS node_count,
        min(events.occurred_at) AS first_at,
        max(events.occurred_at) AS last_at
    FROM events
    WHERE
        events.event_type IS NOT NULL
        AND events.schema_version IS NOT NULL
        AND events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
    GROUP BY events.event_type, events.schema_version
),

compared AS (
    SELECT
        used.*,
        count(*) OVER (PARTITION BY used.event_type) AS version_count,
        max(struct_pack(last_at := used.last_at, version := used.schema_version)) OVER (
            PARTITION BY used.event_type
            ORDER BY used.first_at, used.schema_version
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS older
    FROM used
)

SELECT
    compared.event_type,
    compared.schema_version,
    compared.event_count,
    compared.node_count,
    compared.first_at,
    compared.last_at,
    compared.version_count,
    CASE
        WHEN compared.older.last_at >= compared.first_at
            THEN
                (
                    epoch_us(least(compared.older.last_at, compared.last_at))
                    - epoch_us(compared.first_at)
                ) / 1000
    END AS mixed_ms,
    CASE
        WHEN compared.older.last_at >= compared.first_at THEN compared.older.version
    END AS older_version
FROM compared
ORDER BY compared.event_type, compared.first_at, compared.schema_version;
