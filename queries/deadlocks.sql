-- deadlocks: which deadlocks were reported, between whom, over what?
--
-- One row per deadlock that a lock manager reported. The lists are empty and victim is
-- NULL when the log names the deadlock but not its members. In a cycle each member waits
-- for one other, in a knot somebody for several or several for one; a deadlock is
-- incomplete when the log does not say for whom a blocker waits in turn.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since  TIMESTAMP  first instant included (default: the oldest event)
--   until  TIMESTAMP  first instant excluded (default: the newest event)
--
-- Columns
--   deadlock_id   VARCHAR    event_id of the deadlock; where it stands if it has none
--   occurred_at   TIMESTAMP  when it was reported, UTC; NULL when the log does not say
--   service       VARCHAR    service that reported it
--   victim        VARCHAR    owner that was rolled back
--   member_count  BIGINT     owners that waited
--   members       VARCHAR[]  the owners that waited, sorted
--   resources     VARCHAR[]  distinct resources, sorted
--   modes         VARCHAR[]  distinct lock modes, sorted
--   statements    VARCHAR[]  statement of each member, in the order of members
--   shape         VARCHAR    its kind, equal for recurrences: numbers of resources read #
--   file_id       INTEGER    file of the record
--   byte_offset   BIGINT     first byte of the record
--
-- Reads: _deadlock_records, _deadlock_edges
CREATE OR REPLACE MACRO deadlocks(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP
) AS TABLE
WITH reported AS (
    SELECT
        records.deadlock_id,
        records.occurred_at,
        records.service,
        records.file_id,
        records.byte_offset
    FROM _deadlock_records(since := since, until := until) AS records
),

waits AS (
    SELECT
        _deadlock_edges.deadlock_id,
        _deadlock_edges.owner,
        _deadlock_edges.blocked_by,
        _deadlock_edges.resource,
        _deadlock_edges.mode,
        _deadlock_edges.statement,
        _deadlock_edges.is_victim,
        concat_ws(
            ' on ',
            _deadlock_edges.mode,
            regexp_replace(
                _deadlock_edges.resource, '0x[0-9a-f]+|[0-9]+', '#', 'g'
            )
        ) AS wait_kind
    FROM _deadlock_edges
    SEMI JOIN reported ON _deadlock_edges.deadlock_id = reported.deadlock_id
),

members AS (
    SELECT
        waits.deadlock_id,
        waits.owner,
        min(waits.statement) AS statement
    FROM waits
    WHERE waits.owner IS NOT NULL
    GROUP BY waits.deadlock_id, waits.owner
),

member_lists AS (
    SELECT
        members.deadlock_id,
        count(*) AS member_count,
        list(members.owner ORDER BY members.owner) AS members,
        list(members.statement ORDER BY members.owner) AS statements
    FROM members
    GROUP BY members.deadlock_id
),

wait_lists AS (
    SELECT
        waits.deadlock_id,
        min(waits.owner) FILTER (WHERE waits.is_victim) AS victim,
        list(DISTINCT waits.resource ORDER BY waits.resource)
            FILTER (WHERE waits.resource IS NOT NULL) AS resources,
        list(DISTINCT waits.mode ORDER BY waits.mode)
            FILTER (WHERE waits.mode IS NOT NULL) AS modes,
        list(DISTINCT waits.wait_kind ORDER BY waits.wait_kind)
            FILTER (WHERE waits.wait_kind <> '') AS wait_kinds,
        count(*) = count(DISTINCT waits.owner)
        AND count(*) = count(DISTINCT waits.blocked_by) AS is_simple,
        count(*) = count(waits.blocked_by)
        AND list_has_all(list(waits.owner), list(waits.blocked_by)) AS is_closed
    FROM waits
    GROUP BY waits.deadlock_id
)

SELECT
    reported.deadlock_id,
    reported.occurred_at,
    reported.service,
    wait_lists.victim,
    coalesce(member_lists.member_count, 0) AS member_count,
    coalesce(member_lists.members, []) AS members,
    coalesce(wait_lists.resources, []) AS resources,
    coalesce(wait_lists.modes, []) AS modes,
    coalesce(member_lists.statements, []) AS statements,
    CASE
        WHEN member_lists.member_count IS NULL THEN 'members not logged'
        ELSE
            CASE
                WHEN NOT wait_lists.is_closed THEN 'incomplete, known '
                WHEN wait_lists.is_simple THEN 'cycle of '
                ELSE 'knot of '
            END
            || member_lists.member_count
            || coalesce(': ' || array_to_string(wait_lists.wait_kinds, ', '), '')
    END AS shape,
    reported.file_id,
    reported.byte_offset
FROM reported
LEFT OUTER JOIN member_lists ON reported.deadlock_id = member_lists.deadlock_id
LEFT OUTER JOIN wait_lists ON reported.deadlock_id = wait_lists.deadlock_id
ORDER BY reported.occurred_at, reported.deadlock_id;
