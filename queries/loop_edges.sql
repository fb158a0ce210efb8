-- loop_edges: which causes and effects make a loop as strong as it is?
--
-- One row per loop and pair of types in it, of the span that ends with an instant, strongest
-- first. What is known at the instant counts, nothing later; figures as in loop_gain. The
-- shares of a loop add up to 1: by so much per cent the gain falls when one per cent of these
-- effects is stopped.
--
-- Parameters
--   instant  TIMESTAMP  end of the span, rounded down to whole buckets
--   bucket   INTERVAL   as for loop_gain (default: 1 minute)
--   span     INTERVAL   causes that are looked at, whole buckets (default: 15 minutes)
--
-- Columns
--   loop_key           VARCHAR    first type of the loop by name
--   cause_type         VARCHAR    type of the causes
--   effect_type        VARCHAR    type of the effects
--   cause_count        BIGINT     causes in the span
--   effect_count       BIGINT     effects of them seen
--   effects_per_cause  DOUBLE     corrected for what is still to come and for coverage
--   gain_share         DOUBLE     share of the gain of the loop, 0..1
--   first_at           TIMESTAMP  when the first of these effects in the span was observed
--   first_event_id     VARCHAR    its event id
--   first_cause_id     VARCHAR    event id of its cause
--
-- Reads: events, _loop_spectra
CREATE OR REPLACE MACRO loop_edges(
    instant,
    bucket := INTERVAL 1 MINUTE,
    span := INTERVAL 15 MINUTE
) AS TABLE
WITH entries AS MATERIALIZED (
    SELECT
        spectra.loop_key,
        spectra.cause_type,
        spectra.effect_type,
        spectra.cause_count,
        spectra.effect_count,
        spectra.effects_per_cause,
        spectra.weight * spectra.effects_per_cause AS gain_part
    FROM
        _loop_spectra(
            time_bucket(bucket::INTERVAL, instant::TIMESTAMP) - bucket::INTERVAL,
            -- Evaluations end with the newest event: one is looked for after a quiet bucket.
            time_bucket(bucket::INTERVAL, instant::TIMESTAMP) + span::INTERVAL,
            bucket,
            span
        ) AS spectra
    WHERE
        spectra.evaluated_no * (1000000 * epoch(bucket::INTERVAL))::BIGINT
        = epoch_us(time_bucket(bucket::INTERVAL, instant::TIMESTAMP))
),

types AS MATERIALIZED (
    SELECT DISTINCT entries.cause_type AS event_type
    FROM entries
),

-- Where there is no loop, nothing is read.
observed AS MATERIALIZED (
    SELECT
        events.event_id,
        coalesce(events.event_type, events.stream, '(no type)') AS event_type,
        events.causation_id,
        events.occurred_at
    FROM events
    SEMI JOIN types
        ON coalesce(events.event_type, events.stream, '(no type)') = types.event_type
    WHERE
        events.occurred_at
        >= time_bucket(bucket::INTERVAL, instant::TIMESTAMP) - span::INTERVAL
        AND events.occurred_at < time_bucket(bucket::INTERVAL, instant::TIMESTAMP)
        AND events.event_id IS NOT NULL
),

firsts AS (
    SELECT
        causes.event_type AS cause_type,
        effects.event_type AS effect_type,
        min(
            struct_pack(
                first_at := effects.occurred_at,
                event_id := effects.event_id,
                cause_id := causes.event_id
            )
        ) AS found
    FROM observed AS effects
    INNER JOIN observed AS causes ON effects.causation_id = causes.event_id
    WHERE effects.event_id <> causes.event_id
    GROUP BY causes.event_type, effects.event_type
)

SELECT
    entries.loop_key,
    entries.cause_type,
    entries.effect_type,
    entries.cause_count::BIGINT AS cause_count,
    entries.effect_count::BIGINT AS effect_count,
    entries.effects_per_cause,
    -- Sums of fractions are the same only in the same order.
    entries.gain_part
    / sum(entries.gain_part ORDER BY entries.cause_type, entries.effect_type)
        OVER (PARTITION BY entries.loop_key) AS gain_share,
    firsts.found.first_at,
    firsts.found.event_id AS first_event_id,
    firsts.found.cause_id AS first_cause_id
FROM entries
LEFT OUTER JOIN firsts
    ON
        entries.cause_type = firsts.cause_type
        AND entries.effect_type = firsts.effect_type
ORDER BY
    entries.loop_key ASC,
    gain_share DESC,
    entries.cause_type ASC,
    entries.effect_type ASC;
