-- lock_order_inversions: which locks are taken in opposite orders?
--
-- One row per pair of lock classes; the newest first. A class is what resources are called
-- but for their numbers, which read #. Two classes are inverted when some owner asked for
-- the second while it held the first, and another owner the other way round; within one class
-- that must be true of two resources. The two may deadlock though they have not yet, unless
-- all of them hold one more lock, a gate, from before: those are left out. Only holds
-- whose end was logged count: how long others lasted is not known.
-- What has no readable time is in no window.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   row_limit  BIGINT     how many rows (default: 100)
--
-- Columns
--   first_class       VARCHAR    class that one side takes first
--   second_class      VARCHAR    class that the other side takes first
--   inverted_at       TIMESTAMP  when both orders had been seen for the first time, UTC
--   last_at           TIMESTAMP  when either order was last seen, UTC
--   resource_pairs    BIGINT     pairs of resources taken in both orders; between two classes
--                                any pair of theirs
--   forth_count       BIGINT     how often the order of this row was taken
--   back_count        BIGINT     how often the opposite order
--   rarer_owner       VARCHAR    who first took the rarer order
--   rarer_resource    VARCHAR    the resource it asked for
--   rarer_event_id    VARCHAR    event_id of that request
--
-- Source: Linux lockdep, Documentation/locking/lockdep-design; gate locks: Havelund 2000, GoodLock
-- Reads: _lock_spells
CREATE OR REPLACE MACRO lock_order_inversions(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    row_limit := 100
) AS TABLE
WITH spells AS MATERIALIZED (
    SELECT
        found.*,
        regexp_replace(found.resource, '0x[0-9a-f]+|[0-9]+', '#', 'g') AS class
    FROM _lock_spells(since, until, INTERVAL 1 HOUR) AS found
),

holds AS MATERIALIZED (
    SELECT
        spells.*,
        -- Only what falls into the same minute is compared.
        unnest(
            range(
                date_trunc('minute', spells.began_at), spells.ended_at, INTERVAL 1 MINUTE
            )
        ) AS minute_start
    FROM spells
    WHERE NOT spells.is_wait AND spells.is_ended
),

-- A wait and the grant that ends it are one request, made when the wait began.
requests AS (
    SELECT
        holds.owner,
        holds.resource AS held,
        spells.resource AS asked,
        min(spells.began_at) AS asked_at,
        min(spells.event_id) AS event_id,
        holds.began_at AS held_since,
        CASE WHEN holds.class = spells.class THEN holds.resource ELSE holds.class END
            AS held_key,
        CASE WHEN holds.class = spells.class THEN spells.resource ELSE spells.class END
            AS asked_key,
        holds.class AS held_class,
        spells.class AS asked_class
    FROM holds
    INNER JOIN spells
        ON
            holds.owner = spells.owner
            AND holds.minute_start = date_trunc('minute', spells.began_at)
            AND holds.resource <> spells.resource
            AND holds.began_at <= spells.began_at
            AND holds.ended_at > spells.began_at
    GROUP BY ALL
),

orders AS MATERIALIZED (
    SELECT
        requests.held_key,
        requests.asked_key,
        requests.held_class,
        requests.asked_class,
        count(*) AS order_count,
        min(requests.asked_at) AS first_at,
        max(requests.asked_at) AS last_at,
        arg_min(requests.owner, (requests.asked_at, requests.owner)) AS owner,
        arg_min(requests.asked, (requests.asked_at, requests.owner, requests.asked)) AS asked,
        arg_min(
            requests.event_id,
            (requests.asked_at, requests.owner, requests.asked, requests.event_id)
        ) AS event_id,
        min(requests.owner) AS least_owner,
        max(requests.owner) AS greatest_owner
    FROM requests
    GROUP BY ALL
),

both_orders AS MATERIALIZED (
    SELECT
        forth.held_key,
        forth.asked_key,
        forth.held_class,
        forth.asked_class,
        forth.order_count AS forth_count,
        back.order_count AS back_count,
        greatest(forth.first_at, back.first_at) AS inverted_at,
        greatest(forth.last_at, back.last_at) AS last_at,
        CASE WHEN forth.order_count < back.order_count THEN forth ELSE back END AS rarer
    FROM orders AS forth
    INNER JOIN orders AS back
        ON forth.held_key = back.asked_key AND forth.asked_key = back.held_key
    WHERE
        forth.held_key < forth.asked_key
        AND (
            forth.least_owner <> back.least_owner
            OR forth.least_owner <> forth.greatest_owner
            OR back.least_owner <> back.greatest_owner
        )
),

-- What is held throughout, from before the first of the two.
gates AS (
    SELECT
        requests.held_key,
        requests.asked_key,
        holds.resource AS gate,
        count(DISTINCT hash(requests.owner, requests.held, requests.asked, requests.asked_at))
            AS gated_count
    FROM requests
    INNER JOIN holds
        ON
            requests.owner = holds.owner
            AND date_trunc('minute', requests.asked_at) = holds.minute_start
            AND requests.held_since >= holds.began_at
            AND requests.asked_at < holds.ended_at
            AND requests.held <> holds.resource
            AND requests.asked <> holds.resource
    GROUP BY requests.held_key, requests.asked_key, holds.resource
),

gated AS (
    SELECT
        forth.held_key,
        forth.asked_key
    FROM gates AS forth
    INNER JOIN gates AS back
        ON
            forth.held_key = back.asked_key
            AND forth.asked_key = back.held_key
            AND forth.gate = back.gate
    INNER JOIN both_orders
        ON
            forth.held_key = both_orders.held_key
            AND forth.asked_key = both_orders.asked_key
            AND forth.gated_count = both_orders.forth_count
            AND back.gated_count = both_orders.back_count
)

SELECT
    both_orders.held_class AS first_class,
    both_orders.asked_class AS second_class,
    min(both_orders.inverted_at) AS inverted_at,
    max(both_orders.last_at) AS last_at,
    count(*) AS resource_pairs,
    sum(both_orders.forth_count)::BIGINT AS forth_count,
    sum(both_orders.back_count)::BIGINT AS back_count,
    arg_min(
        both_orders.rarer.owner,
        (both_orders.inverted_at, both_orders.held_key, both_orders.asked_key)
    )
        AS rarer_owner,
    arg_min(
        both_orders.rarer.asked,
        (both_orders.inverted_at, both_orders.held_key, both_orders.asked_key)
    )
        AS rarer_resource,
    arg_min(
        both_orders.rarer.event_id,
        (both_orders.inverted_at, both_orders.held_key, both_orders.asked_key)
    )
        AS rarer_event_id
FROM both_orders
ANTI JOIN gated
    ON both_orders.held_key = gated.held_key AND both_orders.asked_key = gated.asked_key
GROUP BY both_orders.held_class, both_orders.asked_class
ORDER BY inverted_at DESC, first_class ASC, second_class ASC
LIMIT (row_limit::BIGINT);
