-- deadlock_shapes: which kinds of deadlock keep coming back, and more often than before?
--
-- One row per shape of the deadlocks reported in the window, the most frequent first.
-- What has no readable time counts when no window is asked for, and in no window.
--
-- Parameters
--   since       TIMESTAMP  first instant included (default: the oldest event)
--   until       TIMESTAMP  first instant excluded (default: the newest event)
--   split_at    TIMESTAMP  when something was changed, to compare before and after (default:
--                          NULL, nothing)
--   of_service  VARCHAR    only those that this service reported (default: all)
--
-- Columns
--   shape            VARCHAR    their kind, as in deadlocks
--   deadlock_count   BIGINT     deadlocks of it
--   first_at         TIMESTAMP  the oldest, UTC
--   last_at          TIMESTAMP  the newest, UTC
--   last_id          VARCHAR    deadlock_id of the newest
--   statements       VARCHAR[]  distinct statements of their members, sorted; texts and
--                               numbers in them read ?
--   victims          BIGINT     distinct owners that were rolled back
--   before_count     BIGINT     deadlocks of it before the change; NULL without one
--   after_count      BIGINT     from the change on
--   before_per_hour  DOUBLE     the same per hour of the log within the window; NULL when
--                               the log has none of that side
--   after_per_hour   DOUBLE     from the change on
--
-- Reads: events, deadlocks
CREATE OR REPLACE MACRO deadlock_shapes(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    split_at := NULL,
    of_service := NULL
) AS TABLE
WITH ends AS (
    SELECT
        min(events.occurred_at) AS first_at,
        max(events.occurred_at) AS last_at
    FROM events
    WHERE
        events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
),

reach AS (
    SELECT
        greatest(date_diff('microsecond', ends.first_at, split_at::TIMESTAMP), 0) / 3600e6
            AS hours_before,
        greatest(date_diff('microsecond', split_at::TIMESTAMP, ends.last_at), 0) / 3600e6
            AS hours_after
    FROM ends
),

found AS MATERIALIZED (
    SELECT
        reported.shape,
        reported.deadlock_id,
        reported.occurred_at,
        reported.occurred_at < split_at::TIMESTAMP AS is_before,
        reported.victim,
        list_transform(
            list_filter(reported.statements, LAMBDA one: one IS NOT NULL),
            LAMBDA one: regexp_replace(one, '''[^'']*''|\b\d+\b', '?', 'g')
        ) AS statements
    FROM deadlocks(since, until) AS reported
    WHERE of_service::VARCHAR IS NULL OR reported.service = of_service::VARCHAR
),

counted AS (
    SELECT
        found.shape,
        count(*) AS deadlock_count,
        min(found.occurred_at) AS first_at,
        max(found.occurred_at) AS last_at,
        arg_max(found.deadlock_id, (found.occurred_at, found.deadlock_id)) AS last_id,
        list_sort(list_distinct(flatten(list(found.statements)))) AS statements,
        count(DISTINCT found.victim) AS victims,
        count(*) FILTER (WHERE found.is_before) AS before_count,
        count(*) FILTER (WHERE NOT found.is_before) AS after_count
    FROM found
    GROUP BY found.shape
)

SELECT
    counted.shape,
    counted.deadlock_count,
    counted.first_at,
    counted.last_at,
    counted.last_id,
    counted.statements,
    counted.victims,
    CASE WHEN split_at IS NOT NULL THEN counted.before_count END AS before_count,
    CASE WHEN split_at IS NOT NULL THEN counted.after_count END AS after_count,
    counted.before_count / nullif(reach.hours_before, 0) AS before_per_hour,
    counted.after_count / nullif(reach.hours_after, 0) AS after_per_hour
FROM counted
CROSS JOIN reach
ORDER BY counted.deadlock_count DESC, counted.shape ASC;
