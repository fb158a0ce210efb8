-- _told_changes: which records say that something was changed, started, stopped or crashed, and what?
--
-- One row per such record of the window. What was changed is what the record says in words. The
-- setting, its old and its new value, or the version, stand behind it where the words do not
-- hold them, behind a start the version alone: a record often says no more than that a setting
-- was changed.
-- What has no readable time is there when no window is asked for, and in no window.
-- There is no order.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   occurred_at  TIMESTAMP  when, by the clock of the writing node, UTC
--   kind         VARCHAR    change, start, stop or crash
--   service      VARCHAR    service of the record, else node
--   node         VARCHAR    process instance that wrote the record
--   event_type   VARCHAR    type of the event
--   subject      VARCHAR    what the record says of it, else its type, and what it was set to
--   event_id     VARCHAR    id of the event
--   file_id      INTEGER    file of the record
--   byte_offset  BIGINT     first byte of the record
--   record_no    INTEGER    number of the observation within its record
--
-- Reads: events
CREATE OR REPLACE MACRO _told_changes(
    since := '-infinity'::TIMESTAMP, until := 'infinity'::TIMESTAMP
) AS TABLE
WITH told AS MATERIALIZED (
    SELECT
        events.occurred_at,
        events.operation AS kind,
        coalesce(events.service, events.node) AS service,
        events.node,
        events.event_type,
        coalesce(events.message, events.event_type, events.operation) AS words,
        events.stream_key,
        events.attributes,
        events.event_id,
        events.file_id,
        events.byte_offset,
        events.record_no
    FROM events
    WHERE
        events.operation IN ('change', 'start', 'stop', 'crash')
        AND (
            (events.occurred_at >= since::TIMESTAMP AND events.occurred_at < until::TIMESTAMP)
            OR (
                events.occurred_at IS NULL
                AND since::TIMESTAMP = '-infinity'::TIMESTAMP
                AND until::TIMESTAMP = 'infinity'::TIMESTAMP
            )
        )
),

named AS (
    SELECT
        'setting' AS part,
        [
            'setting', 'settingname', 'configkey', 'featureflag', 'flag', 'flagname', 'feature',
            'parameter', 'property', 'option', 'key', 'name'
        ] AS names
    UNION ALL
    SELECT
        'old' AS part,
        [
            'old', 'oldvalue', 'from', 'fromvalue', 'previous', 'previousvalue', 'before',
            'oldversion', 'fromversion', 'previousversion'
        ] AS names
    UNION ALL
    SELECT
        'new' AS part,
        [
            'new', 'newvalue', 'to', 'tovalue', 'value', 'after', 'current', 'newversion', 'toversion',
            'version', 'release', 'imagetag', 'tag'
        ] AS names
),

fields AS (
    SELECT
        told.file_id,
        told.byte_offset,
        told.record_no,
        named.part,
        arg_min(
            left(leaf.atom ->> '$', 80),
            (
                list_position(named.names, lower(regexp_replace(leaf.key, '[_.-]', '', 'g'))),
                length(leaf.path),
                leaf.id
            )
        ) AS value
    FROM told, json_tree(told.attributes) AS leaf
    INNER JOIN named
        ON list_contains(named.names, lower(regexp_replace(leaf.key, '[_.-]', '', 'g')))
    WHERE
        leaf.atom IS NOT NULL AND leaf.type <> 'NULL'
        -- A start says a version: what else it says was from one to another is not what was set.
        AND (
            told.kind = 'change'
            OR (told.kind = 'start' AND regexp_matches(lower(leaf.key), 'version|release|tag'))
        )
        -- What carried the record has a version and a name too, and so has where it was written.
        AND NOT regexp_matches(
            leaf.path, '[.]"?(?:@|(?:ecs|agent|beat|host|os|observer|telemetry|sdk|runtime|input|log)\b)'
        )
    GROUP BY told.file_id, told.byte_offset, told.record_no, named.part
),

parts AS (
    SELECT
        fields.file_id,
        fields.byte_offset,
        fields.record_no,
        max(fields.value) FILTER (WHERE fields.part = 'setting') AS setting,
        max(fields.value) FILTER (WHERE fields.part = 'old') AS old_value,
        max(fields.value) FILTER (WHERE fields.part = 'new') AS new_value
    FROM fields
    GROUP BY fields.file_id, fields.byte_offset, fields.record_no
),

worded AS (
    SELECT
        told.*,
        -- A key is a setting where there is a value for it.
        CASE
            WHEN parts.old_value IS NOT NULL OR parts.new_value IS NOT NULL
                THEN coalesce(parts.setting, told.stream_key)
            ELSE parts.setting
        END AS setting,
        CASE
            WHEN parts.old_value IS NULL THEN parts.new_value
            ELSE parts.old_value || coalesce(' -> ' || parts.new_value, '')
        END AS values_said,
        coalesce(parts.new_value, parts.old_value) AS value
    FROM told
    LEFT OUTER JOIN parts
        ON
            told.file_id = parts.file_id
            AND told.byte_offset = parts.byte_offset
            AND told.record_no = parts.record_no
)

SELECT
    worded.occurred_at,
    worded.kind,
    worded.service,
    worded.node,
    worded.event_type,
    concat_ws(
        ' ',
        worded.words,
        CASE
            WHEN worded.kind = 'change' AND NOT contains(worded.words, worded.setting) THEN worded.setting
        END,
        CASE WHEN NOT contains(worded.words, worded.value) THEN worded.values_said END
    ) AS subject,
    worded.event_id,
    worded.file_id,
    worded.byte_offset,
    worded.record_no
FROM worded;
