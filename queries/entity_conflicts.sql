-- entity_conflicts: which writes overwrote, ignored or skipped a version of their entity?
--
-- One row per write in conflict. A write is an event that names the entity and the version
-- it made; records of one write count once. Versions are those of one service and entity,
-- for services may number copies of their own. Kinds, the first that holds:
-- lost_update (an earlier write began from the same expected version: two writers, and the
-- first one's change is gone), stale_write (a newer version than the expected one had been
-- written before), skip (the version is more than one above the newest before).
-- A write without a readable time has no place in the order.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   lookback  INTERVAL   how far before since writes are looked at (default: 1 hour)
--
-- Columns
--   occurred_at       TIMESTAMP  when it was written, UTC
--   kind              VARCHAR    lost_update, stale_write or skip
--   service           VARCHAR    service that wrote, else node
--   entity            VARCHAR    business object
--   event_id          VARCHAR    id of the write in conflict
--   event_type        VARCHAR    its type
--   node              VARCHAR    process instance that wrote
--   expected_version  BIGINT     version the writer had read
--   entity_version    BIGINT     version it made
--   newest_before     BIGINT     newest version written before; NULL for the first write
--   other_event_id    VARCHAR    lost_update: the first write from the same version; else
--                                the write of newest_before
--   other_node        VARCHAR    process instance of that write
--   file_id           INTEGER    file of the record
--   byte_offset       BIGINT     first byte of the record
--
-- Source: Berenson et al. 1995 (P4, lost update); Fowler 2002 (optimistic offline lock).
-- Reads: events
CREATE OR REPLACE MACRO entity_conflicts(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH recorded AS (
    SELECT
        coalesce(events.service, events.node) AS service,
        events.entity,
        events.event_id,
        events.event_type,
        events.node,
        events.expected_version,
        events.entity_version,
        events.occurred_at,
        events.file_id,
        events.byte_offset,
        events.record_no
    FROM events
    WHERE
        events.entity IS NOT NULL
        AND events.entity_version IS NOT NULL
        AND events.occurred_at >= since::TIMESTAMP - lookback::INTERVAL
        AND events.occurred_at < until::TIMESTAMP
    QUALIFY
        events.event_id IS NULL
        OR row_number() OVER (
            PARTITION BY
                coalesce(events.service, events.node),
                events.entity,
                events.entity_version,
                events.event_id
            ORDER BY
                events.expected_version IS NULL,
                events.occurred_at,
                events.file_id,
                events.byte_offset,
                events.record_no
        ) = 1
),

placed AS (
    SELECT
        recorded.*,
        max(recorded.entity_version) OVER before_this AS newest_before,
        arg_max(
            struct_pack(event_id := recorded.event_id, node := recorded.node),
            recorded.entity_version
        ) OVER before_this AS newest_write,
        lag(struct_pack(event_id := recorded.event_id, node := recorded.node)) OVER (
            PARTITION BY recorded.service, recorded.entity, recorded.expected_version
            ORDER BY
                recorded.occurred_at,
                recorded.file_id,
                recorded.byte_offset,
                recorded.record_no
        ) AS write_before,
        first(struct_pack(event_id := recorded.event_id, node := recorded.node)) OVER (
            PARTITION BY recorded.service, recorded.entity, recorded.expected_version
            ORDER BY
                recorded.occurred_at,
                recorded.file_id,
                recorded.byte_offset,
                recorded.record_no
        ) AS first_write
    FROM recorded
    WINDOW before_this AS (
        PARTITION BY recorded.service, recorded.entity
        ORDER BY
            recorded.occurred_at,
            recorded.file_id,
            recorded.byte_offset,
            recorded.record_no
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

judged AS (
    SELECT
        placed.*,
        CASE
            WHEN placed.expected_version IS NOT NULL AND placed.write_before IS NOT NULL
                THEN 'lost_update'
            WHEN placed.expected_version < placed.newest_before THEN 'stale_write'
            WHEN placed.entity_version::HUGEINT - placed.newest_before > 1 THEN 'skip'
        END AS kind
    FROM placed
    WHERE placed.occurred_at >= since::TIMESTAMP
)

SELECT
    judged.occurred_at,
    judged.kind,
    judged.service,
    judged.entity,
    judged.event_id,
    judged.event_type,
    judged.node,
    judged.expected_version,
    judged.entity_version,
    judged.newest_before,
    CASE
        WHEN judged.kind = 'lost_update' THEN judged.first_write.event_id
        ELSE judged.newest_write.event_id
    END AS other_event_id,
    CASE
        WHEN judged.kind = 'lost_update' THEN judged.first_write.node
        ELSE judged.newest_write.node
    END AS other_node,
    judged.file_id,
    judged.byte_offset
FROM judged
WHERE judged.kind IS NOT NULL
ORDER BY judged.occurred_at, judged.file_id, judged.byte_offset, judged.event_id;
