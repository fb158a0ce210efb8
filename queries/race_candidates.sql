-- race_candidates: which writes of one entity are ordered by nothing?
--
-- One row per pair of writes that follow each other on one entity, by different nodes, of
-- which neither is in the chain of causes that led to the other. So which came first was
-- chance, or was decided by something that was not logged. A write is an event that says the
-- version of the entity after it, or one that was sent or created; its own later records are
-- not looked at. Of many writes at once each is shown with the next one only. Two that read
-- the same version before are lost updates for certain, and come first.
-- What has no readable time is in no window, and has no place in the order of writes.
--
-- Parameters
--   since       TIMESTAMP  first instant included (default: the oldest event)
--   until       TIMESTAMP  first instant excluded (default: the newest event)
--   within      INTERVAL   how close two writes must be (default: 1 second)
--   step_limit  INTEGER    how many causes up one write is looked for above the other
--                          (default: 50)
--   row_limit   BIGINT     how many rows (default: 100)
--
-- Columns
--   entity           VARCHAR    what both wrote
--   first_id         VARCHAR    event_id of the write observed first
--   second_id        VARCHAR    event_id of the other
--   first_type       VARCHAR    type of the first
--   second_type      VARCHAR    type of the second
--   first_node       VARCHAR    node that wrote first
--   second_node      VARCHAR    node that wrote second
--   occurred_at      TIMESTAMP  when the second was observed, UTC
--   apart_ms         DOUBLE     time between the two
--   is_same_version  BOOLEAN    both had read, or both made, the same version of the entity
--
-- Source: Netzer, Miller 1992, What are race conditions?: conflicting accesses that nothing orders
-- Reads: events, _window_edges
CREATE OR REPLACE MACRO race_candidates(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    within := INTERVAL 1 SECOND,
    step_limit := 50,
    row_limit := 100
) AS TABLE -- noqa: CP02
WITH RECURSIVE writes AS ( -- noqa: PRS
    SELECT
        events.event_id,
        events.entity,
        events.event_type,
        events.node,
        events.occurred_at,
        events.entity_version,
        events.expected_version
    FROM events
    WHERE
        events.event_id IS NOT NULL
        AND events.entity IS NOT NULL
        AND events.node IS NOT NULL
        AND events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
        AND (
            events.operation IN ('send', 'create')
            OR (events.operation IS NULL AND events.entity_version IS NOT NULL)
        )
    QUALIFY
        row_number() OVER (
            PARTITION BY hash(events.event_id)
            ORDER BY
                events.occurred_at, events.file_id, events.byte_offset, events.record_no
        ) = 1
),

following AS (
    SELECT
        writes.entity,
        lag(writes.event_id) OVER in_time AS first_id,
        writes.event_id AS second_id,
        lag(writes.event_type) OVER in_time AS first_type,
        writes.event_type AS second_type,
        lag(writes.node) OVER in_time AS first_node,
        writes.node AS second_node,
        writes.occurred_at,
        date_diff('microsecond', lag(writes.occurred_at) OVER in_time, writes.occurred_at)
            AS apart_us,
        coalesce(
            lag(writes.expected_version) OVER in_time = writes.expected_version
            OR lag(writes.entity_version) OVER in_time = writes.entity_version,
            FALSE
        ) AS is_same_version
    FROM writes
    WINDOW in_time AS (
        PARTITION BY writes.entity
        ORDER BY writes.occurred_at, writes.event_id
    )
),

pairs AS MATERIALIZED (
    SELECT *
    FROM following
    WHERE
        following.first_node <> following.second_node
        AND following.apart_us <= extract(EPOCH FROM within::INTERVAL) * 1000000
),

named AS MATERIALIZED (
    SELECT DISTINCT
        hash(window_edges.cause_id) AS cause_hash,
        hash(window_edges.effect_id) AS effect_hash
    FROM _window_edges(since, until) AS window_edges
),

-- Each of the two may be above the other: clocks differ.
sides AS MATERIALIZED (
    SELECT
        hash(pairs.second_id) AS from_hash,
        hash(pairs.first_id) AS sought_hash
    FROM pairs
    UNION
    SELECT
        hash(pairs.first_id) AS from_hash,
        hash(pairs.second_id) AS sought_hash
    FROM pairs
),

above(from_hash, sought_hash, event_hash, steps)
    USING KEY (from_hash, sought_hash, event_hash, min(steps)) AS (
    SELECT
        sides.from_hash,
        sides.sought_hash,
        sides.from_hash AS event_hash,
        0 AS steps
    FROM sides
    UNION
    SELECT
        above.from_hash,
        above.sought_hash,
        named.cause_hash AS event_hash,
        above.steps + 1 AS steps
    FROM above
    INNER JOIN named ON above.event_hash = named.effect_hash
    WHERE above.steps < step_limit::INTEGER AND above.event_hash <> above.sought_hash
),

ordered AS (
    SELECT
        above.from_hash,
        above.sought_hash
    FROM above
    WHERE above.event_hash = above.sought_hash
)

SELECT
    pairs.entity,
    pairs.first_id,
    pairs.second_id,
    pairs.first_type,
    pairs.second_type,
    pairs.first_node,
    pairs.second_node,
    pairs.occurred_at,
    pairs.apart_us / 1000 AS apart_ms,
    pairs.is_same_version
FROM pairs
ANTI JOIN ordered AS forth
    ON
        hash(pairs.second_id) = forth.from_hash
        AND hash(pairs.first_id) = forth.sought_hash
ANTI JOIN ordered AS back
    ON
        hash(pairs.first_id) = back.from_hash
        AND hash(pairs.second_id) = back.sought_hash
ORDER BY
    pairs.is_same_version DESC, pairs.apart_us ASC, pairs.occurred_at ASC, pairs.second_id ASC
LIMIT (row_limit::BIGINT);
