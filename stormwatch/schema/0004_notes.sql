-- Schema version 4. Notes: what people say happened, beside what the log says.

CREATE SEQUENCE annotation_ids;

CREATE TABLE annotations (
    note_id BIGINT NOT NULL DEFAULT nextval('annotation_ids'),
    noted_at TIMESTAMP NOT NULL,
    until_at TIMESTAMP,
    service VARCHAR,
    author VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE annotations IS 'One row per note that somebody added; one that is taken back is gone.';
COMMENT ON COLUMN annotations.note_id IS 'Number of the note, from 1; never given again.';
COMMENT ON COLUMN annotations.noted_at IS 'The instant it is about, or the first of several, UTC by the clock of the log.';
COMMENT ON COLUMN annotations.until_at IS 'Where what it is about ended, UTC; NULL when it is about an instant.';
COMMENT ON COLUMN annotations.service IS 'Service it is about; NULL when it is about all.';
COMMENT ON COLUMN annotations.author IS 'Who says so.';
COMMENT ON COLUMN annotations.text IS 'What is said, as it was written.';
COMMENT ON COLUMN annotations.created_at IS 'When it was added, UTC by the wall clock.';
