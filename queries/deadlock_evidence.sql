-- deadlock_evidence: which deadlocks were there, reported by an engine or told by the lock events?
--
-- One row per deadlock, however many sources tell of it. Waits, grants and releases tell of
-- one where owners waited for each other in a circle at one instant; circles that one wait
-- closes, for what several hold, are one deadlock. A report and a circle
-- are the same deadlock when the members of one are among those of the other and the report
-- came between the closing of the circle and the report_delay after its end; reports that do
-- not say who waits belong to such circles one by one, in the order of both. A circle that
-- no report tells of may be one that a timeout broke, or one of clocks that are apart:
-- clock_error leaves out circles that short. Owners are taken to have one name in all logs;
-- circles of more than 12 owners are not looked for.
-- It happened when the circle closed, where that is known, else when it was reported.
-- What has no readable time is there when no window is asked for, and in no window.
--
-- Parameters
--   since         TIMESTAMP  first instant included (default: the oldest event)
--   until         TIMESTAMP  first instant excluded (default: the newest event)
--   clock_error   INTERVAL   how far the clocks of two nodes may be apart (default: 0)
--   open_limit    INTERVAL   how long a wait lasts of which no end was logged (default: 1 hour)
--   report_delay  INTERVAL   how long after its end a deadlock may be reported (default:
--                            1 minute)
--   lookback      INTERVAL   how far around the window lock events are looked at
--                            (default: 1 hour)
--
-- Columns
--   occurred_at   TIMESTAMP  when the circle closed, or else was reported, UTC
--   evidence      VARCHAR    reported, reconstructed or both
--   deadlock_id   VARCHAR    deadlock_id as in deadlocks; NULL when nobody reported it
--   closed_at     TIMESTAMP  when the last edge of the circle appeared, UTC
--   broken_at     TIMESTAMP  when the first edge went, UTC; NULL where the log does not tell
--   reported_at   TIMESTAMP  when it was reported, UTC
--   victim        VARCHAR    owner that was rolled back; NULL when nobody reported it
--   member_count  BIGINT     owners that waited
--   members       VARCHAR[]  the owners that waited, sorted
--   resources     VARCHAR[]  distinct resources, sorted
--   modes         VARCHAR[]  distinct lock modes, sorted
--   statements    VARCHAR[]  distinct statements, sorted
--   wait_ids      VARCHAR[]  event_ids of the waits of the circle, sorted
--
-- Reads: deadlocks, _lock_cycles, locks
CREATE OR REPLACE MACRO deadlock_evidence(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    clock_error := INTERVAL 0 SECOND,
    open_limit := INTERVAL 1 HOUR,
    report_delay := INTERVAL 1 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH circles AS MATERIALIZED (
    SELECT
        found.closed_at,
        min(found.broken_at) AS broken_at,
        found.members,
        list_sort(list_distinct(list(found.resource))) AS resources,
        coalesce(
            list(DISTINCT found.mode ORDER BY found.mode) FILTER (WHERE found.mode IS NOT NULL),
            []
        ) AS modes,
        coalesce(
            list(DISTINCT found.statement ORDER BY found.statement)
                FILTER (WHERE found.statement IS NOT NULL),
            []
        ) AS statements,
        coalesce(
            list(DISTINCT found.event_id ORDER BY found.event_id)
                FILTER (WHERE found.event_id IS NOT NULL),
            []
        ) AS wait_ids
    FROM
        _lock_cycles(
            since::TIMESTAMP - lookback::INTERVAL,
            until::TIMESTAMP + lookback::INTERVAL,
            open_limit,
            clock_error
        ) AS found
    GROUP BY found.closed_at, found.members
),

reports AS MATERIALIZED (
    FROM
        deadlocks(
            since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP + lookback::INTERVAL
        )
),

named AS (
    SELECT
        reports.deadlock_id,
        circles.closed_at,
        circles.members
    FROM circles
    INNER JOIN (
        SELECT
            reports.deadlock_id,
            reports.occurred_at,
            reports.members,
            unnest(reports.members) AS member
        FROM reports
    ) AS reports
        ON
            list_contains(circles.members, reports.member)
            AND reports.occurred_at >= circles.closed_at - clock_error::INTERVAL
            AND reports.occurred_at
            <= circles.broken_at + clock_error::INTERVAL + report_delay::INTERVAL
            AND (
                list_has_all(circles.members, reports.members)
                OR list_has_all(reports.members, circles.members)
            )
    QUALIFY
        row_number() OVER (
            PARTITION BY circles.closed_at, circles.members
            ORDER BY reports.occurred_at, reports.deadlock_id
        ) = 1
),

-- Of those that do not say who waits the first belongs to the first circle it may be about.
nameless AS (
    SELECT
        reports.deadlock_id,
        circles.closed_at,
        circles.members
    FROM circles
    INNER JOIN reports
        ON
            reports.member_count = 0
            AND reports.occurred_at >= circles.closed_at - clock_error::INTERVAL
            AND reports.occurred_at
            <= circles.broken_at + clock_error::INTERVAL + report_delay::INTERVAL
    ANTI JOIN named
        ON circles.closed_at = named.closed_at AND circles.members = named.members
    WINDOW
        of_circle AS (
            PARTITION BY circles.closed_at, circles.members
            ORDER BY reports.occurred_at, reports.deadlock_id
        ),
        of_report AS (
            PARTITION BY reports.deadlock_id ORDER BY circles.closed_at, circles.members
        )
    QUALIFY row_number() OVER of_circle = row_number() OVER of_report
),

pairs AS (
    SELECT
        named.deadlock_id,
        named.closed_at,
        named.members
    FROM named
    UNION ALL
    SELECT
        nameless.deadlock_id,
        nameless.closed_at,
        nameless.members
    FROM nameless
),

confirmed AS (
    SELECT
        pairs.deadlock_id,
        min(circles.closed_at) AS closed_at,
        min(circles.broken_at) AS broken_at,
        min(circles.members) AS members,
        min(circles.resources) AS resources,
        min(circles.modes) AS modes,
        list_sort(list_distinct(flatten(list(circles.wait_ids)))) AS wait_ids
    FROM pairs
    INNER JOIN circles
        ON pairs.closed_at = circles.closed_at AND pairs.members = circles.members
    GROUP BY pairs.deadlock_id
),

merged AS (
    SELECT
        coalesce(confirmed.closed_at, reports.occurred_at) AS occurred_at,
        CASE WHEN confirmed.deadlock_id IS NULL THEN 'reported' ELSE 'both' END AS evidence,
        reports.deadlock_id,
        confirmed.closed_at,
        confirmed.broken_at,
        reports.occurred_at AS reported_at,
        reports.victim,
        coalesce(nullif(reports.member_count, 0), len(confirmed.members), 0) AS member_count,
        coalesce(nullif(reports.members, []), confirmed.members, []) AS members,
        coalesce(nullif(reports.resources, []), confirmed.resources, []) AS resources,
        coalesce(nullif(reports.modes, []), confirmed.modes, []) AS modes,
        list_sort(
            list_distinct(list_filter(reports.statements, LAMBDA one: one IS NOT NULL))
        ) AS statements,
        coalesce(confirmed.wait_ids, []) AS wait_ids
    FROM reports
    LEFT OUTER JOIN confirmed ON reports.deadlock_id = confirmed.deadlock_id
    UNION ALL
    SELECT
        circles.closed_at AS occurred_at,
        'reconstructed' AS evidence,
        NULL AS deadlock_id,
        circles.closed_at,
        circles.broken_at,
        NULL AS reported_at,
        NULL AS victim,
        len(circles.members) AS member_count,
        circles.members,
        circles.resources,
        circles.modes,
        circles.statements,
        circles.wait_ids
    FROM circles
    ANTI JOIN pairs
        ON circles.closed_at = pairs.closed_at AND circles.members = pairs.members
)

SELECT
    merged.occurred_at,
    merged.evidence,
    merged.deadlock_id,
    merged.closed_at,
    -- Of a wait that nothing ended only the open_limit says until when: nobody knows.
    CASE
        WHEN merged.broken_at IN (
            SELECT locks.occurred_at
            FROM locks
            WHERE
                locks.occurred_at >= since::TIMESTAMP - lookback::INTERVAL
                AND locks.occurred_at < until::TIMESTAMP + lookback::INTERVAL
        )
            THEN merged.broken_at
    END AS broken_at,
    merged.reported_at,
    merged.victim,
    merged.member_count,
    merged.members,
    merged.resources,
    merged.modes,
    merged.statements,
    merged.wait_ids
FROM merged
WHERE
    (
        merged.occurred_at >= since::TIMESTAMP
        AND merged.occurred_at < until::TIMESTAMP
    )
    OR (
        merged.occurred_at IS NULL
        AND since::TIMESTAMP = '-infinity'::TIMESTAMP
        AND until::TIMESTAMP = 'infinity'::TIMESTAMP
    )
ORDER BY merged.occurred_at, merged.members, merged.deadlock_id;
