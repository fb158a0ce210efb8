-- gaps: which numbers never arrived at a consumer?
--
-- One row per run of missing numbers between two that arrived in one scope (consumer,
-- stream, key, epoch, and event type where the types are numbered apart). Numbers before
-- the first arrival of a scope are not missing: where the numbering began is not known.
-- What arrives after the window still fills a gap. Only numbers that a producer gives can
-- be missing; offsets of a broker have holes by design. A type that has less than half of
-- its numbers, most of them also held by another type, numbers nothing: it copies the
-- number of the event that caused it, and has no gaps.
--
-- Parameters
--   since             TIMESTAMP  first instant included (default: the oldest event)
--   until             TIMESTAMP  first instant excluded (default: the newest event)
--   allowed_lateness  INTERVAL   how long a number may come late (default: 1 minute)
--   lookback          INTERVAL   how far before since arrivals are looked at
--                                (default: 1 hour)
--
-- Columns
--   consumer       VARCHAR    service they did not arrive at, else node
--   stream         VARCHAR    topic, queue or destination
--   event_type     VARCHAR    type of the events if types are numbered apart, else NULL
--   stream_key     VARCHAR    partition key within the stream
--   first_missing  BIGINT     first number of the run
--   last_missing   BIGINT     last number of the run
--   missing_count  BIGINT     how many
--   noticed_at     TIMESTAMP  when a larger number first arrived, UTC; lies in the window
--   state          VARCHAR    lost: the consumer has gone on receiving for longer than
--                             allowed_lateness since; open: it may still come
--
-- Reads: _numbered_arrivals, _arrivals
CREATE OR REPLACE MACRO gaps(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    allowed_lateness := INTERVAL 1 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS (
    SELECT
        numbered.scope_hash,
        numbered.key_hash,
        numbered.consumer,
        numbered.stream,
        numbered.scope_type,
        numbered.stream_key,
        numbered.epoch,
        numbered.sequence,
        numbered.occurred_at
    FROM
        _numbered_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS numbered
    WHERE numbered.sequence_source = 'producer'
),

numbers AS (
    SELECT
        arrivals.scope_hash,
        arrivals.sequence,
        min(arrivals.occurred_at) AS occurred_at
    FROM arrivals
    GROUP BY arrivals.scope_hash, arrivals.sequence
),

neighbours AS (
    SELECT
        numbers.scope_hash,
        numbers.sequence AS number_after,
        lag(numbers.sequence) OVER (
            PARTITION BY numbers.scope_hash
            ORDER BY numbers.sequence
        ) AS number_before,
        min(numbers.occurred_at) OVER (
            PARTITION BY numbers.scope_hash
            ORDER BY numbers.sequence DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS noticed_at
    FROM numbers
),

holes AS (
    SELECT
        neighbours.scope_hash,
        neighbours.number_before,
        neighbours.number_after,
        neighbours.noticed_at
    FROM neighbours
    WHERE
        neighbours.number_after::HUGEINT - neighbours.number_before > 1
        AND neighbours.noticed_at >= since::TIMESTAMP
),

shared_numbers AS (
    SELECT
        arrivals.key_hash,
        arrivals.sequence
    FROM arrivals
    WHERE arrivals.scope_type IS NOT NULL
    GROUP BY arrivals.key_hash, arrivals.sequence
    HAVING min(arrivals.scope_type) <> max(arrivals.scope_type)
),

scopes AS (
    SELECT
        arrivals.scope_hash,
        any_value(arrivals.consumer) AS consumer,
        any_value(arrivals.stream) AS stream,
        any_value(arrivals.scope_type) AS scope_type,
        any_value(arrivals.stream_key) AS stream_key,
        any_value(arrivals.epoch) AS epoch,
        max(arrivals.sequence)::HUGEINT - min(arrivals.sequence) + 1 AS span,
        count(DISTINCT arrivals.sequence) AS number_count,
        count(DISTINCT shared_numbers.sequence) AS shared_count
    FROM arrivals
    LEFT OUTER JOIN shared_numbers
        ON
            arrivals.key_hash = shared_numbers.key_hash
            AND arrivals.sequence = shared_numbers.sequence
    GROUP BY arrivals.scope_hash
),

copying_types AS (
    SELECT
        scopes.consumer,
        scopes.stream,
        scopes.scope_type
    FROM scopes
    WHERE scopes.scope_type IS NOT NULL
    GROUP BY scopes.consumer, scopes.stream, scopes.scope_type
    HAVING
        2 * sum(scopes.number_count) < sum(scopes.span)
        AND 2 * sum(scopes.shared_count) > sum(scopes.number_count)
),

counted_holes AS (
    SELECT
        holes.scope_hash,
        holes.number_before,
        holes.number_after,
        holes.noticed_at,
        scopes.consumer,
        scopes.stream,
        scopes.scope_type,
        scopes.stream_key,
        scopes.epoch
    FROM holes
    INNER JOIN scopes ON holes.scope_hash = scopes.scope_hash
    ANTI JOIN copying_types
        ON
            scopes.consumer IS NOT DISTINCT FROM copying_types.consumer
            AND scopes.stream IS NOT DISTINCT FROM copying_types.stream
            AND scopes.scope_type = copying_types.scope_type
),

-- A hole and the numbers that came after the window cut it into the gaps that remain.
marks AS (
    SELECT
        counted_holes.scope_hash,
        counted_holes.number_before,
        unnest([counted_holes.number_before, counted_holes.number_after]) AS number
    FROM counted_holes
    UNION
    SELECT
        counted_holes.scope_hash,
        counted_holes.number_before,
        later.sequence AS number
    FROM counted_holes
    INNER JOIN _arrivals(until::TIMESTAMP, 'infinity'::TIMESTAMP) AS later
        ON
            counted_holes.consumer IS NOT DISTINCT FROM later.consumer
            AND counted_holes.stream IS NOT DISTINCT FROM later.stream
            AND counted_holes.stream_key IS NOT DISTINCT FROM later.stream_key
            AND counted_holes.epoch IS NOT DISTINCT FROM later.epoch
            AND coalesce(counted_holes.scope_type = later.event_type, TRUE)
            AND later.sequence > counted_holes.number_before
            AND later.sequence < counted_holes.number_after
),

steps AS (
    SELECT
        marks.scope_hash,
        marks.number_before AS hole,
        marks.number::HUGEINT AS number_before,
        lead(marks.number) OVER (
            PARTITION BY marks.scope_hash, marks.number_before
            ORDER BY marks.number
        ) AS number_after
    FROM marks
),

last_arrivals AS (
    SELECT
        received.consumer,
        max(received.occurred_at) AS last_at
    FROM _arrivals(since::TIMESTAMP, 'infinity'::TIMESTAMP) AS received
    GROUP BY received.consumer
)

SELECT
    counted_holes.consumer,
    counted_holes.stream,
    counted_holes.scope_type AS event_type,
    counted_holes.stream_key,
    (steps.number_before + 1)::BIGINT AS first_missing,
    steps.number_after - 1 AS last_missing,
    least(
        steps.number_after - steps.number_before - 1, 9223372036854775807
    )::BIGINT AS missing_count,
    counted_holes.noticed_at,
    CASE
        WHEN
            last_arrivals.last_at
            > counted_holes.noticed_at + allowed_lateness::INTERVAL
            THEN 'lost'
        ELSE 'open'
    END AS state
FROM steps
INNER JOIN counted_holes
    ON
        steps.scope_hash = counted_holes.scope_hash
        AND steps.hole = counted_holes.number_before
INNER JOIN last_arrivals
    ON counted_holes.consumer IS NOT DISTINCT FROM last_arrivals.consumer
WHERE steps.number_after - steps.number_before > 1
ORDER BY
    counted_holes.noticed_at,
    counted_holes.consumer,
    counted_holes.stream,
    counted_holes.stream_key,
    counted_holes.scope_type,
    first_missing;
