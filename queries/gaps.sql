-- gaps: which numbers never arrived at a consumer?
--
-- One row per run of missing numbers between two that arrived in one scope (consumer,
-- stream, key, epoch, and event type where the types are numbered apart). Numbers before
-- the first arrival of a scope are not missing: where the numbering began is not known.
-- What arrives after the window still fills a gap. Only numbers that a producer gives can
-- be missing; offsets of a broker have holes by design. A type that has less than half of
-- its numbers, most of them also held by another type, numbers nothing: it copies the
-- number of the event that caused it, and has no gaps.
-- What has no readable time is there when no window is asked for, and in no window.
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
--   epoch          VARCHAR    epoch of the producer
--   first_missing  BIGINT     first number of the run
--   last_missing   BIGINT     last number of the run
--   missing_count  BIGINT     how many
--   noticed_at     TIMESTAMP  when a larger number first arrived, UTC; lies in the window;
--                             NULL when none of these has a time
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

-- A number minus its rank stays the same within a run without holes.
ranked AS (
    SELECT
        numbers.scope_hash,
        numbers.sequence,
        numbers.occurred_at,
        numbers.sequence::HUGEINT - row_number() OVER (
            PARTITION BY numbers.scope_hash
            ORDER BY numbers.sequence
        ) AS run
    FROM numbers
),

runs AS (
    SELECT
        ranked.scope_hash,
        min(ranked.sequence) AS first_number,
        max(ranked.sequence) AS last_number,
        count(*) AS number_count,
        min(ranked.occurred_at) AS first_at
    FROM ranked
    GROUP BY ranked.scope_hash, ranked.run
),

neighbours AS (
    SELECT
        runs.scope_hash,
        lag(runs.last_number) OVER in_scope AS number_before,
        runs.first_number AS number_after,
        min(runs.first_at) OVER (
            PARTITION BY runs.scope_hash
            ORDER BY runs.first_number
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS noticed_at
    FROM runs
    WINDOW in_scope AS (
        PARTITION BY runs.scope_hash
        ORDER BY runs.first_number
    )
),

holes AS (
    SELECT
        neighbours.scope_hash,
        neighbours.number_before,
        neighbours.number_after,
        neighbours.noticed_at
    FROM neighbours
    WHERE
        neighbours.number_before IS NOT NULL
        AND (
            neighbours.noticed_at >= since::TIMESTAMP
            OR since::TIMESTAMP = '-infinity'::TIMESTAMP
        )
),

scopes AS (
    SELECT
        arrivals.scope_hash,
        any_value(arrivals.key_hash) AS key_hash,
        any_value(arrivals.consumer) AS consumer,
        any_value(arrivals.stream) AS stream,
        any_value(arrivals.scope_type) AS scope_type,
        any_value(arrivals.stream_key) AS stream_key,
        any_value(arrivals.epoch) AS epoch
    FROM arrivals
    GROUP BY arrivals.scope_hash
),

spans AS (
    SELECT
        runs.scope_hash,
        max(runs.last_number)::HUGEINT - min(runs.first_number) + 1 AS span,
        sum(runs.number_count) AS number_count
    FROM runs
    GROUP BY runs.scope_hash
),

typed_numbers AS (
    SELECT
        scopes.key_hash,
        numbers.scope_hash,
        numbers.sequence
    FROM numbers
    INNER JOIN scopes ON numbers.scope_hash = scopes.scope_hash
    WHERE scopes.scope_type IS NOT NULL
),

shared_numbers AS (
    SELECT
        typed_numbers.key_hash,
        typed_numbers.sequence
    FROM typed_numbers
    GROUP BY typed_numbers.key_hash, typed_numbers.sequence
    HAVING count(*) > 1
),

shared_counts AS (
    SELECT
        typed_numbers.scope_hash,
        count(*) AS shared_count
    FROM typed_numbers
    SEMI JOIN shared_numbers
        ON
            typed_numbers.key_hash = shared_numbers.key_hash
            AND typed_numbers.sequence = shared_numbers.sequence
    GROUP BY typed_numbers.scope_hash
),

copying_types AS (
    SELECT
        scopes.consumer,
        scopes.stream,
        scopes.scope_type
    FROM scopes
    INNER JOIN spans ON scopes.scope_hash = spans.scope_hash
    LEFT OUTER JOIN shared_counts ON scopes.scope_hash = shared_counts.scope_hash
    WHERE scopes.scope_type IS NOT NULL
    GROUP BY scopes.consumer, scopes.stream, scopes.scope_type
    HAVING
        2 * sum(spans.number_count) < sum(spans.span)
        AND 2 * sum(shared_counts.shared_count) > sum(spans.number_count)
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

hole_scopes AS (
    SELECT
        counted_holes.scope_hash,
        counted_holes.consumer,
        counted_holes.stream,
        counted_holes.scope_type,
        counted_holes.stream_key,
        counted_holes.epoch,
        min(counted_holes.number_before) AS first_number,
        max(counted_holes.number_after) AS last_number
    FROM counted_holes
    GROUP BY ALL
),

later_numbers AS (
    SELECT
        hole_scopes.scope_hash,
        later.sequence
    FROM hole_scopes
    INNER JOIN _arrivals(until::TIMESTAMP, 'infinity'::TIMESTAMP) AS later
        ON
            hole_scopes.consumer IS NOT DISTINCT FROM later.consumer
            AND hole_scopes.stream IS NOT DISTINCT FROM later.stream
            AND hole_scopes.stream_key IS NOT DISTINCT FROM later.stream_key
            AND hole_scopes.epoch IS NOT DISTINCT FROM later.epoch
            AND hole_scopes.first_number < later.sequence
            AND hole_scopes.last_number > later.sequence
    WHERE hole_scopes.scope_type IS NULL OR hole_scopes.scope_type = later.event_type
),

filled AS MATERIALIZED (
    SELECT
        counted_holes.scope_hash,
        counted_holes.number_before,
        counted_holes.number_after,
        later_numbers.sequence
    FROM later_numbers
    ASOF INNER JOIN counted_holes
        ON
            later_numbers.scope_hash = counted_holes.scope_hash
            AND later_numbers.sequence > counted_holes.number_before
    WHERE later_numbers.sequence < counted_holes.number_after
),

-- A hole and the numbers that came after the window cut it into the gaps that remain.
marks AS (
    SELECT DISTINCT
        filled.scope_hash,
        filled.number_before,
        unnest([filled.number_before, filled.sequence, filled.number_after]) AS number
    FROM filled
),

steps AS (
    SELECT
        marks.scope_hash,
        marks.number_before AS hole,
        marks.number AS number_before,
        lead(marks.number) OVER (
            PARTITION BY marks.scope_hash, marks.number_before
            ORDER BY marks.number
        ) AS number_after
    FROM marks
),

pieces AS (
    SELECT
        counted_holes.consumer,
        counted_holes.stream,
        counted_holes.scope_type,
        counted_holes.stream_key,
        counted_holes.epoch,
        counted_holes.noticed_at,
        counted_holes.number_before::HUGEINT AS number_before,
        counted_holes.number_after
    FROM counted_holes
    ANTI JOIN filled
        ON
            counted_holes.scope_hash = filled.scope_hash
            AND counted_holes.number_before = filled.number_before
    UNION ALL
    SELECT
        counted_holes.consumer,
        counted_holes.stream,
        counted_holes.scope_type,
        counted_holes.stream_key,
        counted_holes.epoch,
        counted_holes.noticed_at,
        steps.number_before::HUGEINT AS number_before,
        steps.number_after
    FROM steps
    INNER JOIN counted_holes
        ON
            steps.scope_hash = counted_holes.scope_hash
            AND steps.hole = counted_holes.number_before
),

last_arrivals AS (
    SELECT
        received.consumer,
        max(received.occurred_at) AS last_at
    FROM _arrivals(since::TIMESTAMP, 'infinity'::TIMESTAMP) AS received
    GROUP BY received.consumer
)

SELECT
    pieces.consumer,
    pieces.stream,
    pieces.scope_type AS event_type,
    pieces.stream_key,
    pieces.epoch,
    (pieces.number_before + 1)::BIGINT AS first_missing,
    pieces.number_after - 1 AS last_missing,
    least(
        pieces.number_after - pieces.number_before - 1, 9223372036854775807
    )::BIGINT AS missing_count,
    pieces.noticed_at,
    CASE
        WHEN
            last_arrivals.last_at
            > pieces.noticed_at + allowed_lateness::INTERVAL
            THEN 'lost'
        ELSE 'open'
    END AS state
FROM pieces
INNER JOIN last_arrivals
    ON pieces.consumer IS NOT DISTINCT FROM last_arrivals.consumer
WHERE pieces.number_after - pieces.number_before > 1
ORDER BY
    pieces.noticed_at,
    pieces.consumer,
    pieces.stream,
    pieces.stream_key,
    pieces.scope_type,
    pieces.epoch,
    first_missing;
