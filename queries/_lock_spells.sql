-- _lock_spells: from when to when did an owner hold or wait for a resource?
--
-- One row per spell, half-open: [began_at, ended_at). A wait ends with the next lock record of
-- its owner, whatever it is about, for who waits can do nothing else, and with the report of
-- a deadlock whose victim the owner is; the same wait logged again, as status snapshots do,
-- goes on. A hold ends when its owner releases the resource or takes it again. A spell that
-- nothing ends is over with the last record of its owner; if that is a wait, the owner is
-- taken to wait for the open_limit. Records without an owner, a resource or a time are left
-- out. Rows come unordered, because sorting is for whoever needs it.
--
-- Parameters
--   since       TIMESTAMP  first instant included
--   until       TIMESTAMP  first instant excluded
--   open_limit  INTERVAL   how long a wait lasts of which no end was logged
--
-- Columns
--   is_wait     BOOLEAN    the owner waits, else it holds
--   owner       VARCHAR    who
--   resource    VARCHAR    what is locked
--   mode        VARCHAR    lock mode as the engine names it
--   blocked_by  VARCHAR    who is in the way of a wait, as the log says; else NULL
--   statement   VARCHAR    statement the owner was running
--   event_id    VARCHAR    event_id of the record it began with
--   began_at    TIMESTAMP  when it began, UTC
--   ended_at    TIMESTAMP  when it ended, UTC
--   is_granted  BOOLEAN    whether what ends a wait is that the owner got the lock
--   is_ended    BOOLEAN    whether the end was logged: any of a wait, the release of a hold
--
-- Reads: locks
CREATE OR REPLACE MACRO _lock_spells(since, until, open_limit) AS TABLE
WITH told AS (
    SELECT
        locks.operation,
        locks.owner,
        locks.resource,
        locks.mode,
        locks.blocked_by,
        locks.statement,
        locks.event_id,
        locks.occurred_at,
        locks.file_id,
        locks.byte_offset,
        locks.record_no
    FROM locks
    WHERE
        (
            locks.operation IN ('lock_wait', 'lock_acquire', 'lock_release')
            OR (locks.operation = 'deadlock' AND locks.is_victim)
        )
        AND locks.owner IS NOT NULL
        AND locks.resource IS NOT NULL
        AND locks.occurred_at >= since::TIMESTAMP
        AND locks.occurred_at < until::TIMESTAMP
),

placed AS (
    SELECT
        told.*,
        coalesce(
            told.operation = 'lock_wait'
            AND lag(told.operation) OVER own = 'lock_wait'
            AND lag(told.resource) OVER own = told.resource,
            FALSE
        ) AS is_repeated,
        last_value(told.occurred_at) OVER all_own
        + CASE
            WHEN last_value(told.operation) OVER all_own = 'lock_wait'
                THEN open_limit::INTERVAL
            ELSE INTERVAL 0 SECOND
        END AS last_at
    FROM told
    WINDOW
        own AS (
            PARTITION BY told.owner
            ORDER BY told.occurred_at, told.file_id, told.byte_offset, told.record_no
        ),
        all_own AS (
            PARTITION BY told.owner
            ORDER BY told.occurred_at, told.file_id, told.byte_offset, told.record_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
),

followed AS (
    SELECT
        placed.*,
        lead(placed.occurred_at) OVER own AS next_at,
        lead(placed.operation) OVER own AS next_operation,
        lead(placed.resource) OVER own AS next_resource,
        min(placed.occurred_at) FILTER (
            WHERE placed.operation IN ('lock_acquire', 'lock_release')
        ) OVER (
            PARTITION BY placed.owner, placed.resource
            ORDER BY placed.occurred_at, placed.file_id, placed.byte_offset, placed.record_no
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS changed_at,
        min(placed.occurred_at) FILTER (WHERE placed.operation = 'lock_release') OVER (
            PARTITION BY placed.owner, placed.resource
            ORDER BY placed.occurred_at, placed.file_id, placed.byte_offset, placed.record_no
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS released_at
    FROM placed
    WHERE NOT placed.is_repeated
    WINDOW own AS (
        PARTITION BY placed.owner
        ORDER BY placed.occurred_at, placed.file_id, placed.byte_offset, placed.record_no
    )
)

SELECT
    followed.operation = 'lock_wait' AS is_wait,
    followed.owner,
    followed.resource,
    followed.mode,
    followed.blocked_by,
    followed.statement,
    followed.event_id,
    followed.occurred_at AS began_at,
    least(
        CASE
            WHEN followed.operation = 'lock_wait'
                THEN coalesce(followed.next_at, followed.last_at)
            ELSE coalesce(followed.changed_at, followed.last_at)
        END,
        followed.occurred_at + INTERVAL 31 DAY
    ) AS ended_at,
    followed.operation = 'lock_wait'
    AND coalesce(
        followed.next_operation = 'lock_acquire'
        AND followed.next_resource = followed.resource,
        FALSE
    ) AS is_granted,
    CASE
        WHEN followed.operation = 'lock_wait' THEN followed.next_at IS NOT NULL
        ELSE coalesce(followed.released_at = followed.changed_at, FALSE)
    END AS is_ended
FROM followed
WHERE followed.operation IN ('lock_wait', 'lock_acquire');
