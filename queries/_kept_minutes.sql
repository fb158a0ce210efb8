-- _kept_minutes: can what is kept per minute answer a question about this window?
--
-- One row, always. What is kept answers where buckets are whole minutes, where the window
-- begins after what is kept does, and where it ends before that does or the log is
-- complete no further. While the database is being written to, the last minutes may be
-- missing. Where it cannot answer, the events do.
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
--
-- Reads: minute_state
CREATE OR REPLACE MACRO _kept_minutes(since, until, bucket) AS TABLE
WITH asked AS (
    SELECT
        -- The ends of time have no number.
        CASE
            WHEN isinf(since::TIMESTAMP) THEN 0
            ELSE (epoch_us(since::TIMESTAMP) + 59999999) // 60000000
        END AS since_no,
        CASE
            WHEN isinf(until::TIMESTAMP) THEN 9223372036854775807
            ELSE epoch_us(until::TIMESTAMP) // 60000000
        END AS until_no
),

found AS (
    SELECT
        asked.since_no,
        least(asked.until_no, state.until_no) AS until_no,
        (
            epoch_us(bucket::INTERVAL) % 60000000 = 0
            AND asked.since_no >= state.since_no
            AND least(asked.until_no, state.complete_no) - state.allowed_lag
            <= state.until_no
        ) AS is_kept,
        asked.since_no >= state.effects_since_no AS has_effects
    FROM asked
    CROSS JOIN minute_state AS state
)

SELECT
    coalesce(bool_or(found.is_kept), FALSE) AS is_kept,
    coalesce(bool_or(found.is_kept AND found.has_effects), FALSE) AS has_effects,
    any_value(found.since_no) FILTER (WHERE found.is_kept) AS since_no,
    any_value(found.until_no) FILTER (WHERE found.is_kept) AS until_no
FROM found;
