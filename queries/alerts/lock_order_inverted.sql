-- lock_order_inverted: do two owners take the same locks in opposite orders?
--
-- The two can deadlock although they have not yet. 1 while both orders were seen in the
-- window and one of them in its last half, 0 when neither was for so long while locks are
-- still logged. One that comes back within a week is the same episode.
--
-- Threshold: 1
-- Severity: warn
-- Window: 1 hour
-- For: 1
-- Clear: 0.9 for 10 minutes
-- Rearm: 7 days
-- Group: pair of lock classes
-- Page: deadlocks
-- Evidence: changes_before
-- Runbook: Have everybody take these two locks in one order, for example by name. The owner of the
--   rarer order is the likelier one to be wrong; a change just before the first of them the
--   likeliest cause.
-- Reads: lock_order_inversions, events
WITH inverted AS (
    SELECT found.*
    FROM
        lock_order_inversions(
            since := $until::TIMESTAMP - 60 * $minute::INTERVAL, until := $until
        ) AS found
),

log_of_locks AS (
    SELECT count(*) AS lock_count
    FROM events
    WHERE
        events.operation IN ('lock_wait', 'lock_acquire', 'lock_release')
        AND events.occurred_at >= $until::TIMESTAMP - 30 * $minute::INTERVAL
        AND events.occurred_at < $until::TIMESTAMP
)

SELECT
    inverted.first_class || ' / ' || inverted.second_class AS episode_key,
    CASE
        WHEN inverted.last_at >= $until::TIMESTAMP - 30 * $minute::INTERVAL THEN 1
        WHEN log_of_locks.lock_count > 0 THEN 0
    END::DOUBLE AS value,
    format(
        'locks {} and {} are taken in both orders ({} and {} times); {} began with it by asking for {}',
        inverted.first_class,
        inverted.second_class,
        inverted.forth_count,
        inverted.back_count,
        inverted.rarer_owner,
        inverted.rarer_resource
    ) AS sentence,
    inverted.inverted_at AS onset_at,
    inverted.rarer_event_id AS first_event_id,
    inverted.rarer_owner,
    inverted.resource_pairs
FROM inverted
CROSS JOIN log_of_locks
UNION ALL BY NAME
SELECT
    gone.episode_key,
    0::DOUBLE AS value,
    'only one of the orders is taken now' AS sentence
FROM (SELECT unnest($open_members::VARCHAR[]) AS episode_key) AS gone
CROSS JOIN log_of_locks
ANTI JOIN inverted
    ON gone.episode_key = inverted.first_class || ' / ' || inverted.second_class
WHERE log_of_locks.lock_count > 0
ORDER BY episode_key
