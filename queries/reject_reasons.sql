-- reject_reasons: why could bytes of the logs not be understood, and what helps?
--
-- One row per kind of reason, the one with most bytes first. Reasons that differ in a number
-- only (a place in the line, a count) are one kind.
--
-- Columns
--   reason        VARCHAR  why, in words; numbers read N where they differ
--   reject_count  BIGINT   rows in quarantine
--   byte_count    BIGINT   bytes in quarantine
--   file_count    BIGINT   files they stand in
--   remedy        VARCHAR  what is likely to help
--   path          VARCHAR  file the first of them stands in, path when last seen
--   byte_offset   BIGINT   where it starts in that file
--   raw_text      VARCHAR  its first 200 characters
--
-- Reads: rejects, files
CREATE OR REPLACE VIEW reject_reasons AS
WITH kinds AS (
    SELECT
        *,
        regexp_replace(rejects.reason, '\d+', 'N', 'g') AS kind
    FROM rejects
),

grouped AS (
    SELECT
        kinds.kind,
        CASE WHEN count(DISTINCT kinds.reason) = 1 THEN any_value(kinds.reason) ELSE kinds.kind END AS reason,
        count(*) AS reject_count,
        sum(kinds.byte_length)::BIGINT AS byte_count,
        count(DISTINCT kinds.file_id) AS file_count,
        arg_min(
            { 'file_id': kinds.file_id, 'byte_offset': kinds.byte_offset, 'raw': kinds.raw },
            (kinds.file_id, kinds.byte_offset)
        ) AS first_one
    FROM kinds
    GROUP BY kinds.kind
)

SELECT
    grouped.reason,
    grouped.reject_count,
    grouped.byte_count,
    grouped.file_count,
    CASE
        WHEN grouped.kind LIKE 'UTF-N text%'
            THEN 'Have the program write its log as UTF-8.'
        WHEN grouped.kind LIKE 'not valid UTF-N%'
            THEN 'Set the encoding of the program''s log to UTF-8; a few such lines may be binary '
                || 'data in a text.'
        WHEN grouped.kind LIKE '%NUL bytes%'
            THEN 'Left by a crash of the machine, or by truncation under a writer that does not '
                || 'append: open logs in append mode.'
        WHEN grouped.kind LIKE '%torn%' OR grouped.kind LIKE '%spans lines%'
            THEN 'A writer stopped amid the line, or two wrote to one file at once: give each '
                || 'process a file of its own.'
        WHEN grouped.kind LIKE '%line longer than%' OR grouped.kind LIKE '%line that is too long%'
            THEN 'Have the program leave large payloads out of its log.'
        WHEN grouped.kind LIKE '%nested too deeply%'
            THEN 'Have the program log less of the object, or as a text.'
        WHEN grouped.kind LIKE '%without its other half%'
            THEN 'The program cut a text amid a character: have it cut by characters.'
        WHEN grouped.kind LIKE '%file, %'
            THEN 'The compressed file is damaged or was cut off: copy it again from where it came from.'
        WHEN grouped.kind LIKE 'not JSON, and no text format%'
            THEN 'Log as JSON, or in a format that is known (docs/log-formats.md); leave files '
                || 'that are no logs out with --exclude.'
        WHEN grouped.kind LIKE '%database cannot take it%'
            THEN 'Please report this, with the record.'
        ELSE 'Compare the record with its format in docs/formats; `stormwatch check DIR` '
            || 'shows what is understood.'
    END AS remedy,
    files.path,
    grouped.first_one.byte_offset,
    left(
        coalesce(try(decode(grouped.first_one.raw)), grouped.first_one.raw::VARCHAR), 200
    ) AS raw_text
FROM grouped
LEFT OUTER JOIN files ON grouped.first_one.file_id = files.file_id
ORDER BY grouped.byte_count DESC, grouped.reason ASC;
