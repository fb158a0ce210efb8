-- recent_rejects: which bytes could not be understood lately?
--
-- One row per rejected byte range, the latest first. A rejected range has no time of its
-- own, so the order is that of reading.
--
-- Parameters
--   row_limit  BIGINT   how many rows (default: 100)
--   path_glob  VARCHAR  files whose path matches, NULL for all (default: NULL)
--
-- Columns
--   path         VARCHAR    file it stands in, path when last seen
--   byte_offset  BIGINT     first rejected byte
--   byte_length  BIGINT     number of rejected bytes
--   reason       VARCHAR    why, in words
--   raw_text     VARCHAR    the first 2000 characters; bytes that are not UTF-8 make all
--                           bytes beyond ASCII read \xNN
--   rejected_at  TIMESTAMP  when the row was committed, UTC
--   file_id      INTEGER    file it stands in
--
-- Reads: rejects, files
CREATE OR REPLACE MACRO recent_rejects(
    row_limit := 100,
    path_glob := NULL
) AS TABLE
SELECT
    files.path,
    rejects.byte_offset,
    rejects.byte_length,
    rejects.reason,
    left(coalesce(try(decode(rejects.raw)), rejects.raw::VARCHAR), 2000) AS raw_text,
    rejects.rejected_at,
    rejects.file_id
FROM rejects
LEFT OUTER JOIN files ON rejects.file_id = files.file_id
WHERE path_glob::VARCHAR IS NULL OR files.path GLOB path_glob::VARCHAR
ORDER BY rejects.rejected_at DESC, rejects.file_id DESC, rejects.byte_offset DESC
LIMIT (row_limit::BIGINT);
