-- ingest_health: how far is each log file read, and where did every byte of it go?
--
-- One row per content generation of a file. is_conserved must be TRUE in every row:
-- each committed byte is in exactly one of stored, quarantined, pruned, blank and inherited.
--
-- Columns
--   file_id            INTEGER    number of the generation
--   path               VARCHAR    path when last seen, below the watched directory
--   state              VARCHAR    live, replaced or gone
--   size_bytes         BIGINT     size when last seen
--   committed_offset   BIGINT     first byte not yet committed
--   backlog_bytes      BIGINT     bytes of a live file that are not committed yet
--   stored_bytes       BIGINT     bytes of records stored in events
--   quarantined_bytes  BIGINT     bytes in rejects
--   pruned_bytes       BIGINT     bytes that were in one of them until they were pruned
--   blank_bytes        BIGINT     bytes of blank lines, byte order marks and NUL runs
--   inherited_bytes    BIGINT     bytes already read under another generation
--   missed_bytes       BIGINT     bytes written but gone before they could be read
--   is_conserved       BOOLEAN    whether the parts add up to committed_offset
--   event_count        BIGINT     rows of events from this generation
--   reject_count       BIGINT     rows of rejects from this generation
--   last_read_at       TIMESTAMP  when bytes of it were last committed, UTC
--
-- Reads: files, pruned_files
CREATE OR REPLACE VIEW ingest_health AS
SELECT
    files.file_id,
    files.path,
    files.state,
    files.size_bytes,
    files.committed_offset,
    CASE
        WHEN files.state = 'live'
            THEN greatest(files.size_bytes - files.committed_offset, 0)
        ELSE 0
    END AS backlog_bytes,
    files.stored_bytes - coalesce(pruned.stored_bytes, 0) AS stored_bytes,
    files.quarantined_bytes - coalesce(pruned.quarantined_bytes, 0) AS quarantined_bytes,
    coalesce(pruned.stored_bytes + pruned.quarantined_bytes, 0) AS pruned_bytes,
    files.blank_bytes,
    files.inherited_bytes,
    files.missed_bytes,
    files.committed_offset
    = files.inherited_bytes
    + files.stored_bytes
    + files.quarantined_bytes
    + files.blank_bytes AS is_conserved,
    files.event_count - coalesce(pruned.event_count, 0) AS event_count,
    files.reject_count - coalesce(pruned.reject_count, 0) AS reject_count,
    files.last_read_at
FROM files
LEFT OUTER JOIN pruned_files AS pruned ON files.file_id = pruned.file_id
ORDER BY files.path, files.file_id;
