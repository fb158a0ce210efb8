-- deadlock_surges: in which hours were there more deadlocks than chance explains?
--
-- One row per hour of deadlocks_per_hour, those that were reported, compared with the hours of
-- the baseline before it; nothing later is looked at. Where the counts of these vary no more
-- than their mean, they are taken as Poisson; where they clump (a greater variance), as
-- negative binomial with that variance. An hour is a surge when so many or more are expected
-- less than once a week. So 12 an hour need 23 to stand out. With fewer than 24 hours before,
-- nothing is said.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   baseline  INTERVAL   how far back the usual is looked for (default: 7 days)
--
-- Columns
--   hour_start      TIMESTAMP  start of the hour, UTC
--   deadlock_count  BIGINT     deadlocks reported in the hour
--   usual_count     DOUBLE     mean of the hours of the baseline; NULL with fewer than 24
--   dispersion      DOUBLE     variance over mean of these; NULL where there were none
--   probability     DOUBLE     of so many or more by chance; NULL with fewer than 24 hours
--   is_surge        BOOLEAN    probability is at most 1/168 and there is one at all
--   meaning         VARCHAR    the same in a sentence
--
-- Reads: deadlocks_per_hour
CREATE OR REPLACE MACRO deadlock_surges(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    baseline := INTERVAL 7 DAY
) AS TABLE
WITH hours AS (
    SELECT
        counted.hour_start,
        counted.deadlock_count,
        count(*) OVER past AS hour_count,
        avg(counted.deadlock_count) OVER past AS mean_count,
        var_samp(counted.deadlock_count) OVER past AS variance
    FROM
        deadlocks_per_hour(
            since := since::TIMESTAMP - baseline::INTERVAL,
            until := until,
            unreported := FALSE
        ) AS counted
    WINDOW
        past AS (
            ORDER BY counted.hour_start
            RANGE BETWEEN -- noqa: PRS
            baseline::INTERVAL PRECEDING AND INTERVAL 1 HOUR PRECEDING
        )
),

usual AS (
    SELECT
        hours.hour_start,
        hours.deadlock_count,
        CASE WHEN hours.hour_count >= 24 THEN hours.mean_count END AS usual_count,
        hours.variance / nullif(hours.mean_count, 0) AS dispersion,
        -- None so far does not mean never: as if there had been half of one.
        greatest(hours.mean_count, 0.5 / nullif(hours.hour_count, 0)) AS rate
    FROM hours
),

shaped AS (
    SELECT
        usual.hour_start,
        usual.deadlock_count,
        usual.usual_count,
        usual.dispersion,
        usual.rate,
        -- Nearer to 1 the two are the same, and the numbers too large to subtract.
        CASE WHEN usual.dispersion > 1.01 THEN usual.rate / (usual.dispersion - 1) END AS size
    FROM usual
),

chances AS (
    SELECT
        shaped.hour_start,
        shaped.deadlock_count,
        shaped.usual_count,
        shaped.dispersion,
        CASE WHEN shaped.usual_count IS NOT NULL
            THEN greatest(
                1 - coalesce(
                    list_sum(
                        list_transform(
                            range(shaped.deadlock_count),
                            LAMBDA k: CASE
                                WHEN shaped.size IS NULL
                                    THEN exp(
                                        k * ln(shaped.rate) - shaped.rate - lgamma(k + 1)
                                    )
                                ELSE exp(
                                    lgamma(k + shaped.size)
                                    - lgamma(shaped.size)
                                    - lgamma(k + 1)
                                    + shaped.size
                                    * ln(shaped.size / (shaped.size + shaped.rate))
                                    + k * ln(shaped.rate / (shaped.size + shaped.rate))
                                )
                            END
                        )
                    ),
                    0
                ),
                0
            )
        END AS probability
    FROM shaped
)

SELECT
    chances.hour_start,
    chances.deadlock_count,
    chances.usual_count,
    chances.dispersion,
    chances.probability,
    coalesce(chances.deadlock_count > 0 AND chances.probability <= 1 / 168, FALSE)
        AS is_surge,
    format(
        '{} deadlocks reported this hour{}',
        chances.deadlock_count,
        coalesce(format('; usual {:.1f}', chances.usual_count), '')
    ) AS meaning
FROM chances
WHERE chances.hour_start >= date_trunc('hour', since::TIMESTAMP)
ORDER BY chances.hour_start;
