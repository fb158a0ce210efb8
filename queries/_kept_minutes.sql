-- _kept_minutes: can what is kept per minute answer a question about this window?
--
-- One row, always. What is kept answers where buckets are whole minutes, the window begins
-- after what is kept does and ends before that does or behind the newest event, and nothing
-- in it was read since. While somebody keeps minutes, the last few may be missing and the
-- last half hour may be about to be counted again. Where it cannot answer, the events do.
--
-- Parameters
--   since   TIMESTAMP  first instant included
--   until   TIMESTAMP  first instant excluded
--   bucket  INTERVAL   length of a bucket
--
-- Columns
--   is_kept      BOOLEAN  whether it can, where types are counted
--   has_effects  BOOLEAN  whether it can, where effects are
--   since_no     BIGINT   first whole minute of the window since 1970; NULL unless is_kept
--   until_no     BIGINT   first minute since 1970 that is not a whole one of the window, or
--                         not kept; NULL unless is_kept
--   missing      BIGINT   so many minutes at its end may be missing; NULL unless is_kept
--
-- Reads: minute_state, stale_minutes, covered_days
CREATE OR REPLACE MACRO _kept_minutes(since, until, bucket) AS TABLE
WITH newest AS (
    SELECT max(epoch_us(days.last_credible_at) // 60000000) + 1 AS until_no
    FROM covered_days AS days
),

asked AS (
    SELECT
        -- The ends of time have no number.
        CASE
            WHEN NOT isinf(since::TIMESTAMP)
                THEN (epoch_us(since::TIMESTAMP) + 59999999) // 60000000
        END AS since_no,
        CASE WHEN NOT isinf(until::TIMESTAMP) THEN epoch_us(until::TIMESTAMP) // 60000000 END
            AS until_no
),

found AS (
    SELECT
        asked.since_no,
        least(asked.until_no, state.until_no) AS until_no,
        state.allowed_lag AS missing,
        (
            epoch_us(bucket::INTERVAL) % 60000000 = 0
            AND asked.since_no >= state.since_no
            AND least(asked.until_no, newest.until_no) - state.allowed_lag
            <= state.until_no
            AND NOT EXISTS (
                SELECT 1
                FROM stale_minutes AS stale
                WHERE
                    stale.minute_no >= asked.since_no - 15
                    AND stale.minute_no < least(asked.until_no, state.until_no)
                    AND (
                        state.allowed_lag = 0 OR stale.minute_no < state.until_no - 30
                    )
            )
        ) AS is_kept,
        asked.since_no >= state.effects_since_no AS has_effects
    FROM asked
    CROSS JOIN newest
    CROSS JOIN minute_state AS state
)

SELECT
    coalesce(bool_or(found.is_kept), FALSE) AS is_kept,
    coalesce(bool_or(found.is_kept AND found.has_effects), FALSE) AS has_effects,
    any_value(found.since_no) FILTER (WHERE found.is_kept) AS since_no,
    any_value(found.until_no) FILTER (WHERE found.is_kept) AS until_no,
    any_value(found.missing) FILTER (WHERE found.is_kept) AS missing
FROM found;
