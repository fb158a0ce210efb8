-- notes: what did people note about this window?
--
-- One row per note, the oldest first; of more than row_limit the newest. A note about a span
-- of time is there when any of the span is in the window.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest note)
--   until      TIMESTAMP  first instant excluded (default: the newest note)
--   row_limit  BIGINT     how many rows (default: 1000)
--
-- Columns
--   note_id     BIGINT     number of the note
--   noted_at    TIMESTAMP  the instant it is about, or the first of several, UTC
--   until_at    TIMESTAMP  where what it is about ended, UTC; NULL when it is about an instant
--   service     VARCHAR    service it is about; NULL when it is about all
--   author      VARCHAR    who says so
--   text        VARCHAR    what is said
--   created_at  TIMESTAMP  when it was added, UTC by the wall clock
--
-- Reads: annotations
CREATE OR REPLACE MACRO notes(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    row_limit := 1000
) AS TABLE
WITH found AS (
    SELECT
        annotations.note_id,
        annotations.noted_at,
        annotations.until_at,
        annotations.service,
        annotations.author,
        annotations.text,
        annotations.created_at
    FROM annotations
    WHERE
        annotations.noted_at < until::TIMESTAMP
        AND coalesce(annotations.until_at, annotations.noted_at) >= since::TIMESTAMP
    ORDER BY annotations.noted_at DESC, annotations.note_id DESC
    LIMIT (row_limit::BIGINT)
)

SELECT
    found.note_id,
    found.noted_at,
    found.until_at,
    found.service,
    found.author,
    found.text,
    found.created_at
FROM found
ORDER BY found.noted_at ASC, found.note_id ASC;
