-- _loop_counts_of_events: what does _loop_counts give when every event is read?
--
-- Rows as those of _loop_counts, unordered.
--
-- Parameters
--   since      TIMESTAMP  first instant included
--   until      TIMESTAMP  first instant excluded
--   bucket     INTERVAL   length of a bucket
--   span       INTERVAL   effects that come later than this are not counted
--   is_wanted  BOOLEAN    there are no rows, and nothing is read, unless it is true
--
-- Columns
--   kind           VARCHAR  birth, shift, effect or spread
--   bucket_no      BIGINT   number of the bucket since 1970
--   cause_type     VARCHAR  of a shift, effect or spread: type of the causes
--   effect_type    VARCHAR  type of the effects; of a birth: type of the events
--   age            BIGINT   of an effect: buckets from cause to effect, 0 in the same
--   event_count    HUGEINT  births or effects; of a shift it may be below 0
--   resolved       BIGINT   of births: whose cause is known as well
--   missing        BIGINT   of births: whose cause is not known although it names one, or
--                           although an event of its correlation id came before it
--   in_flow        BIGINT   of births: that have a correlation id
--   is_loop        BOOLEAN  of a birth: the type can lead back to itself
--   delay_us       HUGEINT  of effects: sum of the times from cause to effect
--   squared_count  HUGEINT  of spread: sum over the causes of (effects of the cause) squared
--
-- Reads: _births, _type_names
CREATE OR REPLACE MACRO _loop_counts_of_events(since, until, bucket, span, is_wanted) AS TABLE
WITH RECURSIVE numbered AS MATERIALIZED (
    SELECT
        births.event_hash,
        births.type_hash,
        births.born_at,
        births.cause_hash,
        births.flow_hash,
        epoch_us(births.born_at) // (1000000 * epoch(bucket::INTERVAL))::BIGINT AS born_no,
        epoch_us(births.handled_at) // (1000000 * epoch(bucket::INTERVAL))::BIGINT AS handled_no
    FROM _births(since, until, is_wanted := is_wanted) AS births
),

flows AS (
    SELECT
        numbered.flow_hash,
        min(numbered.born_at) AS begun_at
    FROM numbered
    WHERE numbered.flow_hash IS NOT NULL
    GROUP BY numbered.flow_hash
),

caused AS MATERIALIZED (
    SELECT
        causing.type_hash AS cause_type,
        causing.born_no AS cause_no,
        causing.handled_no,
        effects.type_hash,
        effects.born_no,
        effects.born_at,
        effects.cause_hash,
        effects.flow_hash,
        -- Clocks that are off let effects come before their causes.
        greatest(epoch_us(effects.born_at) - epoch_us(causing.born_at), 0) AS delay_us
    FROM numbered AS effects
    LEFT OUTER JOIN numbered AS causing ON effects.cause_hash = causing.event_hash
),

pairs AS MATERIALIZED (
    SELECT DISTINCT
        caused.cause_type,
        caused.type_hash AS effect_type
    FROM caused
    WHERE caused.cause_type IS NOT NULL
),

ways AS (
    SELECT
        pairs.cause_type AS from_type,
        pairs.effect_type AS to_type
    FROM pairs
    UNION
    SELECT
        ways.from_type,
        pairs.effect_type AS to_type
    FROM ways
    INNER JOIN pairs ON ways.to_type = pairs.cause_type
),

loop_pairs AS MATERIALIZED (
    SELECT
        pairs.cause_type,
        pairs.effect_type
    FROM pairs
    INNER JOIN ways
        ON pairs.effect_type = ways.from_type AND pairs.cause_type = ways.to_type
),

-- Up to each bucket: do effects of the pair come after the log says that their causes were handled?
handlings AS MATERIALIZED (
    SELECT
        answers.cause_type,
        answers.effect_type,
        answers.born_no,
        2 * sum(answers.handled_count) OVER so_far >= sum(answers.event_count) OVER so_far
            AS is_handled
    FROM (
        SELECT
            caused.cause_type,
            caused.type_hash AS effect_type,
            caused.born_no,
            count(*) AS event_count,
            count(*) FILTER (WHERE caused.handled_no <= caused.born_no) AS handled_count
        FROM caused
        INNER JOIN loop_pairs
            ON
                caused.cause_type = loop_pairs.cause_type
                AND caused.type_hash = loop_pairs.effect_type
        WHERE caused.cause_no <= caused.born_no
        GROUP BY caused.cause_type, caused.type_hash, caused.born_no
    ) AS answers
    WINDOW
        so_far AS (
            PARTITION BY answers.cause_type, answers.effect_type
            ORDER BY answers.born_no
        )
),

handled_pairs AS MATERIALIZED (
    SELECT DISTINCT
        handlings.cause_type,
        handlings.effect_type
    FROM handlings
    WHERE handlings.is_handled
),

-- Those that wait, and then have such an effect before they are handled: whoever sent them gave up.
impatient AS MATERIALIZED (
    SELECT
        caused.cause_hash,
        caused.cause_type,
        caused.type_hash AS effect_type,
        caused.cause_no AS born_no,
        caused.handled_no,
        min(caused.born_no) AS effect_no
    FROM caused
    SEMI JOIN handled_pairs
        ON
            caused.cause_type = handled_pairs.cause_type
            AND caused.type_hash = handled_pairs.effect_type
    WHERE
        caused.cause_no <= caused.born_no
        AND (caused.handled_no > caused.born_no OR caused.handled_no IS NULL)
    GROUP BY ALL
),

begun AS MATERIALIZED (
    SELECT
        born.cause_type,
        born.effect_type,
        born.born_no,
        born.handled_no,
        born.event_count,
        coalesce(handlings.is_handled, FALSE) AS is_held
    FROM (
        SELECT
            handled_pairs.cause_type,
            handled_pairs.effect_type,
            numbered.born_no,
            numbered.handled_no,
            count(*) AS event_count
        FROM numbered
        INNER JOIN handled_pairs ON numbered.type_hash = handled_pairs.cause_type
        GROUP BY ALL
    ) AS born
    ASOF LEFT JOIN handlings
        ON
            born.cause_type = handlings.cause_type
            AND born.effect_type = handlings.effect_type
            AND born.born_no >= handlings.born_no
),

held AS MATERIALIZED (
    SELECT
        passed.cause_type,
        passed.effect_type,
        passed.born_no,
        passed.passed_no
    FROM (
        SELECT
            begun.cause_type,
            begun.effect_type,
            begun.born_no,
            bool_or(begun.is_held) AS is_held,
            min(
                min(begun.handled_no)
                    FILTER (WHERE begun.is_held OR begun.handled_no = begun.born_no)
            ) OVER (
                PARTITION BY begun.cause_type, begun.effect_type
                ORDER BY begun.born_no
                ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ) AS passed_no
        FROM begun
        GROUP BY begun.cause_type, begun.effect_type, begun.born_no
    ) AS passed
    WHERE passed.is_held
),

waited AS (
    SELECT
        begun.cause_type,
        begun.effect_type,
        begun.born_no,
        least(begun.handled_no, held.passed_no) AS acting_no,
        begun.event_count
    FROM begun
    INNER JOIN held
        ON
            begun.cause_type = held.cause_type
            AND begun.effect_type = held.effect_type
            AND begun.born_no = held.born_no
    WHERE begun.handled_no IS DISTINCT FROM begun.born_no
    UNION ALL
    -- Some of these act earlier.
    SELECT
        impatient.cause_type,
        impatient.effect_type,
        impatient.born_no,
        least(
            impatient.handled_no,
            held.passed_no,
            CASE WHEN sides.sign > 0 THEN impatient.effect_no END
        ) AS acting_no,
        sides.sign AS event_count
    FROM impatient
    INNER JOIN held
        ON
            impatient.cause_type = held.cause_type
            AND impatient.effect_type = held.effect_type
            AND impatient.born_no = held.born_no
    CROSS JOIN (VALUES (-1), (1)) AS sides (sign)
),

shifted AS (
    SELECT
        shifts.cause_type,
        shifts.effect_type,
        shifts.bucket_no,
        sum(shifts.event_count) AS event_count
    FROM (
        SELECT
            waited.cause_type,
            waited.effect_type,
            waited.born_no AS bucket_no,
            -waited.event_count AS event_count
        FROM waited
        UNION ALL
        SELECT
            waited.cause_type,
            waited.effect_type,
            waited.acting_no AS bucket_no,
            waited.event_count
        FROM waited
        WHERE waited.acting_no IS NOT NULL
    ) AS shifts
    GROUP BY shifts.cause_type, shifts.effect_type, shifts.bucket_no
    HAVING sum(shifts.event_count) <> 0
),

acted AS (
    SELECT
        caused.cause_type,
        caused.type_hash,
        caused.born_no,
        caused.delay_us,
        caused.cause_hash,
        CASE
            WHEN held.born_no IS NOT NULL AND caused.cause_no <= caused.born_no
                THEN least(caused.handled_no, impatient.effect_no, held.passed_no)
            ELSE caused.cause_no
        END AS cause_no
    FROM caused
    LEFT OUTER JOIN held
        ON
            caused.cause_type = held.cause_type
            AND caused.type_hash = held.effect_type
            AND caused.cause_no = held.born_no
    LEFT OUTER JOIN impatient
        ON
            caused.cause_hash = impatient.cause_hash
            AND caused.cause_type = impatient.cause_type
            AND caused.type_hash = impatient.effect_type
),

within_loops AS MATERIALIZED (
    SELECT
        acted.cause_type,
        acted.type_hash AS effect_type,
        acted.cause_no,
        acted.delay_us,
        acted.cause_hash,
        greatest(acted.born_no - acted.cause_no, 0) AS age
    FROM acted
    INNER JOIN loop_pairs
        ON
            acted.cause_type = loop_pairs.cause_type
            AND acted.type_hash = loop_pairs.effect_type
    WHERE
        greatest(acted.born_no - acted.cause_no, 0)
        < epoch(span::INTERVAL) / epoch(bucket::INTERVAL)
),

per_cause AS (
    SELECT
        within_loops.cause_no,
        within_loops.cause_type,
        within_loops.effect_type,
        count(*) AS effect_count
    FROM within_loops
    GROUP BY
        within_loops.cause_hash,
        within_loops.cause_no,
        within_loops.cause_type,
        within_loops.effect_type
),

names AS MATERIALIZED (
    SELECT
        type_names.type_hash,
        type_names.event_type
    FROM _type_names(since, until, is_wanted := is_wanted) AS type_names
),

born AS (
    SELECT
        caused.born_no,
        caused.type_hash,
        count(*) AS event_count,
        count(caused.cause_type) AS resolved,
        count(*) FILTER (
            WHERE
            caused.cause_type IS NULL
            AND (caused.cause_hash IS NOT NULL OR caused.born_at > flows.begun_at)
        ) AS missing,
        count(caused.flow_hash) AS in_flow
    FROM caused
    LEFT OUTER JOIN flows ON caused.flow_hash = flows.flow_hash
    GROUP BY caused.born_no, caused.type_hash
)

SELECT
    'birth' AS kind,
    born.born_no AS bucket_no,
    NULL AS cause_type,
    names.event_type AS effect_type,
    NULL AS age,
    born.event_count,
    born.resolved,
    born.missing,
    born.in_flow,
    born.type_hash IN (SELECT loop_pairs.cause_type FROM loop_pairs) AS is_loop,
    NULL AS delay_us,
    NULL AS squared_count
FROM born
INNER JOIN names ON born.type_hash = names.type_hash
UNION ALL BY NAME
SELECT
    'shift' AS kind,
    shifted.bucket_no,
    causes.event_type AS cause_type,
    effects.event_type AS effect_type,
    shifted.event_count
FROM shifted
INNER JOIN names AS causes ON shifted.cause_type = causes.type_hash
INNER JOIN names AS effects ON shifted.effect_type = effects.type_hash
UNION ALL BY NAME
SELECT
    'effect' AS kind,
    within_loops.cause_no AS bucket_no,
    causes.event_type AS cause_type,
    effects.event_type AS effect_type,
    within_loops.age,
    count(*) AS event_count,
    sum(within_loops.delay_us) AS delay_us
FROM within_loops
INNER JOIN names AS causes ON within_loops.cause_type = causes.type_hash
INNER JOIN names AS effects ON within_loops.effect_type = effects.type_hash
GROUP BY ALL
UNION ALL BY NAME
SELECT
    'spread' AS kind,
    per_cause.cause_no AS bucket_no,
    causes.event_type AS cause_type,
    effects.event_type AS effect_type,
    sum(per_cause.effect_count) AS event_count,
    sum(per_cause.effect_count * per_cause.effect_count) AS squared_count
FROM per_cause
INNER JOIN names AS causes ON per_cause.cause_type = causes.type_hash
INNER JOIN names AS effects ON per_cause.effect_type = effects.type_hash
GROUP BY per_cause.cause_no, causes.event_type, effects.event_type;
