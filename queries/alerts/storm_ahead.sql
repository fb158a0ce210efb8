-- storm_ahead: is a loop of events about to feed on itself for ever?
--
-- The levels are those of loop_gain, as docs/storms.md explains them. A loop that fires is
-- measured against what was usual when it began, and is over when its gain has come down or
-- its types still happen but lead back to themselves no more. While there are fewer of them
-- than half of what there was in the quietest quarter of an hour of the day before it, the
-- system is silent rather than well: nothing is known, and the episode goes on.
--
-- Threshold: 0.7, 0.8, 0.9, 1
-- Severity: watch, warn, page, storm
-- Window: 15 minutes
-- For: 3
-- Group: loop
-- Page: storms
-- Evidence: loop_edges, changes_before, explain_difference
-- Runbook: Look at what changed before the onset and take it back first. Then stop the strongest
--   edge of the loop: cap retries, switch compensations to a queue that is drained by hand, shed
--   new work at the entrance. More capacity does not help while a turn makes more than one turn.
-- Reads: loop_gain, type_counts
WITH loops AS MATERIALIZED (
    SELECT
        gains.bucket_start + $minute::INTERVAL AS evaluated_at,
        gains.loop,
        string_split(gains.loop, ' <-> ') AS members,
        gains.judged_gain,
        gains.gain,
        gains.gain_lower,
        gains.gain_upper,
        gains.turn_gain,
        gains.coverage_ratio,
        gains.loop_count,
        gains.usual_count,
        gains.doubling_min,
        gains.meaning
    FROM
        loop_gain(
            since := $since,
            until := $until,
            bucket := $minute,
            span := 15 * $minute::INTERVAL,
            baseline := 1440 * $minute::INTERVAL
        ) AS gains
),

watched AS (
    SELECT DISTINCT unnest($open_members::VARCHAR[]) AS event_type
    UNION
    SELECT DISTINCT unnest(loops.members) AS event_type
    FROM loops
),

paces AS MATERIALIZED (
    SELECT
        counts.event_type,
        counts.bucket_start,
        counts.event_count
    FROM
        type_counts(
            since := $since::TIMESTAMP - 1440 * $minute::INTERVAL,
            until := $until,
            bucket := $minute
        ) AS counts
    SEMI JOIN watched ON counts.event_type = watched.event_type
),

spread_out AS (
    SELECT
        paces.event_type,
        paces.event_count,
        paces.bucket_start,
        unnest(
            generate_series(
                paces.bucket_start + $minute::INTERVAL,
                paces.bucket_start + 15 * $minute::INTERVAL,
                $minute::INTERVAL
            )
        ) AS evaluated_at
    FROM paces
    WHERE paces.bucket_start >= $since::TIMESTAMP - 15 * $minute::INTERVAL
),

-- So few as loop_gain needs to say something of a loop say that a type is alive.
alive AS (
    SELECT
        spread_out.event_type,
        spread_out.evaluated_at,
        coalesce(
            sum(spread_out.event_count) FILTER (
                WHERE spread_out.bucket_start
                >= spread_out.evaluated_at - 5 * $minute::INTERVAL
            ),
            0
        ) AS pulse,
        sum(spread_out.event_count) AS event_count
    FROM spread_out
    GROUP BY spread_out.event_type, spread_out.evaluated_at
),

by_block AS (
    SELECT
        carried.loop,
        time_bucket(15 * $minute::INTERVAL, paces.bucket_start) + 15 * $minute::INTERVAL
            AS block_end,
        sum(paces.event_count) AS event_count
    FROM (
        SELECT DISTINCT
            loops.loop,
            unnest(loops.members) AS event_type
        FROM loops
    ) AS carried
    INNER JOIN paces ON carried.event_type = paces.event_type
    GROUP BY ALL
),

whole_blocks AS (
    SELECT
        by_block.loop,
        by_block.block_end,
        by_block.event_count
    FROM by_block
    QUALIFY row_number() OVER (PARTITION BY by_block.loop ORDER BY by_block.block_end) > 1
),

quietest AS (
    SELECT
        loops.evaluated_at,
        loops.loop,
        min(whole_blocks.event_count) AS event_count
    FROM loops
    INNER JOIN whole_blocks
        ON
            loops.loop = whole_blocks.loop
            AND loops.evaluated_at >= whole_blocks.block_end
            AND loops.evaluated_at - 1440 * $minute::INTERVAL < whole_blocks.block_end
    GROUP BY loops.evaluated_at, loops.loop
),

looping AS (
    SELECT
        loops.evaluated_at,
        loops.loop,
        unnest(loops.members) AS event_type
    FROM loops
),

pulses AS (
    SELECT
        looping.evaluated_at,
        looping.loop,
        sum(alive.pulse) AS pulse
    FROM looping
    INNER JOIN alive
        ON
            looping.evaluated_at = alive.evaluated_at
            AND looping.event_type = alive.event_type
    GROUP BY looping.evaluated_at, looping.loop
)

SELECT
    loops.evaluated_at,
    loops.loop AS episode_key,
    loops.members,
    loops.judged_gain AS value,
    loops.gain_lower AS held_value,
    loops.loop_count::DOUBLE AS volume,
    2 * loops.usual_count AS least_volume,
    coalesce(pulses.pulse, 0)::DOUBLE AS pulse,
    -- Half of a third: a pulse is of five minutes.
    quietest.event_count / 6 AS least_pulse,
    loops.meaning AS sentence,
    -- What the evidence tells apart from the rest.
    'looping' AS fault,
    loops.loop,
    loops.gain,
    loops.gain_upper,
    loops.turn_gain,
    loops.coverage_ratio,
    loops.doubling_min
FROM loops
LEFT OUTER JOIN pulses
    ON loops.evaluated_at = pulses.evaluated_at AND loops.loop = pulses.loop
LEFT OUTER JOIN quietest
    ON loops.evaluated_at = quietest.evaluated_at AND loops.loop = quietest.loop
UNION ALL BY NAME
SELECT
    alive.evaluated_at,
    alive.event_type AS episode_key,
    [alive.event_type] AS members,
    0::DOUBLE AS value,
    alive.pulse::DOUBLE AS pulse,
    format('events of {} lead back to themselves no more', alive.event_type) AS sentence
FROM alive
ANTI JOIN looping
    ON
        alive.evaluated_at = looping.evaluated_at
        AND alive.event_type = looping.event_type
WHERE
    alive.event_count >= 30
    AND alive.evaluated_at > $since::TIMESTAMP
    AND alive.evaluated_at <= $until::TIMESTAMP
ORDER BY evaluated_at, episode_key
