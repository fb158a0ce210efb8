-- Schema version 7. Which field was taken for what, in records that were read.

CREATE TABLE field_uses (
    scope VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    mapping VARCHAR NOT NULL
);
COMMENT ON TABLE field_uses IS 'One row per field that filled a role in records of a scope and format; for people, nothing is read by it.';
COMMENT ON COLUMN field_uses.scope IS 'The files it is true of: their path with # for numbers, without what rotation adds.';
COMMENT ON COLUMN field_uses.format IS 'Log format that read the records.';
COMMENT ON COLUMN field_uses.role IS 'event_id, occurred_at, causation_id and so on: the column it fills, or a name that --map takes.';
COMMENT ON COLUMN field_uses.field IS 'Keys from the top of a record to the field, as a JSON array.';
COMMENT ON COLUMN field_uses.source IS 'Who says so: said (--map or a mapping), values (they tell it, the name would not), format, or name.';
COMMENT ON COLUMN field_uses.mapping IS 'What was known of the fields of the files beyond their names, as JSON; rows of another one are replaced.';

CREATE TABLE file_scopes (
    file_id INTEGER NOT NULL,
    scope VARCHAR NOT NULL
);
COMMENT ON TABLE file_scopes IS 'One row per file of which records were read: the files that are written alike.';
COMMENT ON COLUMN file_scopes.file_id IS 'Number of the generation.';
COMMENT ON COLUMN file_scopes.scope IS 'Its path when it was first read, with # for numbers, without what rotation adds.';
