-- record_place: where does the record that begins at this byte stand, and how long is it?
--
-- At most one row, whether the record was stored or rejected; none where no record begins.
--
-- Parameters
--   in_file    INTEGER  file_id
--   at_offset  BIGINT   first byte of the record
--
-- Columns
--   path         VARCHAR  file, path when last seen, below the watched directory
--   head         BLOB     first bytes of the file: what tells its content from others
--   byte_offset  BIGINT   first byte of the record
--   byte_length  BIGINT   length of the record, line end included
--
-- Reads: events, rejects, files
CREATE OR REPLACE MACRO record_place(in_file, at_offset) AS TABLE
WITH records AS (
    SELECT
        events.file_id,
        events.byte_offset,
        events.byte_length::BIGINT AS byte_length
    FROM events
    UNION ALL
    SELECT
        rejects.file_id,
        rejects.byte_offset,
        rejects.byte_length
    FROM rejects
)

SELECT
    files.path,
    files.head,
    records.byte_offset,
    max(records.byte_length) AS byte_length
FROM records
INNER JOIN files ON records.file_id = files.file_id
WHERE
    records.file_id = in_file::INTEGER
    AND records.byte_offset = at_offset::BIGINT
GROUP BY ALL
ORDER BY files.path;
