-- loop_gain: how close is each loop of event types to feeding on itself for ever?
--
-- One row per bucket and loop, with what was known when the bucket ended: nothing later is
-- looked at. The gain is how many events of the loop one event of it causes, over all its
-- types at once; one that waits to be handled does not count yet, where the log says what is
-- handled. From 1 on it does not stop by itself, whatever the rate; below, each event
-- that enters costs 1 / (1 - gain). Fan-out that does not come back has no gain at all, so
-- batches and flash crowds have no row. The newest bucket may still be filling.
-- The level follows the lower bound, when it has held for three buckets, and below 1 was not
-- more than 0.1 below for six; and is at most what the effects of the newest fifth of the span
-- allow, so that what flares up and fades is told apart: watch from 0.7, warn from 0.8, page
-- from 0.9, storm from 1; calm else. It stays calm as long as the loop is no
-- busier than twice its usual, or each of its events has the same number of effects: loops
-- that go round steadily by design, such as timers. NULL: cannot be told, because fewer than
-- 30 causes are in the span, because causes of more than 70 % of the events are missing, or
-- because there are no four spans yet that tell what is usual, unless it is a storm already.
-- For a log whose hours pass in seconds bucket, span and baseline scale down together.
--
-- Parameters
--   since           TIMESTAMP  first instant included (default: the oldest event)
--   until           TIMESTAMP  first instant excluded (default: the newest event)
--   bucket          INTERVAL   length of a bucket (default: 1 minute)
--   span            INTERVAL   causes that are looked at, whole buckets (default: 15 minutes)
--   baseline        INTERVAL   how far back the usual is looked for (default: 1 day)
--   capacity_per_s  DOUBLE     observations the system can take (default: not known)
--
-- Columns
--   bucket_start    TIMESTAMP  start of the last bucket looked at, UTC
--   loop            VARCHAR    types that carry the loop, by name
--   level           VARCHAR    calm, watch, warn, page or storm; NULL when it cannot be told
--   gain            DOUBLE     events of the loop that one of them causes
--   gain_lower      DOUBLE     it is above this with 95 % confidence
--   gain_upper      DOUBLE     it is below this with 95 % confidence
--   turn_gain       DOUBLE     turns that one turn causes: gain to the power of the mean number
--                              of steps in which a loop comes back to its most frequent type
--   judged_gain     DOUBLE     gain_lower, at most the upper bound of the newest fifth, or 0 where
--                              the level is calm for another reason; below 1 at most 0.1 above
--                              the least of it in four buckets; NULL when it cannot be told
--   sustained_gain  DOUBLE     least judged_gain of three buckets; the level follows it
--   earlier_gain    DOUBLE     gain of the same pairs of types an hour before (with the
--                              default span); NULL before there is one
--   coverage_ratio  DOUBLE     least share of the loop's events whose cause is known, 0..1
--   loop_count      BIGINT     observations of the loop's types in the span
--   usual_count     DOUBLE     the same on the median of the baseline; NULL before there is one
--   generation_s    DOUBLE     mean time from an event of the loop to those it causes
--   doubling_min    DOUBLE     the loop doubles in at most so many minutes; NULL unless
--                              gain_lower is above 1
--   minutes_left    DOUBLE     at most so many minutes to capacity_per_s: the gain seldom stays
--                              as it is; NULL unless gain_lower is above 1 and that is known
--   meaning         VARCHAR    the same in a sentence
--
-- Source: Diekmann, Heesterbeek and Metz 1990: the spectral radius of the next-generation
-- matrix. Kac 1947 (mean return times). Bronson et al. 2021 (metastable failures): what to
-- look for is the vulnerability.
-- Reads: type_counts, _loop_spectra
CREATE OR REPLACE MACRO loop_gain(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    span := INTERVAL 15 MINUTE,
    baseline := INTERVAL 1 DAY,
    capacity_per_s := NULL::DOUBLE
) AS TABLE
WITH entries AS MATERIALIZED (
    SELECT
        spectra.evaluated_no,
        spectra.loop_key,
        spectra.cause_type,
        spectra.cause_count,
        spectra.effects_per_cause,
        spectra.variance,
        spectra.recent_effects,
        spectra.recent_variance,
        spectra.coverage,
        spectra.delay_s,
        spectra.earlier_effects,
        spectra.is_fixed,
        spectra.weight,
        -- Sums of fractions are the same only in the same order.
        row_number() OVER (ORDER BY spectra.cause_type, spectra.effect_type) AS pair_no
    FROM
        _loop_spectra(
            since::TIMESTAMP - 5 * bucket::INTERVAL, until, bucket, span
        ) AS spectra
),

by_type AS MATERIALIZED (
    SELECT
        entries.evaluated_no,
        entries.loop_key,
        entries.cause_type AS event_type,
        any_value(entries.cause_count) AS cause_count,
        sum(entries.weight * entries.effects_per_cause ORDER BY entries.pair_no) AS gain_part
    FROM entries
    GROUP BY ALL
),

paces AS MATERIALIZED (
    SELECT
        counts.event_type,
        epoch_us(counts.bucket_start) // epoch_us(bucket::INTERVAL) AS bucket_no,
        (epoch(span::INTERVAL) / epoch(bucket::INTERVAL))::BIGINT AS width,
        counts.event_count
    FROM
        type_counts(
            since := since::TIMESTAMP - baseline::INTERVAL - 2 * span::INTERVAL,
            until := until,
            bucket := bucket
        ) AS counts
),

spread_out AS (
    SELECT
        paces.event_type,
        paces.width,
        paces.event_count,
        unnest(range(paces.bucket_no + 1, paces.bucket_no + paces.width + 1))
            AS evaluated_no
    FROM paces
),

totals AS (
    SELECT
        spread_out.evaluated_no,
        sum(spread_out.event_count) AS event_count
    FROM spread_out
    GROUP BY spread_out.evaluated_no
),

volumes AS (
    SELECT
        spread_out.evaluated_no,
        spread_out.event_type,
        any_value(spread_out.width) AS width,
        sum(spread_out.event_count) AS event_count
    FROM spread_out
    SEMI JOIN by_type ON spread_out.event_type = by_type.event_type
    GROUP BY spread_out.evaluated_no, spread_out.event_type
),

-- A span in which a type was silent counts with 0, one in which all were does not count.
blocks AS (
    SELECT DISTINCT paces.bucket_no // paces.width AS block_no
    FROM paces
),

loop_types AS (
    SELECT DISTINCT by_type.event_type
    FROM by_type
),

by_block AS (
    SELECT
        loop_types.event_type,
        blocks.block_no,
        coalesce(sum(paces.event_count), 0) AS event_count
    FROM loop_types
    CROSS JOIN blocks
    LEFT OUTER JOIN paces
        ON
            loop_types.event_type = paces.event_type
            AND blocks.block_no = paces.bucket_no // paces.width
    GROUP BY loop_types.event_type, blocks.block_no
),

usuals AS (
    SELECT
        by_block.event_type,
        by_block.block_no,
        CASE WHEN count(*) OVER past >= 4 THEN median(by_block.event_count) OVER past END
            AS event_count
    FROM by_block
    WINDOW
        past AS (
            PARTITION BY by_block.event_type
            ORDER BY by_block.block_no
            RANGE BETWEEN -- noqa: PRS
            (epoch(baseline::INTERVAL) / epoch(span::INTERVAL) - 1)::BIGINT PRECEDING
            AND CURRENT ROW
        )
),

carriers AS (
    SELECT
        by_type.evaluated_no,
        by_type.loop_key,
        by_type.gain_part,
        by_type.event_type,
        by_type.cause_count,
        max(by_type.gain_part)
            OVER (PARTITION BY by_type.evaluated_no, by_type.loop_key) AS greatest_part,
        volumes.event_count,
        usuals.event_count AS usual_count
    FROM by_type
    LEFT OUTER JOIN volumes
        ON
            by_type.evaluated_no = volumes.evaluated_no
            AND by_type.event_type = volumes.event_type
    ASOF LEFT JOIN usuals
        ON
            by_type.event_type = usuals.event_type
            AND by_type.evaluated_no // volumes.width > usuals.block_no
),

busy AS (
    SELECT
        carriers.evaluated_no,
        carriers.loop_key,
        string_agg(carriers.event_type, ' <-> ' ORDER BY carriers.event_type)
            AS carrying_types,
        any_value(carriers.greatest_part) AS greatest_part,
        sum(carriers.cause_count) AS cause_count,
        sum(carriers.event_count) AS loop_count,
        sum(carriers.usual_count) AS usual_count
    FROM carriers
    WHERE carriers.gain_part >= 0.1 * carriers.greatest_part
    GROUP BY carriers.evaluated_no, carriers.loop_key
),

gains AS (
    SELECT
        entries.evaluated_no,
        entries.loop_key,
        sum(entries.weight * entries.effects_per_cause ORDER BY entries.pair_no) AS gain,
        1.645 * sqrt(
            sum(entries.weight ^ 2 * entries.variance ORDER BY entries.pair_no)
        ) AS half_width,
        sum(entries.weight * entries.earlier_effects ORDER BY entries.pair_no) AS earlier_gain,
        -- Of what nothing can be known yet, nothing is denied.
        CASE
            WHEN count(*) = count(entries.recent_effects)
                THEN
                    sum(entries.weight * entries.recent_effects ORDER BY entries.pair_no)
                    + 1.645 * sqrt(
                        sum(entries.weight ^ 2 * entries.recent_variance ORDER BY entries.pair_no)
                    )
            ELSE 'infinity'::DOUBLE
        END AS recent_upper,
        min(entries.coverage) AS coverage_ratio,
        bool_and(entries.is_fixed) AS is_fixed,
        sum(entries.weight * entries.effects_per_cause * entries.delay_s ORDER BY entries.pair_no)
        / sum(entries.weight * entries.effects_per_cause ORDER BY entries.pair_no) AS generation_s
    FROM entries
    GROUP BY entries.evaluated_no, entries.loop_key
),

judged AS MATERIALIZED (
    SELECT
        gains.evaluated_no,
        gains.loop_key,
        busy.carrying_types,
        gains.gain,
        greatest(gains.gain - gains.half_width, 0) AS gain_lower,
        gains.gain + gains.half_width AS gain_upper,
        -- A type has gain_part / gain of the ancestry; by Kac it comes back after the inverse.
        gains.gain ^ (gains.gain / busy.greatest_part) AS turn_gain,
        gains.earlier_gain,
        gains.coverage_ratio,
        busy.loop_count,
        busy.usual_count,
        gains.generation_s,
        totals.event_count AS total_count,
        CASE
            WHEN busy.cause_count < 30 OR gains.coverage_ratio < 0.3 THEN NULL
            WHEN busy.usual_count IS NULL AND gains.gain - gains.half_width < 1 THEN NULL
            WHEN gains.is_fixed OR busy.loop_count < 2 * busy.usual_count THEN 0
            ELSE greatest(least(gains.gain - gains.half_width, gains.recent_upper), 0)
        END AS danger
    FROM gains
    INNER JOIN busy
        ON gains.evaluated_no = busy.evaluated_no AND gains.loop_key = busy.loop_key
    INNER JOIN totals ON gains.evaluated_no = totals.evaluated_no
),

-- A loop may gain or lose a type that hardly matters; it is the same as long as a type stays.
by_type_risen AS (
    SELECT
        by_type.evaluated_no,
        by_type.loop_key,
        by_type.event_type,
        CASE WHEN judged.danger IS NOT NULL
            THEN
                CASE
                    WHEN judged.danger >= 1 THEN judged.danger
                    WHEN count(judged.danger) OVER before = 4
                        THEN least(judged.danger, min(judged.danger) OVER before + 0.1)
                    ELSE least(judged.danger, 0.1)
                END
        END AS judged_gain
    FROM by_type
    INNER JOIN judged
        ON
            by_type.evaluated_no = judged.evaluated_no
            AND by_type.loop_key = judged.loop_key
    WINDOW
        before AS (
            PARTITION BY by_type.event_type
            ORDER BY by_type.evaluated_no
            RANGE BETWEEN 3 PRECEDING AND CURRENT ROW
        )
),

risen AS MATERIALIZED (
    SELECT
        by_type_risen.evaluated_no,
        by_type_risen.loop_key,
        max(by_type_risen.judged_gain) AS judged_gain
    FROM by_type_risen
    GROUP BY by_type_risen.evaluated_no, by_type_risen.loop_key
),

held AS (
    SELECT
        by_type.evaluated_no,
        by_type.loop_key,
        CASE WHEN count(risen.judged_gain) OVER latest = 3
            THEN min(risen.judged_gain) OVER latest ELSE 0
        END AS sustained_gain
    FROM by_type
    INNER JOIN risen
        ON
            by_type.evaluated_no = risen.evaluated_no
            AND by_type.loop_key = risen.loop_key
    WINDOW
        latest AS (
            PARTITION BY by_type.event_type
            ORDER BY by_type.evaluated_no
            RANGE BETWEEN 2 PRECEDING AND CURRENT ROW
        )
),

sustained AS (
    SELECT
        held.evaluated_no,
        held.loop_key,
        max(held.sustained_gain) AS sustained_gain,
        any_value(risen.judged_gain) AS judged_gain
    FROM held
    INNER JOIN risen
        ON held.evaluated_no = risen.evaluated_no AND held.loop_key = risen.loop_key
    GROUP BY held.evaluated_no, held.loop_key
)

SELECT
    make_timestamp(
        (judged.evaluated_no - 1) * (1000000 * epoch(bucket::INTERVAL))::BIGINT
    ) AS bucket_start,
    judged.carrying_types AS loop,
    CASE
        WHEN sustained.judged_gain IS NULL THEN NULL
        WHEN sustained.sustained_gain >= 1 THEN 'storm'
        WHEN sustained.sustained_gain >= 0.9 THEN 'page'
        WHEN sustained.sustained_gain >= 0.8 THEN 'warn'
        WHEN sustained.sustained_gain >= 0.7 THEN 'watch'
        ELSE 'calm'
    END AS level,
    judged.gain,
    judged.gain_lower,
    judged.gain_upper,
    judged.turn_gain,
    sustained.judged_gain,
    sustained.sustained_gain,
    judged.earlier_gain,
    judged.coverage_ratio,
    judged.loop_count::BIGINT AS loop_count,
    judged.usual_count,
    judged.generation_s,
    CASE WHEN judged.gain_lower > 1
        THEN ln(2) * judged.generation_s / (judged.gain - 1) / 60
    END AS doubling_min,
    CASE WHEN judged.gain_lower > 1 AND capacity_per_s IS NOT NULL
        THEN
            ln(
                greatest(
                    (
                        capacity_per_s::DOUBLE * epoch(span::INTERVAL)
                        - judged.total_count + judged.loop_count
                    ) / judged.loop_count,
                    1
                )
            ) * judged.generation_s / (judged.gain - 1) / 60
    END AS minutes_left,
    format(
        '100 events of {} now cause {} more (at least {}){}; '
        || 'from 100 on it does not stop by itself',
        judged.carrying_types,
        round(100 * judged.gain)::INTEGER,
        floor(100 * judged.gain_lower)::INTEGER,
        coalesce('; before ' || round(100 * judged.earlier_gain)::INTEGER, '')
    ) AS meaning
FROM judged
INNER JOIN sustained
    ON
        judged.evaluated_no = sustained.evaluated_no
        AND judged.loop_key = sustained.loop_key
WHERE
    make_timestamp(
        (judged.evaluated_no - 1) * (1000000 * epoch(bucket::INTERVAL))::BIGINT
    ) >= time_bucket(bucket::INTERVAL, since::TIMESTAMP)
ORDER BY bucket_start, judged.carrying_types, judged.loop_key;
