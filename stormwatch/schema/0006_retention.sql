-- Schema version 6. What was pruned: stormwatch/retention deletes what is older than is to be kept.

CREATE TABLE pruned_files (
    file_id INTEGER NOT NULL,
    stored_bytes BIGINT NOT NULL,
    quarantined_bytes BIGINT NOT NULL,
    event_count BIGINT NOT NULL,
    reject_count BIGINT NOT NULL
);
COMMENT ON TABLE pruned_files IS 'One row per file of which something was pruned: how much. What files says was stored, less this, is what is there.';
COMMENT ON COLUMN pruned_files.file_id IS 'The file the records stand in.';
COMMENT ON COLUMN pruned_files.stored_bytes IS 'Bytes of records that were in observations.';
COMMENT ON COLUMN pruned_files.quarantined_bytes IS 'Bytes that were in rejects.';
COMMENT ON COLUMN pruned_files.event_count IS 'Rows that were in observations.';
COMMENT ON COLUMN pruned_files.reject_count IS 'Rows that were in rejects.';

CREATE TABLE prunings (
    reason VARCHAR NOT NULL,
    pruned_before TIMESTAMP NOT NULL,
    pruned_at TIMESTAMP NOT NULL,
    event_count HUGEINT NOT NULL,
    reject_count HUGEINT NOT NULL
);
COMMENT ON TABLE prunings IS 'One row per reason to prune: up to where, when last, how much so far.';
COMMENT ON COLUMN prunings.reason IS 'retention, or asked for.';
COMMENT ON COLUMN prunings.pruned_before IS 'What happened, or without a readable time was read, before this was deleted when it was last pruned, UTC.';
COMMENT ON COLUMN prunings.pruned_at IS 'When something was last deleted, UTC by the wall clock.';
COMMENT ON COLUMN prunings.event_count IS 'Rows of observations that went so far.';
COMMENT ON COLUMN prunings.reject_count IS 'Rows of rejects that went so far.';

COMMENT ON COLUMN files.stored_bytes IS 'Bytes of records stored in observations, those pruned since included (pruned_files).';
COMMENT ON COLUMN files.quarantined_bytes IS 'Bytes put into rejects, those pruned since included (pruned_files).';
COMMENT ON COLUMN files.event_count IS 'Rows of observations from this generation, those pruned since included (pruned_files).';
COMMENT ON COLUMN files.reject_count IS 'Rows of rejects from this generation, those pruned since included (pruned_files).';
COMMENT ON COLUMN batches.batch_id IS 'Number of the batch, from 1; without holes but for those that retention put together by the hour. Pruning counts as a batch of nothing.';
COMMENT ON COLUMN covered_days.first_at IS 'Oldest event; of a day of which something was pruned, the oldest of all files at the earliest.';
COMMENT ON COLUMN covered_days.first_credible_at IS 'Oldest event that does not claim to be later than 5 minutes after it was read; NULL without any. Pruned days as above.';
