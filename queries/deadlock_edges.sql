-- deadlock_edges: who waited for whom in this deadlock?
--
-- One row per wait-for edge. No row when the log names the deadlock but not its
-- members.
--
-- Parameters
--   deadlock  VARCHAR  deadlock_id as in deadlocks
--
-- Columns
--   owner       VARCHAR  who waits
--   blocked_by  VARCHAR  who holds what the owner waits for; NULL when not known
--   resource    VARCHAR  what is locked
--   mode        VARCHAR  lock mode as the engine names it
--   statement   VARCHAR  statement the owner was running; NULL when not logged
--   is_victim   BOOLEAN  whether the owner was rolled back
--
-- Reads: _deadlock_edges
CREATE OR REPLACE MACRO deadlock_edges(deadlock) AS TABLE
SELECT
    _deadlock_edges.owner,
    _deadlock_edges.blocked_by,
    _deadlock_edges.resource,
    _deadlock_edges.mode,
    _deadlock_edges.statement,
    _deadlock_edges.is_victim
FROM _deadlock_edges
WHERE _deadlock_edges.deadlock_id = deadlock::VARCHAR
ORDER BY
    _deadlock_edges.owner,
    _deadlock_edges.blocked_by,
    _deadlock_edges.resource,
    _deadlock_edges.mode;
