-- field_changes: which fields of an event type appear, vanish or change their type?
--
-- One row per event type, operation, field and change. Fields are those that no column holds, at the
-- top of the record; null is no type, and all numbers are of one.
-- appeared: at least min_count events of the type came before the first with the field, and
-- at least half of those since have it. vanished: the same the other way round. An
-- optional field does neither. type_changed: values of more than one type.
-- What has no readable time is in no window.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   min_count  BIGINT     least events without the field (default: 20)
--
-- Columns
--   event_type    VARCHAR    type of the event
--   operation     VARCHAR    operation of the records: sent and received ones of a type
--                            may hold different fields
--   field         VARCHAR    name of the field
--   change        VARCHAR    appeared, vanished or type_changed
--   changed_at    TIMESTAMP  first event with the field, last event with it, or first
--                            event with the newest type, UTC
--   value_types   VARCHAR[]  types of its values, the earliest first: text, number,
--                            boolean, object, array
--   with_count    BIGINT     events of the type that have the field
--   event_count   BIGINT     events of the type
--   before_count  BIGINT     of these, before the first one with the field
--   after_count   BIGINT     of these, after the last one with the field
--
-- Reads: events
CREATE OR REPLACE MACRO field_changes(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    min_count := 20
) AS TABLE
WITH typed AS NOT MATERIALIZED (
    SELECT
        events.event_type,
        events.occurred_at,
        events.operation,
        events.attributes
    FROM events
    WHERE
        events.event_type IS NOT NULL
        AND events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
),

-- Many records have one structure, so that few of them are taken apart.
structures AS MATERIALIZED (
    SELECT
        typed.event_type,
        typed.operation,
        json_structure(typed.attributes) AS structure,
        count(*) AS event_count,
        min(typed.occurred_at) AS first_at,
        max(typed.occurred_at) AS last_at
    FROM typed
    GROUP BY ALL
),

fields AS (
    SELECT
        structures.event_type,
        structures.operation,
        structures.event_count,
        structures.first_at,
        structures.last_at,
        field.key AS field,
        CASE
            WHEN json_type(field.value) != 'VARCHAR' THEN lower(json_type(field.value))
            WHEN field.value ->> '$' = 'VARCHAR' THEN 'text'
            WHEN field.value ->> '$' = 'BOOLEAN' THEN 'boolean'
            WHEN field.value ->> '$' != 'NULL' THEN 'number'
        END AS value_type
    FROM structures
    CROSS JOIN json_each(structures.structure) AS field
    WHERE json_type(structures.structure) = 'OBJECT'
),

by_type AS (
    SELECT
        fields.event_type,
        fields.operation,
        fields.field,
        fields.value_type,
        sum(fields.event_count) AS with_count,
        min(fields.first_at) AS first_at,
        max(fields.last_at) AS last_at
    FROM fields
    WHERE fields.value_type IS NOT NULL
    GROUP BY fields.event_type, fields.operation, fields.field, fields.value_type
),

spans AS MATERIALIZED (
    SELECT
        by_type.event_type,
        by_type.operation,
        by_type.field,
        list(by_type.value_type ORDER BY by_type.first_at, by_type.value_type)
            AS value_types,
        sum(by_type.with_count) AS with_count,
        min(by_type.first_at) AS first_at,
        max(by_type.last_at) AS last_at,
        max(by_type.first_at) AS newest_type_at
    FROM by_type
    GROUP BY by_type.event_type, by_type.operation, by_type.field
),

totals AS (
    SELECT
        structures.event_type,
        structures.operation,
        sum(structures.event_count) AS event_count
    FROM structures
    GROUP BY structures.event_type, structures.operation
),

optional AS (
    SELECT
        spans.event_type,
        spans.operation,
        spans.field,
        spans.first_at,
        spans.last_at
    FROM spans
    INNER JOIN totals
        ON
            spans.event_type = totals.event_type
            AND spans.operation IS NOT DISTINCT FROM totals.operation
            AND spans.with_count < totals.event_count
),

outside AS (
    SELECT
        optional.event_type,
        optional.operation,
        optional.field,
        count(*) FILTER (WHERE typed.occurred_at < optional.first_at) AS before_count,
        count(*) FILTER (WHERE typed.occurred_at > optional.last_at) AS after_count
    FROM optional
    INNER JOIN typed
        ON
            optional.event_type = typed.event_type
            AND optional.operation IS NOT DISTINCT FROM typed.operation
    GROUP BY optional.event_type, optional.operation, optional.field
),

judged AS (
    SELECT
        spans.event_type,
        spans.operation,
        spans.field,
        spans.value_types,
        spans.first_at,
        spans.last_at,
        spans.newest_type_at,
        spans.with_count,
        totals.event_count,
        coalesce(outside.before_count, 0) AS before_count,
        coalesce(outside.after_count, 0) AS after_count
    FROM spans
    INNER JOIN totals
        ON
            spans.event_type = totals.event_type
            AND spans.operation IS NOT DISTINCT FROM totals.operation
    LEFT OUTER JOIN outside
        ON
            spans.event_type = outside.event_type
            AND spans.operation IS NOT DISTINCT FROM outside.operation
            AND spans.field = outside.field
),

changed AS (
    SELECT
        judged.*,
        unnest(
            [
                CASE
                    WHEN
                        judged.before_count >= min_count::BIGINT
                        AND 2 * judged.with_count
                        >= judged.event_count - judged.before_count
                        THEN
                            struct_pack(
                                change := 'appeared', changed_at := judged.first_at
                            )
                END,
                CASE
                    WHEN
                        judged.after_count >= min_count::BIGINT
                        AND 2 * judged.with_count
                        >= judged.event_count - judged.after_count
                        THEN
                            struct_pack(
                                change := 'vanished', changed_at := judged.last_at
                            )
                END,
                CASE
                    WHEN len(judged.value_types) > 1
                        THEN
                            struct_pack(
                                change := 'type_changed',
                                changed_at := judged.newest_type_at
                            )
                END
            ]
        ) AS change
    FROM judged
)

SELECT
    changed.event_type,
    changed.operation,
    changed.field,
    changed.change.change,
    changed.change.changed_at,
    changed.value_types,
    changed.with_count::BIGINT AS with_count,
    changed.event_count::BIGINT AS event_count,
    changed.before_count,
    changed.after_count
FROM changed
WHERE changed.change IS NOT NULL
ORDER BY
    changed.change.changed_at,
    changed.event_type,
    changed.operation,
    changed.field,
    changed.change.change;
