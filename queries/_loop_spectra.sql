-- _loop_spectra: which types form a loop, and how much does each pair of types weigh in it?
--
-- One row per evaluation, loop and pair of types of the loop; unordered. A loop is a set of
-- types each of which led to each other one: a strongly connected component of the pairs
-- seen. The weights are those with which the gain of the loop, the spectral radius of its
-- matrix, changes when the entry changes: gain = sum(weight * effects_per_cause).
--
-- Parameters
--   since   TIMESTAMP  first instant included
--   until   TIMESTAMP  first instant excluded
--   bucket  INTERVAL   length of a bucket; an evaluation at the end of each
--   span    INTERVAL   causes that are looked at
--
-- Columns
--   evaluated_no       BIGINT   number since 1970 of the first bucket not looked at
--   loop_key           VARCHAR  first type of the loop by name
--   cause_type         VARCHAR  type of the causes
--   effect_type        VARCHAR  type of the effects
--   cause_count        HUGEINT  causes in the span
--   effect_count       HUGEINT  effects of them seen
--   effects_per_cause  DOUBLE   corrected, as _loop_matrices says
--   variance           DOUBLE   square of its standard error
--   recent_effects     DOUBLE   the same by effects of the newest fifth of the span
--   recent_variance    DOUBLE   square of its standard error
--   coverage           DOUBLE   share of effects whose cause is known
--   delay_s            DOUBLE   mean time from cause to effect
--   earlier_effects    DOUBLE   effects_per_cause an hour before (with the default span)
--   is_fixed           BOOLEAN  each cause has had the same number of effects
--   weight             DOUBLE   left eigenvector of the cause times right of the effect, over
--                               the product of both vectors
--
-- Source: Perron and Frobenius; the matrix plus the identity has the same eigenvectors and one
-- greatest eigenvalue, and after ten squarings nothing is left of the others.
-- Reads: _loop_matrices
CREATE OR REPLACE MACRO _loop_spectra(since, until, bucket, span) AS TABLE
WITH RECURSIVE entries AS MATERIALIZED (
    SELECT
        matrices.evaluated_no,
        matrices.cause_type,
        matrices.effect_type,
        matrices.cause_count,
        matrices.effect_count,
        matrices.effects_per_cause,
        matrices.variance,
        matrices.recent_effects,
        matrices.recent_variance,
        matrices.coverage,
        matrices.delay_s,
        matrices.earlier_effects,
        matrices.is_fixed
    FROM _loop_matrices(since, until, bucket, span) AS matrices
),

ways AS (
    SELECT
        entries.evaluated_no,
        entries.cause_type AS from_type,
        entries.effect_type AS to_type
    FROM entries
    UNION
    SELECT
        ways.evaluated_no,
        ways.from_type,
        entries.effect_type AS to_type
    FROM ways
    INNER JOIN entries
        ON ways.evaluated_no = entries.evaluated_no AND ways.to_type = entries.cause_type
),

members AS MATERIALIZED (
    SELECT
        there.evaluated_no,
        there.from_type AS event_type,
        min(there.to_type) AS loop_key
    FROM ways AS there
    INNER JOIN ways AS back
        ON
            there.evaluated_no = back.evaluated_no
            AND there.from_type = back.to_type
            AND there.to_type = back.from_type
    GROUP BY there.evaluated_no, there.from_type
),

matrix_rows AS (
    SELECT
        causes.evaluated_no,
        causes.loop_key,
        causes.event_type,
        list(
            coalesce(entries.effects_per_cause, 0)::DOUBLE
            + (causes.event_type = effects.event_type)::INTEGER
            ORDER BY effects.event_type
        ) AS cells
    FROM members AS causes
    INNER JOIN members AS effects
        ON
            causes.evaluated_no = effects.evaluated_no
            AND causes.loop_key = effects.loop_key
    LEFT OUTER JOIN entries
        ON
            causes.evaluated_no = entries.evaluated_no
            AND causes.event_type = entries.cause_type
            AND effects.event_type = entries.effect_type
    GROUP BY causes.evaluated_no, causes.loop_key, causes.event_type
),

matrices AS (
    SELECT
        matrix_rows.evaluated_no,
        matrix_rows.loop_key,
        list(matrix_rows.event_type ORDER BY matrix_rows.event_type) AS event_types,
        list(matrix_rows.cells ORDER BY matrix_rows.event_type) AS cells
    FROM matrix_rows
    GROUP BY matrix_rows.evaluated_no, matrix_rows.loop_key
),

-- The diagonal is never 0, so it can keep the numbers in range.
powers AS (
    SELECT
        matrices.evaluated_no,
        matrices.loop_key,
        matrices.event_types,
        list_reduce( -- noqa: PRS
            range(10),
            LAMBDA power, step: list_transform(
                power,
                LAMBDA cells: list_transform(
                    range(1, len(power) + 1),
                    LAMBDA column_no: list_dot_product(
                        cells, list_transform(power, LAMBDA other: other[column_no])
                    ) / power[1][1] ^ 2
                )
            ),
            matrices.cells
        ) AS power
    FROM matrices
),

vectors AS (
    SELECT
        powers.evaluated_no,
        unnest(powers.event_types) AS event_type,
        unnest(list_transform(powers.power, LAMBDA cells: list_sum(cells)))
            AS right_value,
        unnest(
            list_transform(
                range(1, len(powers.power) + 1),
                LAMBDA column_no: list_sum(
                    list_transform(powers.power, LAMBDA cells: cells[column_no])
                )
            )
        ) AS left_value
    FROM powers
),

weighted AS (
    SELECT
        vectors.evaluated_no,
        members.loop_key,
        vectors.event_type,
        vectors.right_value,
        vectors.left_value / list_sum(
            list(vectors.left_value * vectors.right_value) OVER (
                PARTITION BY vectors.evaluated_no, members.loop_key
                ORDER BY vectors.event_type
                RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            )
        ) AS left_value
    FROM vectors
    INNER JOIN members
        ON
            vectors.evaluated_no = members.evaluated_no
            AND vectors.event_type = members.event_type
)

SELECT
    entries.evaluated_no,
    causes.loop_key,
    entries.cause_type,
    entries.effect_type,
    entries.cause_count,
    entries.effect_count,
    entries.effects_per_cause,
    entries.variance,
    entries.recent_effects,
    entries.recent_variance,
    entries.coverage,
    entries.delay_s,
    entries.earlier_effects,
    entries.is_fixed,
    causes.left_value * effects.right_value AS weight
FROM entries
INNER JOIN weighted AS causes
    ON
        entries.evaluated_no = causes.evaluated_no
        AND entries.cause_type = causes.event_type
INNER JOIN weighted AS effects
    ON
        entries.evaluated_no = effects.evaluated_no
        AND entries.effect_type = effects.event_type
        AND causes.loop_key = effects.loop_key;
