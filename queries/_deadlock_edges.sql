-- _deadlock_edges: which waits make up each reported deadlock?
--
-- One row per deadlock, waiting owner, blocker, resource and mode. A deadlock that was
-- read from two logs of one server has its edges once.
--
-- Columns
--   deadlock_id  VARCHAR  event_id of the deadlock; where it stands if it has none
--   owner        VARCHAR  who waits
--   blocked_by   VARCHAR  who holds what the owner waits for; NULL when not known
--   resource     VARCHAR  what is locked
--   mode         VARCHAR  lock mode as the engine names it
--   statement    VARCHAR  statement the owner was running; NULL when not logged
--   is_victim    BOOLEAN  whether the owner was rolled back
--
-- Reads: locks
CREATE OR REPLACE VIEW _deadlock_edges AS
SELECT
    coalesce(
        locks.event_id,
        concat_ws(':', locks.file_id, locks.byte_offset, nullif(locks.record_no, 0))
    ) AS deadlock_id,
    locks.owner,
    locks.blocked_by,
    locks.resource,
    locks.mode,
    min(locks.statement) AS statement,
    coalesce(bool_or(locks.is_victim), FALSE) AS is_victim
FROM locks
WHERE locks.operation = 'deadlock'
GROUP BY deadlock_id, locks.owner, locks.blocked_by, locks.resource, locks.mode
ORDER BY deadlock_id, locks.owner, locks.blocked_by, locks.resource, locks.mode;
