-- chain_shape_changes: along which types do chains run more or less often than before?
--
-- One row per shape, as in chain_shapes, of the window or of the one of equal length before
-- it (or since compared_since), that comes up in one of them only or at another rate; the
-- greatest change of counts first.
--
-- Parameters
--   since           TIMESTAMP  first instant included
--   until           TIMESTAMP  first instant excluded
--   compared_since  TIMESTAMP  where the window before begins; it ends at since (default:
--                              NULL, as long before since as until is after it)
--   depth_limit     INTEGER    how many steps are followed (default: 20)
--   row_limit       BIGINT     how many rows (default: 100)
--
-- Columns
--   shape            VARCHAR[]  types from the root to the end
--   change           VARCHAR    new, gone, more or fewer
--   before_count     BIGINT     paths of that shape before the window
--   after_count      BIGINT     paths in the window
--   before_per_hour  DOUBLE     the same per hour
--   after_per_hour   DOUBLE     paths in the window per hour
--
-- Reads: _chain_ends
CREATE OR REPLACE MACRO chain_shape_changes(
    since, until, compared_since := NULL, depth_limit := 20, row_limit := 100
) AS TABLE
WITH lengths AS (
    SELECT
        date_diff(
            'microsecond',
            coalesce(
                compared_since::TIMESTAMP,
                since::TIMESTAMP - (until::TIMESTAMP - since::TIMESTAMP)
            ),
            since::TIMESTAMP
        )
        / 3600e6 AS before_hours,
        date_diff('microsecond', since::TIMESTAMP, until::TIMESTAMP) / 3600e6 AS after_hours
),

ended AS (
    SELECT
        ends.path AS shape,
        0 AS is_after
    FROM
        _chain_ends(
            coalesce(
                compared_since::TIMESTAMP,
                since::TIMESTAMP - (until::TIMESTAMP - since::TIMESTAMP)
            ),
            since,
            depth_limit
        ) AS ends
    UNION ALL
    SELECT
        ends.path AS shape,
        1 AS is_after
    FROM _chain_ends(since, until, depth_limit) AS ends
),

counted AS (
    SELECT
        ended.shape,
        count(*) FILTER (WHERE ended.is_after = 0) AS before_count,
        count(*) FILTER (WHERE ended.is_after = 1) AS after_count
    FROM ended
    GROUP BY ended.shape
),

rated AS (
    SELECT
        counted.*,
        counted.before_count / lengths.before_hours AS before_per_hour,
        counted.after_count / lengths.after_hours AS after_per_hour
    FROM counted
    CROSS JOIN lengths
)

SELECT
    rated.shape,
    CASE
        WHEN rated.before_count = 0 THEN 'new'
        WHEN rated.after_count = 0 THEN 'gone'
        WHEN rated.after_per_hour > rated.before_per_hour THEN 'more'
        ELSE 'fewer'
    END AS change,
    rated.before_count,
    rated.after_count,
    rated.before_per_hour,
    rated.after_per_hour
FROM rated
WHERE rated.before_per_hour <> rated.after_per_hour
ORDER BY
    abs(rated.after_count - rated.before_count) DESC, rated.shape ASC
LIMIT (row_limit::BIGINT);
