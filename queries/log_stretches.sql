-- log_stretches: of which stretches of time do the logs tell?
--
-- One row per stretch without a break of more than 31 days between two events, the oldest
-- first. Logs have one stretch unless old files lie beside new ones or a clock was wrong.
-- An event that claims to have happened more than 5 minutes after it was read is left out.
--
-- Columns
--   first_at     TIMESTAMP  oldest event of the stretch, UTC
--   last_at      TIMESTAMP  newest event of the stretch, UTC
--   event_count  BIGINT     observations in it
--
-- Reads: _covered_days
CREATE OR REPLACE VIEW log_stretches AS
WITH days AS (
    SELECT
        covered.day_start,
        min(covered.first_credible_at) AS first_at,
        max(covered.last_credible_at) AS last_at,
        sum(covered.credible_count) AS event_count
    FROM _covered_days AS covered
    WHERE covered.credible_count > 0
    GROUP BY covered.day_start
),

breaks AS (
    SELECT
        days.first_at,
        days.last_at,
        days.event_count,
        coalesce(
            days.first_at
            > lag(days.last_at) OVER (ORDER BY days.day_start) + INTERVAL 31 DAY,
            FALSE
        ) AS is_start
    FROM days
),

numbered AS (
    SELECT
        breaks.first_at,
        breaks.last_at,
        breaks.event_count,
        count(*) FILTER (WHERE breaks.is_start)
            OVER (ORDER BY breaks.first_at) AS stretch_no
    FROM breaks
)

SELECT
    min(numbered.first_at) AS first_at,
    max(numbered.last_at) AS last_at,
    sum(numbered.event_count)::BIGINT AS event_count
FROM numbered
GROUP BY numbered.stretch_no
ORDER BY first_at;
