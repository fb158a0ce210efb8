-- changes: what was changed, started, stopped or crashed in this window?
--
-- One row per record that says so and per note that people added, the oldest first; of more
-- than row_limit the newest.
-- What is new without a record that says so (a node, a version) is told by changes_before.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   row_limit  BIGINT     how many rows (default: 1000)
--
-- Columns
--   occurred_at  TIMESTAMP  when, by the clock of the writing node, UTC
--   kind         VARCHAR    change, start, stop or crash, or note
--   service      VARCHAR    service of the record, else node, or service of the note
--   node         VARCHAR    process instance that wrote the record
--   event_type   VARCHAR    type of the event
--   subject      VARCHAR    what the record says of it, else its type, and what it was set to,
--                           or text of the note
--   event_id     VARCHAR    id of the event
--   file_id      INTEGER    file of the record
--   byte_offset  BIGINT     first byte of the record
--   record_no    INTEGER    number of the observation within its record
--   note_id      BIGINT     number of the note; NULL for a record
--
-- Reads: _told_changes, notes
CREATE OR REPLACE MACRO changes(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    row_limit := 1000
) AS TABLE
WITH told AS (
    SELECT
        records.*,
        NULL::BIGINT AS note_id
    FROM _told_changes(since := since, until := until) AS records
    UNION ALL BY NAME
    SELECT
        noted.noted_at AS occurred_at,
        'note' AS kind,
        noted.service,
        noted.text AS subject,
        noted.note_id
    FROM notes(since := since, until := until, row_limit := row_limit) AS noted
    WHERE noted.noted_at >= since::TIMESTAMP
),

found AS (
    SELECT told.*
    FROM told
    ORDER BY
        told.occurred_at DESC NULLS FIRST,
        told.file_id DESC,
        told.byte_offset DESC,
        told.record_no DESC,
        told.note_id DESC
    LIMIT (row_limit::BIGINT)
)

SELECT
    found.occurred_at,
    found.kind,
    found.service,
    found.node,
    found.event_type,
    found.subject,
    found.event_id,
    found.file_id,
    found.byte_offset,
    found.record_no,
    found.note_id
FROM found
ORDER BY
    found.occurred_at ASC NULLS LAST,
    found.file_id ASC,
    found.byte_offset ASC,
    found.record_no ASC,
    found.note_id ASC;
