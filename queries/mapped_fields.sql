-- mapped_fields: which field of which logs is taken for what, who says so, and how sure is it?
--
-- One row per kind of logs, format and role: a role that a field fills, or of which the
-- format itself makes something. Kinds of logs are files that are written alike: their path
-- with # for numbers. Roles are called as in the file of --config, and come in this order:
-- id, cause, parent, correlation, sequence, key, epoch, entity, version, expected_version,
-- time, type, service, node, operation, stream, schema_version, attempt. What the values
-- of no record of a kind tell has no confidence. Counts are of the newest records.
--
-- Parameters
--   row_limit  BIGINT  how many of the newest records are counted, at least (default:
--                      1000000)
--
-- Columns
--   scope        VARCHAR    kind of logs: path with # for numbers, without what rotation adds
--   format       VARCHAR    log format that reads them
--   role         VARCHAR    what the field is taken for
--   fields       JSON       paths of the fields, each as its keys from the top of a record;
--                           the one that the values tell first, [] where the format makes it
--   source       VARCHAR    who says so: said (by you), values, name, format
--   confidence   DOUBLE     where the values tell it: how surely, 0 to 1
--   evidence     JSON       what was counted of the values
--   is_dropped   BOOLEAN    whether no field is taken though some are called so
--   known_count  BIGINT     records of the newest that have it, NULL for parent
--   event_count  BIGINT     records of the kind and format among the newest
--   file_count   BIGINT     files of the kind
--   decided_at   TIMESTAMP  when the values confirmed it last, UTC
--
-- Reads: batches, events, field_roles, field_uses, file_scopes
CREATE OR REPLACE MACRO mapped_fields(row_limit := 1000000) AS TABLE
WITH roles (place, role, column_name) AS (
    VALUES
    (1, 'id', 'event_id'),
    (2, 'cause', 'causation_id'),
    (3, 'parent', 'parent_id'),
    (4, 'correlation', 'correlation_id'),
    (5, 'sequence', 'sequence'),
    (6, 'key', 'stream_key'),
    (7, 'epoch', 'epoch'),
    (8, 'entity', 'entity'),
    (9, 'version', 'entity_version'),
    (10, 'expected_version', 'expected_version'),
    (11, 'time', 'occurred_at'),
    (12, 'type', 'event_type'),
    (13, 'service', 'service'),
    (14, 'node', 'node'),
    (15, 'operation', 'operation'),
    (16, 'stream', 'stream'),
    (17, 'schema_version', 'schema_version'),
    (18, 'attempt', 'attempt')
),

sums AS (
    SELECT
        batches.committed_at,
        sum(batches.event_count) OVER (ORDER BY batches.batch_id DESC) AS newer_count
    FROM batches
),

newest AS (
    SELECT
        coalesce(
            max(sums.committed_at) FILTER (WHERE sums.newer_count >= row_limit::BIGINT),
            '-infinity'::TIMESTAMP
        ) AS since
    FROM sums
),

counted AS (
    SELECT
        file_scopes.scope,
        events.format,
        count(*) AS event_count,
        {
            'event_id': count(events.event_id),
            'causation_id': count(events.causation_id),
            'correlation_id': count(events.correlation_id),
            'sequence': count(events.sequence),
            'stream_key': count(events.stream_key),
            'epoch': count(events.epoch),
            'entity': count(events.entity),
            'entity_version': count(events.entity_version),
            'expected_version': count(events.expected_version),
            'occurred_at': count(events.occurred_at),
            'event_type': count(events.event_type),
            'service': count(events.service),
            'node': count(events.node),
            'operation': count(events.operation),
            'stream': count(events.stream),
            'schema_version': count(events.schema_version),
            'attempt': count(events.attempt)
        }::JSON AS known
    FROM events
    INNER JOIN file_scopes ON events.file_id = file_scopes.file_id
    WHERE events.ingested_at >= (SELECT newest.since FROM newest)
    GROUP BY file_scopes.scope, events.format
),

kinds AS (
    SELECT
        counted.scope,
        counted.format
    FROM counted
    UNION
    SELECT
        field_uses.scope,
        field_uses.format
    FROM field_uses
),

files_of AS (
    SELECT
        file_scopes.scope,
        count(*) AS file_count
    FROM file_scopes
    GROUP BY file_scopes.scope
),

-- A file may hold several kinds of records, which tell of the same field each by itself.
told AS (
    SELECT
        field_roles.scope,
        field_roles.role,
        field_roles.field,
        max(field_roles.confidence) AS confidence,
        arg_max(field_roles.evidence, (field_roles.confidence, field_roles.evidence))
            AS evidence,
        max(field_roles.decided_at) AS decided_at
    FROM field_roles
    GROUP BY field_roles.scope, field_roles.role, field_roles.field
),

used AS (
    SELECT
        field_uses.scope,
        field_uses.format,
        CASE field_uses.role
            WHEN 'broker_sequence' THEN 'sequence' ELSE field_uses.role
        END AS column_name,
        field_uses.field,
        arg_min(
            field_uses.source,
            list_position(['said', 'values', 'format', 'name'], field_uses.source)
        ) AS source
    FROM field_uses
    GROUP BY ALL
),

filled AS (
    SELECT
        used.scope,
        used.format,
        used.column_name,
        list(
            used.field::JSON
            ORDER BY
                told.field IS NOT NULL DESC,
                told.confidence DESC,
                list_position(['said', 'values', 'format', 'name'], used.source) ASC,
                used.field ASC
        ) AS fields,
        arg_min(
            used.source, list_position(['said', 'values', 'format', 'name'], used.source)
        ) AS source,
        arg_max(told.field, (told.confidence, told.field)) AS told_field
    FROM used
    LEFT OUTER JOIN told
        ON
            used.scope = told.scope
            AND used.column_name = told.role
            AND used.field = told.field
    GROUP BY used.scope, used.format, used.column_name
),

joined AS (
    SELECT
        roles.place,
        kinds.scope,
        kinds.format,
        roles.role,
        filled.fields,
        filled.source,
        told.confidence,
        told.evidence,
        told.decided_at,
        told.field = '[]' AND filled.fields IS NULL AS is_dropped,
        (counted.known ->> roles.column_name)::BIGINT AS known_count,
        counted.event_count,
        files_of.file_count
    FROM kinds
    CROSS JOIN roles
    LEFT OUTER JOIN filled
        ON
            kinds.scope = filled.scope
            AND kinds.format = filled.format
            AND roles.column_name = filled.column_name
    LEFT OUTER JOIN told
        ON
            kinds.scope = told.scope
            AND roles.column_name = told.role
            AND (
                filled.told_field = told.field
                OR (filled.fields IS NULL AND told.field = '[]')
            )
    LEFT OUTER JOIN counted ON kinds.scope = counted.scope AND kinds.format = counted.format
    LEFT OUTER JOIN files_of ON kinds.scope = files_of.scope
)

SELECT
    joined.scope,
    joined.format,
    joined.role,
    coalesce(to_json(joined.fields), '[]')::JSON AS fields,
    coalesce(
        joined.source,
        CASE WHEN joined.is_dropped THEN 'values' ELSE 'format' END
    ) AS source,
    joined.confidence,
    joined.evidence,
    coalesce(joined.is_dropped, FALSE) AS is_dropped,
    joined.known_count,
    coalesce(joined.event_count, 0) AS event_count,
    coalesce(joined.file_count, 0) AS file_count,
    joined.decided_at
FROM joined
WHERE joined.fields IS NOT NULL OR joined.known_count > 0 OR joined.is_dropped
ORDER BY joined.scope, joined.format, joined.place;
