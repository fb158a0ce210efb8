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
-- Reads: events, notes
CREATE OR REPLACE MACRO changes_before(
    onset,
    within := INTERVAL 30 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH observed AS (
    SELECT
        coalesce(events.service, events.node) AS service,
        events.node,
        events.event_type,
        events.schema_version,
        events.stream,
        min(
            {
                'occurred_at': events.occurred_at,
                'file_id': events.file_id,
                'byte_offset': events.byte_offset,
                'record_no': events.record_no,
                'node': events.node,
                'event_id': events.event_id
            }
        ) AS first_seen
    FROM events
    WHERE
        events.occurred_at
        >= onset::TIMESTAMP - within::INTERVAL - lookback::INTERVAL
        AND events.occurred_at < onset::TIMESTAMP
        AND coalesce(events.operation, '') NOT IN ('change', 'start', 'stop', 'crash')
    GROUP BY ALL
),

known AS (
    SELECT DISTINCT observed.service
    FROM observed
    WHERE observed.first_seen.occurred_at < onset::TIMESTAMP - within::INTERVAL
),

sights AS (
    SELECT
        observed.service,
        observed.first_seen,
        unnest(
            [
                struct_pack(kind := 'new_node', subject := observed.node),
                struct_pack(kind := 'new_event_type', subject := observed.event_type),
                struct_pack(
                    kind := 'new_schema_version',
                    subject := coalesce(observed.event_type || ' ', '')
                    || observed.schema_version
                ),
                struct_pack(kind := 'new_stream', subject := observed.stream)
            ]
        ) AS sight
    FROM observed
    WHERE observed.service IN (SELECT known.service FROM known)
),

firsts AS (
    SELECT
        sights.sight.kind,
        sights.service,
        sights.sight.subject,
        min(sights.first_seen) AS first_seen
    FROM sights
    WHERE sights.sight.subject IS NOT NULL
    GROUP BY sights.sight.kind, sights.service, sights.sight.subject
),

found AS (
    SELECT
        events.occurred_at,
        events.operation AS kind,
        coalesce(events.service, events.node) AS service,
        events.node,
        coalesce(events.message, events.event_type) AS subject,
        events.event_id,
        events.file_id,
        events.byte_offset
    FROM events
    WHERE
        events.operation IN ('change', 'start', 'stop', 'crash')
        AND events.occurred_at >= onset::TIMESTAMP - within::INTERVAL
        AND events.occurred_at < onset::TIMESTAMP
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
    WHERE firsts.first_seen.occurred_at >= onset::TIMESTAMP - within::INTERVAL
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
