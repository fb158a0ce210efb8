-- Schema version 3. Alerts: episodes, what people were told of them, and who wants quiet.

CREATE TABLE alert_episodes (
    episode_id BIGINT NOT NULL,
    rule VARCHAR NOT NULL,
    episode_key VARCHAR NOT NULL,
    members VARCHAR[] NOT NULL,
    clock VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    severity VARCHAR,
    sentence VARCHAR NOT NULL,
    onset_at TIMESTAMP NOT NULL,
    fired_at TIMESTAMP,
    resolved_at TIMESTAMP,
    evaluated_at TIMESTAMP NOT NULL,
    below_since TIMESTAMP,
    fired_count INTEGER NOT NULL,
    value DOUBLE NOT NULL,
    peak_value DOUBLE NOT NULL,
    recent DOUBLE[] NOT NULL,
    frozen_threshold DOUBLE,
    least_volume DOUBLE,
    least_pulse DOUBLE,
    details JSON NOT NULL,
    evidence JSON NOT NULL,
    told VARCHAR,
    acknowledged_by VARCHAR,
    acknowledged_at TIMESTAMP
);
COMMENT ON TABLE alert_episodes IS 'One row per alert from its onset to its end, kept up to date in place.';
COMMENT ON COLUMN alert_episodes.episode_id IS 'Number of the episode, from 1.';
COMMENT ON COLUMN alert_episodes.rule IS 'Name of the rule that found it.';
COMMENT ON COLUMN alert_episodes.episode_key IS 'What it is about: a loop, a stream, a service ..., as it was first called.';
COMMENT ON COLUMN alert_episodes.members IS 'What that consists of; findings that share a member belong to the same episode.';
COMMENT ON COLUMN alert_episodes.clock IS 'log or wall: the clock of all instants but acknowledged_at.';
COMMENT ON COLUMN alert_episodes.state IS 'pending, firing or resolved.';
COMMENT ON COLUMN alert_episodes.severity IS 'The highest it reached: watch, warn, page or storm; NULL while pending for the first time.';
COMMENT ON COLUMN alert_episodes.sentence IS 'What it says, as of the last evaluation above the threshold.';
COMMENT ON COLUMN alert_episodes.onset_at IS 'First evaluation at which it was above the threshold, UTC.';
COMMENT ON COLUMN alert_episodes.fired_at IS 'When it fired, the last time, UTC; NULL before.';
COMMENT ON COLUMN alert_episodes.resolved_at IS 'When it was over, UTC; NULL while it is not.';
COMMENT ON COLUMN alert_episodes.evaluated_at IS 'Last evaluation at which something was known of it, UTC.';
COMMENT ON COLUMN alert_episodes.below_since IS 'Since when it is below the clear level, UTC; NULL when it is not, or not known to be.';
COMMENT ON COLUMN alert_episodes.fired_count IS 'How often it fired: more than once where it came back within the time to re-arm.';
COMMENT ON COLUMN alert_episodes.value IS 'Value at the last evaluation at which one was known.';
COMMENT ON COLUMN alert_episodes.peak_value IS 'The greatest value so far.';
COMMENT ON COLUMN alert_episodes.recent IS 'The latest values, of as many evaluations as the rule asks for.';
COMMENT ON COLUMN alert_episodes.frozen_threshold IS 'What it is measured against, frozen when it fired; NULL where the rule has the same for all.';
COMMENT ON COLUMN alert_episodes.least_volume IS 'Volume below which it is calm, frozen when it fired; NULL without one.';
COMMENT ON COLUMN alert_episodes.least_pulse IS 'Recent volume below which it is silent and nothing is known, frozen when it fired; NULL without one.';
COMMENT ON COLUMN alert_episodes.details IS 'JSON object of what else the rule said of it when it fired.';
COMMENT ON COLUMN alert_episodes.evidence IS 'JSON object: the SQL with its parameters, the window, edges, what changed before, a link.';
COMMENT ON COLUMN alert_episodes.told IS 'What routes were last told of it: a severity, or resolved; NULL when nothing.';
COMMENT ON COLUMN alert_episodes.acknowledged_by IS 'Who takes care of it; NULL when nobody said so.';
COMMENT ON COLUMN alert_episodes.acknowledged_at IS 'When that was said, UTC by the wall clock.';

CREATE TABLE alert_changes (
    episode_id BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    noted_at TIMESTAMP NOT NULL,
    severity VARCHAR,
    value DOUBLE NOT NULL,
    sentence VARCHAR NOT NULL
);
COMMENT ON TABLE alert_changes IS 'One row per change of state of an episode: its history.';
COMMENT ON COLUMN alert_changes.episode_id IS 'The episode.';
COMMENT ON COLUMN alert_changes.kind IS 'firing, escalated, resolved or acknowledged.';
COMMENT ON COLUMN alert_changes.changed_at IS 'When it changed, UTC by the clock of the episode.';
COMMENT ON COLUMN alert_changes.noted_at IS 'When that was noted, UTC by the wall clock.';
COMMENT ON COLUMN alert_changes.severity IS 'Severity after the change.';
COMMENT ON COLUMN alert_changes.value IS 'Value at the change.';
COMMENT ON COLUMN alert_changes.sentence IS 'What it said then.';

CREATE TABLE alert_silences (
    silence_id BIGINT NOT NULL,
    rule_pattern VARCHAR NOT NULL,
    key_pattern VARCHAR NOT NULL,
    owner VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE alert_silences IS 'One row per silence: episodes of which routes are not told for a while.';
COMMENT ON COLUMN alert_silences.silence_id IS 'Number of the silence, from 1.';
COMMENT ON COLUMN alert_silences.rule_pattern IS 'Rules that are meant; * and ? as in file names.';
COMMENT ON COLUMN alert_silences.key_pattern IS 'Episode keys that are meant, likewise.';
COMMENT ON COLUMN alert_silences.owner IS 'Who wants it.';
COMMENT ON COLUMN alert_silences.reason IS 'Why.';
COMMENT ON COLUMN alert_silences.created_at IS 'Since when, UTC by the wall clock.';
COMMENT ON COLUMN alert_silences.expires_at IS 'Until when, UTC by the wall clock; then routes are told of what still fires.';

CREATE TABLE alert_outbox (
    notice_id BIGINT NOT NULL,
    route VARCHAR NOT NULL,
    episode_id BIGINT NOT NULL,
    idempotency_key VARCHAR NOT NULL,
    notice JSON NOT NULL,
    created_at TIMESTAMP NOT NULL,
    attempts INTEGER NOT NULL,
    due_at TIMESTAMP NOT NULL,
    delivered_at TIMESTAMP,
    problem VARCHAR
);
COMMENT ON TABLE alert_outbox IS 'One row per notice to a route, written in the transaction of the change it tells of.';
COMMENT ON COLUMN alert_outbox.notice_id IS 'Number of the notice, from 1; a route gets those of an episode in this order.';
COMMENT ON COLUMN alert_outbox.route IS 'Name of the route.';
COMMENT ON COLUMN alert_outbox.episode_id IS 'The episode.';
COMMENT ON COLUMN alert_outbox.idempotency_key IS 'The same whenever it is sent again, by which a receiver knows a repetition.';
COMMENT ON COLUMN alert_outbox.notice IS 'JSON object: the episode as it was.';
COMMENT ON COLUMN alert_outbox.created_at IS 'When it was written, UTC by the wall clock.';
COMMENT ON COLUMN alert_outbox.attempts IS 'How often it was tried.';
COMMENT ON COLUMN alert_outbox.due_at IS 'When it is tried next, UTC by the wall clock.';
COMMENT ON COLUMN alert_outbox.delivered_at IS 'When the receiver took it, UTC by the wall clock; NULL before.';
COMMENT ON COLUMN alert_outbox.problem IS 'Why the last attempt failed; NULL when it did not.';

CREATE TABLE alert_evaluations (
    rule VARCHAR NOT NULL,
    evaluated_to TIMESTAMP NOT NULL,
    noted_at TIMESTAMP NOT NULL,
    duration_ms DOUBLE NOT NULL,
    problem VARCHAR
);
COMMENT ON TABLE alert_evaluations IS 'One row per rule: how far it is evaluated. Committed with the changes that were found.';
COMMENT ON COLUMN alert_evaluations.rule IS 'Name of the rule.';
COMMENT ON COLUMN alert_evaluations.evaluated_to IS 'Instant of its last evaluation, UTC by its clock.';
COMMENT ON COLUMN alert_evaluations.noted_at IS 'When that was, UTC by the wall clock.';
COMMENT ON COLUMN alert_evaluations.duration_ms IS 'Time the last pass took.';
COMMENT ON COLUMN alert_evaluations.problem IS 'Why the last pass failed; NULL when it did not.';

CREATE TABLE alert_identity (
    database_id VARCHAR NOT NULL
);
COMMENT ON TABLE alert_identity IS 'One row: by what receivers tell this database from others, whose episodes have the same numbers.';
COMMENT ON COLUMN alert_identity.database_id IS 'Random, 16 hexadecimal digits; the same as long as the database exists.';
INSERT INTO alert_identity SELECT left(replace(uuid()::VARCHAR, '-', ''), 16);
