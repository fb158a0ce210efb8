-- _loop_matrices: how many effects had an event of each loop type, by what was known then?
--
-- One row per evaluation, pair of types and effects seen by then; unordered. Evaluation n
-- looks at the causes of the span before bucket n and at what they had caused before bucket
-- n, so nothing of it comes from later. Causes that are young have not had all their effects
-- yet: each counts for the share of effects that come within its age, as measured on causes
-- of the hour before (with the default span), whose effects are complete. Events that wait to
-- be handled are no causes of a pair yet, as _loop_counts says, and age from when they are.
-- The spans are cut at multiples of their length for what is measured before: delays and
-- spread over four whole spans that ended a span ago or more, coverage over the last four.
-- Coverage: the share of effects whose cause is known. Where the log has correlation ids,
-- a cause is missing of an event that is not the first of its flow. Else the best type
-- outside all loops tells it: with no ids missing, all events of such a type have causes.
-- None at all counts as 0.01: nothing is divided by none.
--
-- Parameters
--   since   TIMESTAMP  first instant included
--   until   TIMESTAMP  first instant excluded
--   bucket  INTERVAL   length of a bucket; an evaluation at the end of each
--   span    INTERVAL   causes that are looked at
--
-- Columns
--   evaluated_no       BIGINT   number since 1970 of the first bucket not looked at
--   cause_type         VARCHAR  type of the causes
--   effect_type        VARCHAR  type of the effects
--   cause_count        HUGEINT  causes in the span
--   effect_count       HUGEINT  effects of them seen
--   effects_per_cause  DOUBLE   corrected for what is still to come and for coverage
--   variance           DOUBLE   square of its standard error
--   recent_effects     DOUBLE   the same by effects of the newest fifth of the span alone,
--                               against those to expect there of one effect per cause
--   recent_variance    DOUBLE   square of its standard error; both NULL where none are expected
--   coverage           DOUBLE   share of effects whose cause is known; 1 when not known
--   delay_s            DOUBLE   mean time from cause to effect
--   earlier_effects    DOUBLE   effects_per_cause an hour before (with the default span)
--   is_fixed           BOOLEAN  each cause has had the same number of effects
--
-- Source: correction for right truncation, and the number of effects by when they come, as in
-- Cori et al. 2013 (EpiEstim), with the delays known here. The variance is that of a Poisson
-- count, and where effects per cause were more dispersed before, that of a negative binomial
-- one, whose dispersion grows with the mean.
-- Reads: _loop_counts
CREATE OR REPLACE MACRO _loop_matrices(since, until, bucket, span) AS TABLE
WITH counts AS MATERIALIZED (
    SELECT
        found.kind,
        found.bucket_no,
        found.cause_type,
        found.effect_type,
        found.age,
        found.event_count,
        found.resolved,
        found.missing,
        found.in_flow,
        found.is_loop,
        found.delay_us,
        found.squared_count,
        (epoch(span::INTERVAL) / epoch(bucket::INTERVAL))::BIGINT AS width
    FROM
        _loop_counts(since::TIMESTAMP - 8 * span::INTERVAL, until, bucket, span)
            AS found
),

-- One with not a tenth of the events of that after it is hardly begun, as where a log begins, or of clocks
-- that are slow: of these alone nothing is learned.
whole AS MATERIALIZED (
    SELECT
        begun.block_no,
        begun.event_count >= 0.1 * coalesce(
            lead(begun.event_count) OVER (ORDER BY begun.block_no), 0
        ) AS is_whole
    FROM (
        SELECT
            counts.bucket_no // counts.width AS block_no,
            sum(counts.event_count) AS event_count
        FROM counts
        WHERE counts.kind = 'birth'
        GROUP BY counts.bucket_no // counts.width
    ) AS begun
),

-- Of a pair of types those are causes that act: born of the type, less what waits.
acting AS MATERIALIZED (
    SELECT
        acts.cause_type,
        acts.effect_type,
        acts.bucket_no,
        acts.width,
        sum(acts.event_count) AS event_count
    FROM (
        SELECT
            pairs.cause_type,
            pairs.effect_type,
            born.bucket_no,
            born.width,
            born.event_count
        FROM counts AS born
        INNER JOIN (
            SELECT DISTINCT
                effects.cause_type,
                effects.effect_type
            FROM counts AS effects
            WHERE effects.kind = 'effect'
        ) AS pairs ON born.effect_type = pairs.cause_type
        WHERE born.kind = 'birth'
        UNION ALL
        SELECT
            shifts.cause_type,
            shifts.effect_type,
            shifts.bucket_no,
            shifts.width,
            shifts.event_count
        FROM counts AS shifts
        WHERE shifts.kind = 'shift'
    ) AS acts
    GROUP BY acts.cause_type, acts.effect_type, acts.bucket_no, acts.width
    HAVING sum(acts.event_count) <> 0
),

-- Four whole spans, the last of which ended at least one span before the evaluation.
complete AS MATERIALIZED (
    SELECT
        parts.kind,
        parts.bucket_no // parts.width + shift.later AS block_no,
        parts.cause_type,
        parts.effect_type,
        parts.age,
        sum(parts.event_count) AS event_count,
        sum(parts.squared_count) AS squared_count
    FROM (
        SELECT
            counts.kind,
            counts.bucket_no,
            counts.width,
            counts.cause_type,
            counts.effect_type,
            counts.age,
            counts.event_count,
            counts.squared_count
        FROM counts
        WHERE counts.kind IN ('effect', 'spread')
        UNION ALL BY NAME
        SELECT
            'acting' AS kind,
            acting.*
        FROM acting
    ) AS parts
    INNER JOIN whole ON parts.bucket_no // parts.width = whole.block_no AND whole.is_whole
    CROSS JOIN unnest([2, 3, 4, 5]) AS shift (later)
    GROUP BY ALL
),

delays AS (
    SELECT
        complete.block_no,
        complete.cause_type,
        complete.effect_type,
        complete.age + 1 AS age,
        sum(complete.event_count) OVER (
            PARTITION BY complete.block_no, complete.cause_type, complete.effect_type
            ORDER BY complete.age
        ) AS event_count
    FROM complete
    WHERE complete.kind = 'effect'
),

known AS (
    SELECT
        delays.block_no,
        delays.cause_type,
        delays.effect_type,
        max(delays.event_count) AS event_count
    FROM delays
    GROUP BY ALL
),

spreads AS (
    SELECT
        spread.block_no,
        spread.cause_type,
        spread.effect_type,
        spread.event_count / nullif(born.event_count, 0) AS earlier_effects,
        spread.squared_count / spread.event_count
        - spread.event_count / nullif(born.event_count, 0) AS dispersion
    FROM complete AS spread
    INNER JOIN complete AS born
        ON
            spread.block_no = born.block_no
            AND spread.cause_type = born.cause_type
            AND spread.effect_type = born.effect_type
            AND born.kind = 'acting'
    WHERE spread.kind = 'spread'
),

covered AS (
    SELECT
        counts.bucket_no // counts.width + shift.later AS block_no,
        counts.effect_type,
        bool_or(counts.is_loop) AS is_loop,
        sum(counts.event_count) AS event_count,
        sum(counts.resolved) AS resolved,
        sum(counts.missing) AS missing,
        sum(counts.in_flow) AS in_flow
    FROM counts
    INNER JOIN whole ON counts.bucket_no // counts.width = whole.block_no AND whole.is_whole
    CROSS JOIN unnest([1, 2, 3, 4]) AS shift (later)
    WHERE counts.kind = 'birth'
    GROUP BY ALL
),

outside AS (
    SELECT
        covered.block_no,
        sum(covered.in_flow) >= 0.1 * sum(covered.event_count) AS has_flows,
        max(covered.resolved / covered.event_count) FILTER (
            WHERE NOT covered.is_loop AND covered.event_count >= 100 AND covered.resolved > 0
        ) AS best
    FROM covered
    GROUP BY covered.block_no
),

coverages AS (
    SELECT
        covered.block_no,
        covered.effect_type,
        CASE
            WHEN outside.has_flows OR outside.best IS NULL
                THEN
                    greatest(covered.resolved, 0.01 * covered.missing)
                    / nullif(covered.resolved + covered.missing, 0)
            ELSE outside.best
        END AS coverage
    FROM covered
    INNER JOIN outside ON covered.block_no = outside.block_no
    WHERE covered.is_loop
),

-- Each count belongs to the evaluations whose span holds its causes.
spread_out AS (
    SELECT
        counts.cause_type,
        counts.effect_type,
        counts.width,
        counts.event_count,
        counts.delay_us,
        counts.bucket_no + counts.age AS effect_no,
        unnest(
            range(
                counts.bucket_no + counts.age + 1,
                counts.bucket_no + counts.width + 1
            )
        ) AS evaluated_no
    FROM counts
    WHERE counts.kind = 'effect'
),

last_bucket AS (
    SELECT max(counts.bucket_no) AS bucket_no
    FROM counts
),

seen AS (
    SELECT
        spread_out.evaluated_no,
        spread_out.cause_type,
        spread_out.effect_type,
        any_value(spread_out.width) AS width,
        sum(spread_out.event_count) AS effect_count,
        sum(spread_out.event_count) FILTER (
            WHERE spread_out.evaluated_no <= spread_out.effect_no + spread_out.width // 5
        ) AS recent_count,
        sum(spread_out.delay_us) / sum(spread_out.event_count) / 1000000 AS delay_s
    FROM spread_out
    INNER JOIN last_bucket ON spread_out.evaluated_no <= last_bucket.bucket_no + 1
    WHERE
        make_timestamp(
            (spread_out.evaluated_no - 1) * (1000000 * epoch(bucket::INTERVAL))::BIGINT
        ) >= time_bucket(bucket::INTERVAL, since::TIMESTAMP)
    GROUP BY ALL
),

causing AS (
    SELECT
        acting.cause_type,
        acting.effect_type,
        acting.bucket_no,
        acting.event_count,
        unnest(range(acting.bucket_no + 1, acting.bucket_no + acting.width + 1))
            AS evaluated_no
    FROM acting
),

expected AS (
    SELECT
        seen.evaluated_no,
        seen.cause_type,
        seen.effect_type,
        any_value(seen.width) AS width,
        any_value(seen.effect_count) AS effect_count,
        any_value(coalesce(seen.recent_count, 0)) AS recent_count,
        any_value(seen.delay_s) AS delay_s,
        sum(causing.event_count) AS cause_count,
        -- Where none is complete yet, all count in full.
        sum(
            causing.event_count
            * CASE
                WHEN known.block_no IS NULL THEN 1
                ELSE coalesce(delays.event_count, 0)
            END
        ) / any_value(coalesce(known.event_count, 1)) AS expected_count,
        -- Those that come in the newest buckets, of all causes of the span.
        sum(
            causing.event_count
            * (coalesce(delays.event_count, 0) - coalesce(earlier.event_count, 0))
        ) / any_value(known.event_count) AS recent_expected
    FROM seen
    INNER JOIN causing
        ON
            seen.evaluated_no = causing.evaluated_no
            AND seen.cause_type = causing.cause_type
            AND seen.effect_type = causing.effect_type
    LEFT OUTER JOIN known
        ON
            seen.evaluated_no // seen.width = known.block_no
            AND seen.cause_type = known.cause_type
            AND seen.effect_type = known.effect_type
    ASOF LEFT JOIN delays
        ON
            known.block_no = delays.block_no
            AND known.cause_type = delays.cause_type
            AND known.effect_type = delays.effect_type
            AND seen.evaluated_no - causing.bucket_no >= delays.age
    ASOF LEFT JOIN delays AS earlier
        ON
            known.block_no = earlier.block_no
            AND known.cause_type = earlier.cause_type
            AND known.effect_type = earlier.effect_type
            AND seen.evaluated_no - seen.width // 5 - causing.bucket_no >= earlier.age
    GROUP BY seen.evaluated_no, seen.cause_type, seen.effect_type
),

measured AS (
    SELECT
        expected.evaluated_no,
        expected.cause_type,
        expected.effect_type,
        expected.cause_count,
        expected.effect_count,
        expected.recent_count,
        expected.delay_s,
        expected.expected_count * coalesce(coverages.coverage, 1) AS expected_count,
        nullif(expected.recent_expected, 0) * coalesce(coverages.coverage, 1) AS recent_expected,
        1
        + greatest(coalesce(spreads.dispersion, 1) - 1, 0)
        * greatest(
            coalesce(
                expected.effect_count / expected.expected_count / spreads.earlier_effects, 1
            ),
            1
        ) AS dispersion,
        coalesce(coverages.coverage, 1) AS coverage,
        spreads.earlier_effects / coalesce(coverages.coverage, 1) AS earlier_effects,
        coalesce(spreads.dispersion < 0.1, FALSE) AS is_fixed
    FROM expected
    LEFT OUTER JOIN coverages
        ON
            expected.evaluated_no // expected.width = coverages.block_no
            AND expected.effect_type = coverages.effect_type
    LEFT OUTER JOIN spreads
        ON
            expected.evaluated_no // expected.width = spreads.block_no
            AND expected.cause_type = spreads.cause_type
            AND expected.effect_type = spreads.effect_type
    WHERE expected.expected_count > 0
)

SELECT
    measured.evaluated_no,
    measured.cause_type,
    measured.effect_type,
    measured.cause_count,
    measured.effect_count,
    measured.effect_count / measured.expected_count AS effects_per_cause,
    measured.effect_count * measured.dispersion / measured.expected_count ^ 2 AS variance,
    measured.recent_count / measured.recent_expected AS recent_effects,
    -- None seen may be one by chance.
    greatest(measured.recent_count, 1) * measured.dispersion / measured.recent_expected ^ 2
        AS recent_variance,
    measured.coverage,
    measured.delay_s,
    measured.earlier_effects,
    measured.is_fixed
FROM measured;
