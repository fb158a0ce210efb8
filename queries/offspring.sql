-- offspring: how many events of which type does one event of a type cause?
--
-- One row per bucket of causes, type of cause and type of effect: the mean offspring matrix,
-- or next-generation matrix, of the events first observed in the bucket. Pairs of types that
-- do not occur have no row. An effect counts whenever it came, so the newest buckets are not
-- complete yet. The mean over all types is no measure of danger: it is the share of events
-- that have a cause, whether they go round or not; loop_gain is.
--
-- Parameters
--   since   TIMESTAMP  first instant included, of the cause (default: the oldest event)
--   until   TIMESTAMP  first instant excluded, of cause and effect (default: the newest event)
--   bucket  INTERVAL   length of a bucket (default: 1 minute)
--
-- Columns
--   bucket_start       TIMESTAMP  start of the bucket, UTC
--   cause_type         VARCHAR    type of the causes
--   effect_type        VARCHAR    type of the effects
--   cause_count        BIGINT     events of cause_type in the bucket
--   effect_count       BIGINT     events of effect_type that they caused directly
--   effects_per_cause  DOUBLE     effect_count / cause_count
--   delay_mean_ms      DOUBLE     mean time from cause to effect by the logged times
--
-- Source: Diekmann, Heesterbeek and Metz 1990 (next-generation matrix).
-- Reads: _births, _type_names
CREATE OR REPLACE MACRO offspring(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE
) AS TABLE
WITH born AS MATERIALIZED (
    SELECT
        births.event_hash,
        births.type_hash,
        births.born_at,
        births.cause_hash,
        time_bucket(bucket::INTERVAL, births.born_at) AS bucket_start
    FROM _births(since, until) AS births
),

by_type AS (
    SELECT
        born.bucket_start,
        born.type_hash,
        count(*) AS cause_count
    FROM born
    GROUP BY ALL
),

pairs AS (
    SELECT
        causing.bucket_start,
        causing.type_hash AS cause_hash,
        caused.type_hash AS effect_hash,
        count(*) AS effect_count,
        avg(epoch_us(caused.born_at) - epoch_us(causing.born_at)) / 1000 AS delay_mean_ms
    FROM born AS caused
    INNER JOIN born AS causing ON caused.cause_hash = causing.event_hash
    GROUP BY causing.bucket_start, causing.type_hash, caused.type_hash
)

SELECT
    pairs.bucket_start,
    causes.event_type AS cause_type,
    effects.event_type AS effect_type,
    by_type.cause_count,
    pairs.effect_count,
    pairs.effect_count / by_type.cause_count AS effects_per_cause,
    pairs.delay_mean_ms
FROM pairs
INNER JOIN by_type
    ON pairs.bucket_start = by_type.bucket_start AND pairs.cause_hash = by_type.type_hash
INNER JOIN _type_names(since, until) AS causes ON pairs.cause_hash = causes.type_hash
INNER JOIN _type_names(since, until) AS effects ON pairs.effect_hash = effects.type_hash
ORDER BY pairs.bucket_start, cause_type, effect_type;
