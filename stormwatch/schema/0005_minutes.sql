-- Schema version 5. What is kept of every minute of the log, so that loops can be judged over
-- a day without reading its events again: stormwatch/minutes.py keeps it, queries/_kept_minutes
-- says from when to when it can be relied on.

CREATE TABLE minute_counts (
    minute_no BIGINT NOT NULL,
    event_type VARCHAR NOT NULL,
    event_count BIGINT NOT NULL
);
COMMENT ON TABLE minute_counts IS 'One row per minute and type of event: how many there were.';
COMMENT ON COLUMN minute_counts.minute_no IS 'Number of the minute since 1970.';
COMMENT ON COLUMN minute_counts.event_type IS 'Type of the events, or their stream, or (no type).';
COMMENT ON COLUMN minute_counts.event_count IS 'Observations.';

CREATE TABLE minute_effects (
    known_no BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    minute_no BIGINT NOT NULL,
    cause_type VARCHAR,
    effect_type VARCHAR NOT NULL,
    event_count BIGINT NOT NULL,
    resolved BIGINT,
    missing BIGINT,
    in_flow BIGINT,
    delay_us HUGEINT,
    squared_count HUGEINT
);
COMMENT ON TABLE minute_effects IS 'What a minute added to the counts of births, and of the effects of earlier minutes: the rows of _loop_counts by the minute in which they became known.';
COMMENT ON COLUMN minute_effects.known_no IS 'Number since 1970 of the minute that added it: of the births, or of the effects.';
COMMENT ON COLUMN minute_effects.kind IS 'birth, shift, effect or spread.';
COMMENT ON COLUMN minute_effects.minute_no IS 'Number since 1970 of the minute of the births, or in which the causes began to act.';
COMMENT ON COLUMN minute_effects.cause_type IS 'Of a shift, effect or spread: type of the causes.';
COMMENT ON COLUMN minute_effects.effect_type IS 'Type of the effects; of a birth: type of the events.';
COMMENT ON COLUMN minute_effects.event_count IS 'Births or effects; of a shift, how many more began to act than were born.';
COMMENT ON COLUMN minute_effects.resolved IS 'Of births: whose cause is known as well.';
COMMENT ON COLUMN minute_effects.missing IS 'Of births: whose cause is not known although there is one.';
COMMENT ON COLUMN minute_effects.in_flow IS 'Of births: that have a correlation id.';
COMMENT ON COLUMN minute_effects.delay_us IS 'Of effects: sum of the times from cause to effect.';
COMMENT ON COLUMN minute_effects.squared_count IS 'Of spread: by how much the sum over the causes of (effects of the cause) squared grew.';

CREATE TABLE minute_state (
    since_no BIGINT NOT NULL,
    effects_since_no BIGINT NOT NULL,
    until_no BIGINT NOT NULL,
    claimed_no BIGINT NOT NULL,
    allowed_lag BIGINT NOT NULL
);
COMMENT ON TABLE minute_state IS 'One row: which minutes are kept; none where they are not.';
COMMENT ON COLUMN minute_state.since_no IS 'First minute of minute_counts; 0 when all before are there.';
COMMENT ON COLUMN minute_state.effects_since_no IS 'First minute of minute_effects; 0 when all before are there.';
COMMENT ON COLUMN minute_state.until_no IS 'First minute that is not kept yet.';
COMMENT ON COLUMN minute_state.claimed_no IS 'What is read of minutes before this one makes them stale.';
COMMENT ON COLUMN minute_state.allowed_lag IS 'So many of the last minutes may not be kept yet: 0 when nobody keeps them.';

CREATE TABLE stale_minutes (
    minute_no BIGINT NOT NULL,
    batch_id BIGINT NOT NULL
);
COMMENT ON TABLE stale_minutes IS 'Kept minutes of which more, or something else, was read since.';
COMMENT ON COLUMN stale_minutes.minute_no IS 'Number of the minute since 1970.';
COMMENT ON COLUMN stale_minutes.batch_id IS 'The batch that read it.';

CREATE TABLE minute_work (
    minute_no BIGINT NOT NULL,
    observation_count BIGINT NOT NULL,
    error_count BIGINT NOT NULL,
    retry_count BIGINT NOT NULL,
    deep_count BIGINT NOT NULL
);
COMMENT ON TABLE minute_work IS 'One row per minute with events: how much of the work was done again.';
COMMENT ON COLUMN minute_work.minute_no IS 'Number of the minute since 1970.';
COMMENT ON COLUMN minute_work.observation_count IS 'Observations.';
COMMENT ON COLUMN minute_work.error_count IS 'Of these, with a severity of error or worse.';
COMMENT ON COLUMN minute_work.retry_count IS 'Of these, with an attempt above 1 or the broker''s flag.';
COMMENT ON COLUMN minute_work.deep_count IS 'Events that were the eighth or a later one of their type and entity in their flow.';

CREATE TABLE minute_flows (
    minute_no BIGINT NOT NULL,
    stream VARCHAR NOT NULL,
    consumer VARCHAR,
    operation VARCHAR NOT NULL,
    message_count BIGINT NOT NULL
);
COMMENT ON TABLE minute_flows IS 'One row per minute, stream, consumer and operation: messages sent, or first received or processed.';
COMMENT ON COLUMN minute_flows.minute_no IS 'Number of the minute since 1970.';
COMMENT ON COLUMN minute_flows.stream IS 'Topic, queue or destination.';
COMMENT ON COLUMN minute_flows.consumer IS 'Service, else node; NULL of what is sent.';
COMMENT ON COLUMN minute_flows.operation IS 'send, receive or process.';
COMMENT ON COLUMN minute_flows.message_count IS 'Messages.';

CREATE TABLE block_faults (
    block_no BIGINT NOT NULL,
    consumer VARCHAR,
    stream VARCHAR,
    arrival_count BIGINT NOT NULL,
    reordered_count BIGINT NOT NULL,
    duplicate_count BIGINT NOT NULL
);
COMMENT ON TABLE block_faults IS 'One row per five minutes, consumer and stream with numbered arrivals: how many were out of order or duplicate.';
COMMENT ON COLUMN block_faults.block_no IS 'Number of the five minutes since 1970.';
COMMENT ON COLUMN block_faults.consumer IS 'Service they arrived at, else node.';
COMMENT ON COLUMN block_faults.stream IS 'Topic, queue or destination.';
COMMENT ON COLUMN block_faults.arrival_count IS 'First copies.';
COMMENT ON COLUMN block_faults.reordered_count IS 'Of these, that arrived after a larger number.';
COMMENT ON COLUMN block_faults.duplicate_count IS 'Events of which the last copy so far arrived here.';

CREATE TABLE block_state (
    since_no BIGINT NOT NULL,
    until_no BIGINT NOT NULL
);
COMMENT ON TABLE block_state IS 'One row: of which five minutes block_faults tells; none where it tells of none.';
COMMENT ON COLUMN block_state.since_no IS 'First block that is there; 0 when all before are.';
COMMENT ON COLUMN block_state.until_no IS 'First block that is not.';

CREATE TABLE stale_blocks (
    block_no BIGINT NOT NULL
);
COMMENT ON TABLE stale_blocks IS 'Blocks to which, or to the hour before which, more was read since.';
COMMENT ON COLUMN stale_blocks.block_no IS 'Number of the five minutes since 1970.';

CREATE TABLE covered_days (
    file_id INTEGER NOT NULL,
    day_start TIMESTAMP,
    first_at TIMESTAMP,
    first_credible_at TIMESTAMP,
    last_credible_at TIMESTAMP,
    event_count BIGINT NOT NULL,
    credible_count BIGINT NOT NULL
);
COMMENT ON TABLE covered_days IS 'What each file tells of each day: several rows of a file and day add up. Kept with the rows, so that nobody has to go through all events to know what they cover.';
COMMENT ON COLUMN covered_days.file_id IS 'The file the records stand in.';
COMMENT ON COLUMN covered_days.day_start IS 'The day, UTC; NULL of events without a readable time.';
COMMENT ON COLUMN covered_days.first_at IS 'Oldest event.';
COMMENT ON COLUMN covered_days.first_credible_at IS 'Oldest event that does not claim to be later than 5 minutes after it was read; NULL without any.';
COMMENT ON COLUMN covered_days.last_credible_at IS 'Newest of these; NULL without any.';
COMMENT ON COLUMN covered_days.event_count IS 'Observations.';
COMMENT ON COLUMN covered_days.credible_count IS 'Of these, credible.';

INSERT INTO covered_days
SELECT
    file_id,
    date_trunc('day', occurred_at) AS day_start,
    min(occurred_at) AS first_at,
    min(occurred_at) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE) AS first_credible_at,
    max(occurred_at) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE) AS last_credible_at,
    count(*) AS event_count,
    count(*) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE) AS credible_count
FROM observations
GROUP BY ALL;
