-- repeated_work: how much of the work is being done again, and is that more than usual?
--
-- One row per bucket with observations and kind of repetition, of the span that ends with the
-- bucket; nothing later is looked at. Needs no causation ids, so it tells of storms where
-- loop_gain cannot. The kinds:
--   retry       the attempt is above 1, or the broker flagged a redelivery
--   deep chain  the event is at least the eighth of its type and entity in its flow (by
--               correlation id)
-- It is unusual when the lower bound of the share has been above everything in the baseline
-- for three buckets. The latest quarter of the baseline is left out, so that what grows
-- slowly is not taken for usual, and at least half of it must be known. Unlike a gain, a
-- share has no value at which it becomes dangerous by itself.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   bucket    INTERVAL   length of a bucket (default: 1 minute)
--   span      INTERVAL   what a share is taken of, whole buckets (default: 10 minutes)
--   baseline  INTERVAL   how far back the usual is looked for (default: 1 day)
--
-- Columns
--   bucket_start       TIMESTAMP  start of the last bucket of the span, UTC
--   kind               VARCHAR    retry or deep chain
--   observation_count  BIGINT     observations in the span
--   repeated_count     BIGINT     of these, repeated
--   repeated_ratio     DOUBLE     repeated_count / observation_count, 0..1
--   ratio_lower        DOUBLE     it is above this with 95 % confidence
--   usual_ratio        DOUBLE     median of the ratio in the baseline; NULL when that is short
--   highest_ratio      DOUBLE     greatest ratio in the baseline; NULL when that is short
--   is_unusual         BOOLEAN    three buckets in a row above highest_ratio; NULL when the
--                                 baseline is short
--   meaning            VARCHAR    the same in a sentence
--
-- Source: Wilson 1927 (the bound). Retry budgets: Site Reliability Engineering, chapter 21.
-- Reads: _work_counts
CREATE OR REPLACE MACRO repeated_work(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    bucket := INTERVAL 1 MINUTE,
    span := INTERVAL 10 MINUTE,
    baseline := INTERVAL 1 DAY
) AS TABLE
WITH retried AS MATERIALIZED (
    SELECT
        counts.bucket_start,
        counts.observation_count,
        counts.retry_count,
        counts.deep_count
    FROM
        _work_counts(
            since::TIMESTAMP - baseline::INTERVAL - 2 * span::INTERVAL, until, bucket
        ) AS counts
),

counts AS (
    SELECT
        retried.bucket_start,
        'retry' AS kind,
        retried.observation_count,
        retried.retry_count AS repeated_count
    FROM retried
    UNION ALL
    SELECT
        retried.bucket_start,
        'deep chain' AS kind,
        retried.observation_count,
        retried.deep_count AS repeated_count
    FROM retried
),

sums AS (
    SELECT
        counts.bucket_start,
        counts.kind,
        sum(counts.observation_count) OVER latest AS observation_count,
        sum(counts.repeated_count) OVER latest AS repeated_count,
        counts.bucket_start - span::INTERVAL AS before_span
    FROM counts
    WINDOW
        latest AS (
            PARTITION BY counts.kind
            ORDER BY counts.bucket_start
            RANGE BETWEEN -- noqa: PRS
            span::INTERVAL - bucket::INTERVAL PRECEDING AND CURRENT ROW
        )
),

ratios AS (
    SELECT
        sums.bucket_start,
        sums.kind,
        sums.observation_count,
        sums.repeated_count,
        sums.repeated_count / sums.observation_count AS repeated_ratio,
        (
            sums.repeated_count + 1.645 ^ 2 / 2
            - 1.645 * sqrt(
                sums.repeated_count * (sums.observation_count - sums.repeated_count)
                / sums.observation_count + 1.645 ^ 2 / 4
            )
        ) / (sums.observation_count + 1.645 ^ 2) AS ratio_lower
    FROM sums
),

compared AS (
    SELECT
        ratios.bucket_start,
        ratios.kind,
        ratios.observation_count,
        ratios.repeated_count,
        ratios.repeated_ratio,
        greatest(ratios.ratio_lower, 0) AS ratio_lower,
        CASE
            WHEN
                min(ratios.bucket_start) OVER past
                <= ratios.bucket_start - baseline::INTERVAL / 2
                THEN max(ratios.repeated_ratio) OVER past
        END AS highest_ratio,
        CASE
            WHEN
                min(ratios.bucket_start) OVER past
                <= ratios.bucket_start - baseline::INTERVAL / 2
                THEN median(ratios.repeated_ratio) OVER past
        END AS usual_ratio
    FROM ratios
    WINDOW
        past AS (
            PARTITION BY ratios.kind
            ORDER BY ratios.bucket_start
            RANGE BETWEEN -- noqa: PRS
            baseline::INTERVAL PRECEDING AND baseline::INTERVAL / 4 PRECEDING
        )
),

judged AS (
    SELECT
        compared.bucket_start,
        compared.kind,
        compared.observation_count,
        compared.repeated_count,
        compared.repeated_ratio,
        compared.ratio_lower,
        compared.usual_ratio,
        compared.highest_ratio,
        count(*) FILTER (WHERE compared.ratio_lower > compared.highest_ratio) OVER (
            PARTITION BY compared.kind
            ORDER BY compared.bucket_start
            RANGE BETWEEN -- noqa: PRS
            2 * bucket::INTERVAL PRECEDING AND CURRENT ROW
        ) AS above_count
    FROM compared
)

SELECT
    judged.bucket_start,
    judged.kind,
    judged.observation_count::BIGINT AS observation_count,
    judged.repeated_count::BIGINT AS repeated_count,
    judged.repeated_ratio,
    judged.ratio_lower,
    judged.usual_ratio,
    judged.highest_ratio,
    CASE WHEN judged.highest_ratio IS NOT NULL THEN judged.above_count = 3 END
        AS is_unusual,
    format(
        '{:.1f} % of the work is {}{}',
        100 * judged.repeated_ratio,
        CASE judged.kind WHEN 'retry' THEN 'a retry' ELSE 'deep in a chain' END,
        coalesce(
            format(
                '; usual {:.1f} %, at most {:.1f} %',
                100 * judged.usual_ratio,
                100 * judged.highest_ratio
            ),
            ''
        )
    ) AS meaning
FROM judged
WHERE judged.bucket_start >= time_bucket(bucket::INTERVAL, since::TIMESTAMP)
ORDER BY judged.bucket_start, judged.kind;
