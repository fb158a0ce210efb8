-- Schema version 2. What is to be parsed again, and by which fields roles are filled.

CREATE TABLE rereads (
    reread_id BIGINT NOT NULL,
    file_id INTEGER NOT NULL,
    next_offset BIGINT NOT NULL,
    end_offset BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    requested_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    problem VARCHAR
);
COMMENT ON TABLE rereads IS 'One row per file that was asked to be parsed again, by a user or because a field turned out to mean something else.';
COMMENT ON COLUMN rereads.reread_id IS 'Number of the request, from 1.';
COMMENT ON COLUMN rereads.file_id IS 'The file whose stored bytes are parsed again.';
COMMENT ON COLUMN rereads.next_offset IS 'Up to here it is done; committed with the rows, so that it goes on there after a crash.';
COMMENT ON COLUMN rereads.end_offset IS 'How far the file was stored when it was asked for; what came later was parsed the new way at once.';
COMMENT ON COLUMN rereads.reason IS 'Why it was asked for.';
COMMENT ON COLUMN rereads.requested_at IS 'When it was asked for, UTC.';
COMMENT ON COLUMN rereads.finished_at IS 'When it was done or given up, UTC; NULL while it waits.';
COMMENT ON COLUMN rereads.problem IS 'Why it was given up, with the rows left as they were; NULL otherwise.';

CREATE TABLE field_roles (
    scope VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    confidence DOUBLE NOT NULL,
    evidence JSON NOT NULL,
    is_override BOOLEAN NOT NULL,
    decided_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE field_roles IS 'One row per role of which the values told which field fills it.';
COMMENT ON COLUMN field_roles.scope IS 'The files it is true of: their path with # for numbers, without what rotation adds.';
COMMENT ON COLUMN field_roles.role IS 'event_id, causation_id, parent_id, correlation_id, sequence or stream_key.';
COMMENT ON COLUMN field_roles.field IS 'Keys from the top of a record to the field, as a JSON array; [] when no field has the role, though some are called so.';
COMMENT ON COLUMN field_roles.confidence IS 'Of a cause and an id the share of causes that were found, of a correlation id the share of edges along which it is the same, of a sequence and its key the share of numbers that are there.';
COMMENT ON COLUMN field_roles.evidence IS 'JSON object of what was counted.';
COMMENT ON COLUMN field_roles.is_override IS 'The names alone would have said something else.';
COMMENT ON COLUMN field_roles.decided_at IS 'When it was last confirmed, UTC.';
