-- lock_convoys: where did owners queue for a lock without a deadlock?
--
-- One row per resource and time without a break in which somebody waited for it, when two
-- or more owners did and one waited for wait_min or longer; the longest wait first. Waits that were part of a
-- deadlock, as deadlock_evidence finds them in lock events, are left out.
-- What has no readable time is in no window.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   wait_min   INTERVAL   longest wait at least (default: 1 second)
--   row_limit  BIGINT     how many rows (default: 100)
--
-- Columns
--   resource      VARCHAR    what is locked
--   began_at      TIMESTAMP  when the first began to wait, UTC
--   ended_at      TIMESTAMP  when nobody waited any more, UTC
--   wait_count    BIGINT     waits
--   owner_count   BIGINT     distinct owners that waited
--   wait_max_ms   DOUBLE     longest wait
--   wait_sum_ms   DOUBLE     all waits together
--   open_count    BIGINT     waits of which no end was logged; they are taken to last an hour
--   holder        VARCHAR    who held the lock for most of that time; NULL when not logged
--
-- Source: Blasgen, Gray, Mitoma, Price 1979, The convoy phenomenon
-- Reads: _lock_spells, _lock_cycles
CREATE OR REPLACE MACRO lock_convoys(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    wait_min := INTERVAL 1 SECOND,
    row_limit := 100
) AS TABLE
WITH spells AS MATERIALIZED (
    FROM _lock_spells(since, until, INTERVAL 1 HOUR)
),

deadlocked AS MATERIALIZED (
    SELECT DISTINCT
        circles.owner,
        circles.resource,
        circles.closed_at
    FROM _lock_cycles(since, until, INTERVAL 1 HOUR, INTERVAL 0 SECOND) AS circles
),

waits AS (
    SELECT
        spells.resource,
        spells.owner,
        spells.began_at,
        spells.ended_at,
        spells.is_ended,
        max(spells.ended_at) OVER (
            PARTITION BY spells.resource
            ORDER BY spells.began_at, spells.ended_at, spells.owner
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until
    FROM spells
    ANTI JOIN deadlocked
        ON
            spells.owner = deadlocked.owner
            AND spells.resource = deadlocked.resource
            AND spells.began_at <= deadlocked.closed_at
            AND spells.ended_at > deadlocked.closed_at
    WHERE spells.is_wait
),

numbered AS (
    SELECT
        waits.*,
        count(*) FILTER (WHERE waits.busy_until IS NULL OR waits.busy_until <= waits.began_at)
            OVER (
                PARTITION BY waits.resource
                ORDER BY waits.began_at, waits.ended_at, waits.owner
            ) AS queue_no
    FROM waits
),

all_queues AS (
    SELECT
        numbered.resource,
        min(numbered.began_at) AS began_at,
        max(numbered.ended_at) AS ended_at,
        count(*) AS wait_count,
        count(DISTINCT numbered.owner) AS owner_count,
        max(date_diff('microsecond', numbered.began_at, numbered.ended_at)) / 1000
            AS wait_max_ms,
        sum(date_diff('microsecond', numbered.began_at, numbered.ended_at)) / 1000
            AS wait_sum_ms,
        count(*) FILTER (WHERE NOT numbered.is_ended) AS open_count
    FROM numbered
    GROUP BY numbered.resource, numbered.queue_no
),

queues AS MATERIALIZED (
    SELECT *
    FROM all_queues
    WHERE
        all_queues.owner_count >= 2
        AND all_queues.wait_max_ms >= extract(EPOCH FROM wait_min::INTERVAL) * 1000
),

holders AS (
    SELECT
        queues.resource,
        queues.began_at,
        spells.owner,
        sum(
            date_diff(
                'microsecond',
                greatest(queues.began_at, spells.began_at),
                least(queues.ended_at, spells.ended_at)
            )
        ) AS held_us
    FROM queues
    INNER JOIN spells
        ON
            queues.resource = spells.resource
            AND queues.began_at < spells.ended_at
            AND queues.ended_at > spells.began_at
    WHERE NOT spells.is_wait
    GROUP BY queues.resource, queues.began_at, spells.owner
),

holder AS (
    SELECT
        holders.resource,
        holders.began_at,
        arg_max(holders.owner, (holders.held_us, holders.owner)) AS holder
    FROM holders
    GROUP BY holders.resource, holders.began_at
)

SELECT
    queues.resource,
    queues.began_at,
    queues.ended_at,
    queues.wait_count,
    queues.owner_count,
    queues.wait_max_ms,
    queues.wait_sum_ms,
    queues.open_count,
    holder.holder
FROM queues
LEFT OUTER JOIN holder
    ON queues.resource = holder.resource AND queues.began_at = holder.began_at
ORDER BY queues.wait_max_ms DESC, queues.began_at ASC, queues.resource ASC
LIMIT (row_limit::BIGINT);
