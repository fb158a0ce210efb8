-- _kept_blocks: can what is kept of every five minutes answer a question about this window?
--
-- One row, always; as _kept_minutes says it of minutes.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   is_kept   BOOLEAN  whether block_faults answers for all of the window
--   since_no  BIGINT   number since 1970 of the first five minutes that are whole
--   until_no  BIGINT   number of the first five minutes that are not looked at
--
-- Reads: _kept_minutes, block_state, stale_blocks
CREATE OR REPLACE MACRO _kept_blocks(since, until) AS TABLE
SELECT
    coalesce(
        bool_or(
            minutes.is_kept
            AND (minutes.since_no + 4) // 5 >= state.since_no
            -- One block may not be counted yet while somebody counts.
            AND minutes.until_no // 5 <= state.until_no + least(minutes.missing, 1)
            AND NOT EXISTS (
                SELECT 1
                FROM stale_blocks AS stale
                WHERE
                    stale.block_no >= minutes.since_no // 5
                    AND stale.block_no < minutes.until_no // 5
                    AND (minutes.missing = 0 OR stale.block_no < state.until_no - 13)
            )
        ),
        FALSE
    ) AS is_kept,
    any_value((minutes.since_no + 4) // 5) AS since_no,
    any_value(minutes.until_no // 5) AS until_no
FROM _kept_minutes(since, until, INTERVAL 1 MINUTE) AS minutes
CROSS JOIN block_state AS state;
