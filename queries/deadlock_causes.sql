-- deadlock_causes: which events were handled when this deadlock came about, and what were they due to?
--
-- One row per event that directly caused the deadlock or a wait of it, and root of its chain.
-- The logs know them from the record of the deadlock or from those of its waits; no row
-- where neither names a cause. An event that is its own ancestor (bad data) has no root.
--
-- Parameters
--   deadlock  VARCHAR   deadlock_id as in deadlocks
--   lookback  INTERVAL  how far before the report waits and causes are looked for (default:
--                       1 hour)
--
-- Columns
--   event_id     VARCHAR    the event that was being handled
--   event_type   VARCHAR    its type, from its first observation; NULL for a ghost
--   entity       VARCHAR    its entity
--   service      VARCHAR    service of its first observation
--   occurred_at  TIMESTAMP  when it was first observed, UTC
--   owner        VARCHAR    who waited because of it; NULL when only the record of the
--                           deadlock names it
--   root_id      VARCHAR    event its chain began with
--   root_type    VARCHAR    type of the root; NULL for a ghost
--   steps        INTEGER    direct causes between the two on the shortest chain
--
-- Reads: events, causes, locks, _deadlock_edges
CREATE OR REPLACE MACRO deadlock_causes(deadlock, lookback := INTERVAL 1 HOUR) AS TABLE -- noqa: CP02
WITH RECURSIVE reports AS MATERIALIZED ( -- noqa: PRS
    SELECT
        found.reported_at,
        found.reported_at - lookback::INTERVAL AS since
    FROM (
        SELECT min(events.occurred_at) AS reported_at
        FROM events
        WHERE events.event_id = deadlock::VARCHAR
    ) AS found
),

-- Names of owners come again; the waits of this deadlock are the newest before the report.
waits AS MATERIALIZED (
    SELECT
        locks.event_id,
        locks.owner,
        locks.occurred_at
    FROM locks
    INNER JOIN _deadlock_edges AS edges
        ON locks.owner = edges.owner AND locks.resource = edges.resource
    CROSS JOIN reports
    WHERE
        edges.deadlock_id = deadlock::VARCHAR
        AND locks.operation = 'lock_wait'
        AND locks.event_id IS NOT NULL
        AND locks.occurred_at <= reports.reported_at
        AND locks.occurred_at > reports.since
    QUALIFY
        row_number() OVER (
            PARTITION BY locks.owner, locks.resource
            ORDER BY locks.occurred_at DESC, locks.file_id DESC, locks.byte_offset DESC
        ) = 1
),

-- Most chains that collide began within a minute: then their edges are among those of that
-- time. Joined and not compared with, for then blocks of other times are not read; through a
-- view over both kinds of causes they are (20 times as slow), so both are written out.
near_times AS MATERIALIZED (
    SELECT
        greatest(
            least(min(waits.occurred_at), any_value(reports.reported_at)) - INTERVAL 1 MINUTE,
            any_value(reports.since)
        ) AS since,
        any_value(reports.reported_at) AS reported_at
    FROM reports
    LEFT OUTER JOIN waits ON reports.reported_at IS NOT NULL
),

near_records AS MATERIALIZED (
    SELECT
        events.file_id,
        events.byte_offset,
        events.record_no,
        events.causation_id,
        events.event_id
    FROM events
    INNER JOIN near_times
        ON events.occurred_at >= near_times.since AND events.occurred_at <= near_times.reported_at
),

near_edges AS MATERIALIZED (
    SELECT
        near_records.causation_id AS cause_id,
        near_records.event_id AS effect_id
    FROM near_records
    WHERE near_records.causation_id <> near_records.event_id
    UNION
    SELECT
        causes.cause_id,
        causes.effect_id
    FROM causes
    INNER JOIN near_records
        ON
            causes.file_id = near_records.file_id
            AND causes.byte_offset = near_records.byte_offset
            AND causes.record_no = near_records.record_no
    WHERE causes.cause_id <> causes.effect_id
),

near_causes AS (
    SELECT deadlock::VARCHAR AS event_id
    UNION
    SELECT waits.event_id
    FROM waits
    UNION
    SELECT near_edges.cause_id AS event_id
    FROM near_causes
    INNER JOIN near_edges ON near_causes.event_id = near_edges.effect_id
),

-- Out of a list the planner expects few ids, and looks them up while it reads records.
near_ids AS MATERIALIZED (
    SELECT unnest(list(near_causes.event_id)) AS event_id
    FROM near_causes
),

leading_on AS MATERIALIZED (
    SELECT named.effect_id
    FROM (
        SELECT
            events.causation_id AS cause_id,
            events.event_id AS effect_id
        FROM events
        SEMI JOIN near_ids ON events.event_id = near_ids.event_id
        WHERE events.causation_id <> events.event_id
        UNION ALL
        SELECT
            causes.cause_id,
            causes.effect_id
        FROM causes
        SEMI JOIN near_ids ON causes.effect_id = near_ids.event_id
        WHERE causes.cause_id <> causes.effect_id
    ) AS named
    ANTI JOIN near_edges
        ON named.cause_id = near_edges.cause_id AND named.effect_id = near_edges.effect_id
),

far_times AS MATERIALIZED (
    SELECT
        reports.since,
        reports.reported_at
    FROM reports
    SEMI JOIN leading_on ON reports.reported_at IS NOT NULL
),

far_records AS MATERIALIZED (
    SELECT
        events.file_id,
        events.byte_offset,
        events.record_no,
        events.causation_id,
        events.event_id
    FROM events
    INNER JOIN far_times
        ON events.occurred_at >= far_times.since AND events.occurred_at <= far_times.reported_at
),

recent_edges AS MATERIALIZED (
    SELECT
        near_edges.cause_id,
        near_edges.effect_id
    FROM near_edges
    UNION
    SELECT
        far_records.causation_id AS cause_id,
        far_records.event_id AS effect_id
    FROM far_records
    WHERE far_records.causation_id <> far_records.event_id
    UNION
    SELECT
        causes.cause_id,
        causes.effect_id
    FROM causes
    INNER JOIN far_records
        ON
            causes.file_id = far_records.file_id
            AND causes.byte_offset = far_records.byte_offset
            AND causes.record_no = far_records.record_no
    WHERE causes.cause_id <> causes.effect_id
),

handled AS MATERIALIZED (
    SELECT
        edges.cause_id AS event_id,
        min(waits.owner) AS owner
    FROM recent_edges AS edges
    LEFT OUTER JOIN waits ON edges.effect_id = waits.event_id
    WHERE
        edges.effect_id = deadlock::VARCHAR
        OR edges.effect_id IN (SELECT waits.event_id FROM waits)
    GROUP BY edges.cause_id
),

above(event_id, ancestor_id, steps) USING KEY (event_id, ancestor_id, min(steps)) AS (
    SELECT
        handled.event_id,
        handled.event_id AS ancestor_id,
        0 AS steps
    FROM handled
    UNION
    SELECT
        above.event_id,
        edges.cause_id AS ancestor_id,
        above.steps + 1 AS steps
    FROM above
    INNER JOIN recent_edges AS edges ON above.ancestor_id = edges.effect_id
),

roots AS MATERIALIZED (
    SELECT
        above.event_id,
        above.ancestor_id AS root_id,
        above.steps
    FROM above
    ANTI JOIN recent_edges AS edges ON above.ancestor_id = edges.effect_id
),

named AS (
    SELECT roots.event_id FROM roots
    UNION
    SELECT roots.root_id AS event_id FROM roots
),

observed AS (
    SELECT
        events.event_id,
        events.event_type,
        events.entity,
        events.service,
        events.occurred_at
    FROM events
    SEMI JOIN named ON events.event_id = named.event_id
    QUALIFY
        row_number() OVER (
            PARTITION BY events.event_id
            ORDER BY
                events.occurred_at, events.file_id, events.byte_offset, events.record_no
        ) = 1
)

SELECT
    handled.event_id,
    event.event_type,
    event.entity,
    event.service,
    event.occurred_at,
    handled.owner,
    roots.root_id,
    root.event_type AS root_type,
    roots.steps
FROM handled
INNER JOIN roots ON handled.event_id = roots.event_id
LEFT OUTER JOIN observed AS event ON handled.event_id = event.event_id
LEFT OUTER JOIN observed AS root ON roots.root_id = root.event_id
ORDER BY event.occurred_at, handled.event_id, roots.steps, roots.root_id;
