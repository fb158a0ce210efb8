-- _deadlock_waits: which records report a deadlock of the same owners over the same locks?
--
-- One row per record that says who waits in a deadlock.
--
-- Columns
--   file_id      INTEGER  file of the record
--   byte_offset  BIGINT   first byte of the record
--   record_no    INTEGER  number of the observation within its record
--   waits        HUGEINT  equal where the same owners wait for each other for the same locks
--
-- Reads: locks
CREATE OR REPLACE VIEW _deadlock_waits AS
SELECT
    locks.file_id,
    locks.byte_offset,
    locks.record_no,
    sum(hash(locks.owner, locks.blocked_by, locks.resource)) AS waits
FROM locks
WHERE locks.operation = 'deadlock' AND locks.owner IS NOT NULL
GROUP BY locks.file_id, locks.byte_offset, locks.record_no;
