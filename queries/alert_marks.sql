-- alert_marks: when did which alert begin in this window, and when was it over?
--
-- One row per episode that fired and was not over before the window, the oldest onset first;
-- of more than row_limit the newest. What is pending is no alert yet.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: all)
--   until      TIMESTAMP  first instant excluded (default: all)
--   row_limit  BIGINT     how many rows (default: 200)
--
-- Columns
--   episode_id   BIGINT     number of the episode
--   rule         VARCHAR    name of the rule
--   severity     VARCHAR    the highest it reached: watch, warn, page or storm
--   sentence     VARCHAR    what it says
--   onset_at     TIMESTAMP  first above the threshold, UTC
--   resolved_at  TIMESTAMP  when it was over, UTC; NULL while it is not
--
-- Reads: alert_episodes
CREATE OR REPLACE MACRO alert_marks(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    row_limit := 200
) AS TABLE
WITH found AS (
    SELECT
        episodes.episode_id,
        episodes.rule,
        episodes.severity,
        episodes.sentence,
        episodes.onset_at,
        episodes.resolved_at
    FROM alert_episodes AS episodes
    WHERE
        episodes.state IN ('firing', 'resolved')
        AND episodes.onset_at < until::TIMESTAMP
        AND coalesce(episodes.resolved_at >= since::TIMESTAMP, TRUE)
    ORDER BY episodes.onset_at DESC, episodes.episode_id DESC
    LIMIT (row_limit::BIGINT)
)

SELECT
    found.episode_id,
    found.rule,
    found.severity,
    found.sentence,
    found.onset_at,
    found.resolved_at
FROM found
ORDER BY found.onset_at ASC, found.episode_id ASC;
