-- alerts: which alerts fire, and which have?
--
-- One row per episode, from its onset to its end; first all that are not over, pending ones
-- too, then those that are, the latest onset first. Instants are of the log, or of the wall
-- clock where `clock` says so. docs/alerts.md says what rules there are and when they fire.
--
-- Parameters
--   since      TIMESTAMP  only episodes that were not over then (default: all)
--   until      TIMESTAMP  only episodes that began before (default: all)
--   of_state   VARCHAR    pending, firing or resolved (default: any)
--   of_rule    VARCHAR    only of this rule (default: of any)
--   row_limit  BIGINT     how many rows; all that are not over are listed (default: 100)
--
-- Columns
--   episode_id       BIGINT     number of the episode
--   state            VARCHAR    pending, firing or resolved
--   severity         VARCHAR    the highest it reached; NULL while pending for the first time
--   rule             VARCHAR    name of the rule
--   episode_key      VARCHAR    loop, stream, service ... it is about
--   sentence         VARCHAR    what it says
--   clock            VARCHAR    log or wall
--   onset_at         TIMESTAMP  first above the threshold, UTC
--   fired_at         TIMESTAMP  when it fired, the last time, UTC; NULL before
--   resolved_at      TIMESTAMP  when it was over, UTC; NULL while it is not
--   evaluated_at     TIMESTAMP  when something was last known of it, UTC
--   value            DOUBLE     what was known last
--   peak_value       DOUBLE     the greatest so far
--   fired_count      INTEGER    how often it fired
--   acknowledged_by  VARCHAR    who takes care of it; NULL when nobody said so
--   silenced_until   TIMESTAMP  until when routes are not told, UTC; NULL when they are
--   first_event_id   VARCHAR    event whose chain to look at; NULL when not known
--   link             VARCHAR    page of the dashboard that shows its window
--   evidence         JSON       what was found out when it fired: SQL, window, changes ...
--
-- Reads: alert_episodes, alert_silences
CREATE OR REPLACE MACRO alerts(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    of_state := NULL,
    of_rule := NULL,
    row_limit := 100
) AS TABLE
WITH quiet AS (
    SELECT
        episodes.episode_id,
        max(silences.expires_at) AS silenced_until
    FROM alert_episodes AS episodes
    INNER JOIN alert_silences AS silences
        ON
            episodes.rule GLOB silences.rule_pattern
            AND episodes.episode_key GLOB silences.key_pattern
    WHERE silences.expires_at > (now() AT TIME ZONE 'UTC')
    GROUP BY episodes.episode_id
)

SELECT
    episodes.episode_id,
    episodes.state,
    episodes.severity,
    episodes.rule,
    episodes.episode_key,
    episodes.sentence,
    episodes.clock,
    episodes.onset_at,
    episodes.fired_at,
    episodes.resolved_at,
    episodes.evaluated_at,
    episodes.value,
    episodes.peak_value,
    episodes.fired_count,
    episodes.acknowledged_by,
    quiet.silenced_until,
    episodes.evidence ->> '$.first_event_id' AS first_event_id,
    episodes.evidence ->> '$.link' AS link,
    episodes.evidence
FROM alert_episodes AS episodes
LEFT OUTER JOIN quiet ON episodes.episode_id = quiet.episode_id
WHERE
    coalesce(episodes.resolved_at >= since::TIMESTAMP, TRUE)
    AND episodes.onset_at < until::TIMESTAMP
    AND (of_state::VARCHAR IS NULL OR episodes.state = of_state::VARCHAR)
    AND (of_rule::VARCHAR IS NULL OR episodes.rule = of_rule::VARCHAR)
QUALIFY
    episodes.state <> 'resolved'
    OR row_number() OVER (
        ORDER BY episodes.state = 'resolved', episodes.onset_at DESC, episodes.episode_id DESC
    ) <= row_limit::BIGINT
ORDER BY episodes.state = 'resolved', episodes.onset_at DESC, episodes.episode_id DESC;
