-- changes_before: what changed shortly before something began?
--
-- One row per change in the time before the onset, the latest first. change, start, stop
-- and crash are records that say so, a note is what somebody added. The others are first
-- sights: a node, a type of event, a version of a schema or a stream that the service shows
-- for the first time, of which nothing is logged in the lookback before. Without any event
-- of the service in the lookback it is not known what is new, and no first sight is told.
-- Earlier is not "because of": explain_difference says which changes the difference follows.
--
-- Parameters
--   onset     TIMESTAMP  when it began; changes are before it
--   within    INTERVAL   how long before (default: 30 minutes)
--   lookback  INTERVAL   how far before that known things are looked for (default: 1 hour)
--
-- Columns
--   occurred_at  TIMESTAMP  when it changed or was first seen, UTC
--   before_ms    DOUBLE     time from there to the onset
--   kind         VARCHAR    change, start, stop, crash, note, or new_node, new_event_type,
--                           new_schema_version, new_stream
--   service      VARCHAR    service of the record, else node, or service of the note
--   node         VARCHAR    process instance that wrote the record
--   subject      VARCHAR    what the record or the note says of the change, or what is new
--   event_id     VARCHAR    id of the event that shows it
--   file_id      INTEGER    file of the record
--   byte_offset  BIGINT     first byte of the record
--
-- Reads: events, _told_changes, notes
CREATE OR REPLACE MACRO changes_before(
    onset,
    within := INTERVAL 30 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH observed AS NOT MATERIALIZED (
    SELECT
        coalesce(events.service, events.node) AS service,
        events.node,
        events.event_type,
        coalesce(events.event_type || ' ', '') || events.schema_version AS typed_version,
        events.stream,
        events.occurred_at,
        events.event_id,
        events.file_id,
        events.byte_offset,
        events.record_no
    FROM events
    WHERE
        events.occurred_at
        >= onset::TIMESTAMP - within::INTERVAL - lookback::INTERVAL
        AND events.occurred_at < onset::TIMESTAMP
        AND coalesce(events.operation, '') NOT IN ('change', 'start', 'stop', 'crash')
),

-- Narrow groups: there may be as many streams as events are in a second.
sights AS (
    SELECT
        'new_node' AS kind,
        observed.service,
        observed.node AS subject,
        min(observed.occurred_at) AS first_at
    FROM observed
    GROUP BY observed.service, observed.node
    UNION ALL
    SELECT
        'new_event_type' AS kind,
        observed.service,
        observed.event_type AS subject,
        min(observed.occurred_at) AS first_at
    FROM observed
    GROUP BY observed.service, observed.event_type
    UNION ALL
    SELECT
        'new_schema_version' AS kind,
        observed.service,
        observed.typed_version AS subject,
        min(observed.occurred_at) AS first_at
    FROM observed
    GROUP BY observed.service, observed.typed_version
    UNION ALL
    SELECT
        'new_stream' AS kind,
        observed.service,
        observed.stream AS subject,
        min(observed.occurred_at) AS first_at
    FROM observed
    GROUP BY observed.service, observed.stream
),

known AS (
    SELECT DISTINCT observed.service
    FROM observed
    WHERE observed.occurred_at < onset::TIMESTAMP - within::INTERVAL
),

new_sights AS MATERIALIZED (
    SELECT
        sights.kind,
        sights.service,
        sights.subject,
        sights.first_at
    FROM sights
    WHERE
        sights.subject IS NOT NULL
        AND sights.first_at >= onset::TIMESTAMP - within::INTERVAL
        AND sights.service IN (SELECT known.service FROM known)
),

firsts AS (
    SELECT
        new_sights.kind,
        new_sights.service,
        new_sights.subject,
        min(
            {
                'occurred_at': observed.occurred_at,
                'file_id': observed.file_id,
                'byte_offset': observed.byte_offset,
                'record_no': observed.record_no,
                'node': observed.node,
                'event_id': observed.event_id
            }
        ) AS first_seen
    FROM new_sights
    INNER JOIN observed
        ON
            new_sights.first_at = observed.occurred_at
            AND new_sights.service = observed.service
            AND new_sights.subject = CASE new_sights.kind
                WHEN 'new_node' THEN observed.node
                WHEN 'new_event_type' THEN observed.event_type
                WHEN 'new_schema_version' THEN observed.typed_version
                ELSE observed.stream
            END
    GROUP BY new_sights.kind, new_sights.service, new_sights.subject
),

found AS (
    SELECT
        records.occurred_at,
        records.kind,
        records.service,
        records.node,
        records.subject,
        records.event_id,
        records.file_id,
        records.byte_offset
    FROM _told_changes(since := onset::TIMESTAMP - within::INTERVAL, until := onset) AS records
    WHERE records.occurred_at >= onset::TIMESTAMP - within::INTERVAL
    UNION ALL
    SELECT
        firsts.first_seen.occurred_at,
        firsts.kind,
        firsts.service,
        firsts.first_seen.node,
        firsts.subject,
        firsts.first_seen.event_id,
        firsts.first_seen.file_id,
        firsts.first_seen.byte_offset
    FROM firsts
    UNION ALL
    SELECT
        noted.noted_at AS occurred_at,
        'note' AS kind,
        noted.service,
        NULL AS node,
        noted.text AS subject,
        NULL AS event_id,
        NULL AS file_id,
        NULL AS byte_offset
    FROM notes(since := onset::TIMESTAMP - within::INTERVAL, until := onset) AS noted
    WHERE noted.noted_at >= onset::TIMESTAMP - within::INTERVAL
)

SELECT
    found.occurred_at,
    (epoch_us(onset::TIMESTAMP) - epoch_us(found.occurred_at)) / 1000 AS before_ms,
    found.kind,
    found.service,
    found.node,
    found.subject,
    found.event_id,
    found.file_id,
    found.byte_offset
FROM found
ORDER BY
    found.occurred_at DESC,
    found.kind ASC,
    found.service ASC,
    found.subject ASC,
    found.file_id ASC,
    found.byte_offset ASC;
