-- Schema version 1. Files in this directory run in order, once each, in one transaction.
-- No PRIMARY KEY, UNIQUE or index anywhere: the identity of a row is where it stands in the
-- logs (file_id, byte_offset, record_no), offsets and rows commit together, and an index
-- makes inserts several times slower and the file several times larger.

CREATE TABLE schema_versions (
    version INTEGER NOT NULL,
    applied_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE schema_versions IS 'One row per schema migration that was applied.';
COMMENT ON COLUMN schema_versions.version IS 'Number of the migration.';
COMMENT ON COLUMN schema_versions.applied_at IS 'When it was applied, UTC.';

CREATE TABLE observations (
    file_id INTEGER NOT NULL,
    byte_offset BIGINT NOT NULL,
    byte_length INTEGER NOT NULL,
    record_no INTEGER NOT NULL,
    format VARCHAR NOT NULL,
    event_id VARCHAR,
    occurred_at TIMESTAMP,
    ingested_at TIMESTAMP NOT NULL,
    node VARCHAR,
    service VARCHAR,
    operation VARCHAR,
    event_type VARCHAR,
    stream VARCHAR,
    stream_key VARCHAR,
    epoch VARCHAR,
    sequence BIGINT,
    sequence_source VARCHAR,
    causation_id VARCHAR,
    cause_kind VARCHAR,
    correlation_id VARCHAR,
    message_id VARCHAR,
    schema_version VARCHAR,
    entity VARCHAR,
    entity_version BIGINT,
    expected_version BIGINT,
    attempt INTEGER,
    is_redelivered BOOLEAN,
    severity VARCHAR,
    message VARCHAR,
    attributes JSON
);
COMMENT ON TABLE observations IS 'One row per observation: one log record about one event (a send, a receive, a lock wait ...).';
COMMENT ON COLUMN observations.file_id IS 'The file the record stands in; joins files.file_id.';
COMMENT ON COLUMN observations.byte_offset IS 'First byte of the record in the (decompressed) file.';
COMMENT ON COLUMN observations.byte_length IS 'Length of the record in bytes, line end included.';
COMMENT ON COLUMN observations.record_no IS 'Number of the observation within its record, from 0; above 0 only where one line holds many (OTLP).';
COMMENT ON COLUMN observations.format IS 'Name of the log format that read the record.';
COMMENT ON COLUMN observations.event_id IS 'Id of the event; the same id on the sending and the receiving side.';
COMMENT ON COLUMN observations.occurred_at IS 'When it happened by the clock of the writing node, UTC, microseconds; NULL when the record has no readable time.';
COMMENT ON COLUMN observations.ingested_at IS 'When the row was committed here, UTC.';
COMMENT ON COLUMN observations.node IS 'Process instance that wrote the record.';
COMMENT ON COLUMN observations.service IS 'Service the node belongs to; the consumer in every order and duplicate question.';
COMMENT ON COLUMN observations.operation IS 'create, send, receive, process, settle, lock_wait, lock_acquire, lock_release, deadlock, change, start, stop or crash; NULL when the record does not say.';
COMMENT ON COLUMN observations.event_type IS 'Type of the event as its producer names it.';
COMMENT ON COLUMN observations.stream IS 'Topic, queue, exchange or destination.';
COMMENT ON COLUMN observations.stream_key IS 'Partition key within the stream: order is promised per stream and key.';
COMMENT ON COLUMN observations.epoch IS 'Epoch of the producer; its numbering starts again with each epoch.';
COMMENT ON COLUMN observations.sequence IS 'Number of the event in its stream and key.';
COMMENT ON COLUMN observations.sequence_source IS 'producer: numbers without holes, a missing one is a loss; broker: an offset, holes are normal.';
COMMENT ON COLUMN observations.causation_id IS 'Event id of the direct cause; further causes are in causes.';
COMMENT ON COLUMN observations.cause_kind IS 'How causation_id is known: causation, parent, link or message.';
COMMENT ON COLUMN observations.correlation_id IS 'Id shared by a whole flow (correlation id, trace id, conversation id).';
COMMENT ON COLUMN observations.message_id IS 'Id of the message handled, where it is not the event id (a span that processes a message).';
COMMENT ON COLUMN observations.schema_version IS 'Version of the schema of the event.';
COMMENT ON COLUMN observations.entity IS 'Business object the event is about.';
COMMENT ON COLUMN observations.entity_version IS 'Version of the entity after the event.';
COMMENT ON COLUMN observations.expected_version IS 'Version of the entity the writer had read before.';
COMMENT ON COLUMN observations.attempt IS 'Number of the delivery attempt, from 1.';
COMMENT ON COLUMN observations.is_redelivered IS 'The broker flagged the delivery as a repeated one; evidence, not proof, of a duplicate.';
COMMENT ON COLUMN observations.severity IS 'Severity as written.';
COMMENT ON COLUMN observations.message IS 'Text for people.';
COMMENT ON COLUMN observations.attributes IS 'JSON object of every field of the record that no other column holds.';

CREATE TABLE causes (
    file_id INTEGER NOT NULL,
    byte_offset BIGINT NOT NULL,
    record_no INTEGER NOT NULL,
    effect_id VARCHAR NOT NULL,
    cause_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL
);
COMMENT ON TABLE causes IS 'One row per cause of an event beyond observations.causation_id; several causes per event are normal.';
COMMENT ON COLUMN causes.file_id IS 'The file the effect was read from.';
COMMENT ON COLUMN causes.byte_offset IS 'First byte of the record of the effect.';
COMMENT ON COLUMN causes.record_no IS 'Number of the observation within its record.';
COMMENT ON COLUMN causes.effect_id IS 'Event id of the effect.';
COMMENT ON COLUMN causes.cause_id IS 'Event id of the cause.';
COMMENT ON COLUMN causes.kind IS 'How the cause is known: causation, parent, link, message or clock.';

CREATE TABLE locks (
    file_id INTEGER NOT NULL,
    byte_offset BIGINT NOT NULL,
    record_no INTEGER NOT NULL,
    event_id VARCHAR,
    occurred_at TIMESTAMP,
    operation VARCHAR NOT NULL,
    owner VARCHAR,
    resource VARCHAR,
    mode VARCHAR,
    blocked_by VARCHAR,
    statement VARCHAR,
    is_victim BOOLEAN
);
COMMENT ON TABLE locks IS 'One row per lock fact: a wait, an acquisition, a release, or one wait-for edge of a reported deadlock.';
COMMENT ON COLUMN locks.file_id IS 'The file the record stands in.';
COMMENT ON COLUMN locks.byte_offset IS 'First byte of the record.';
COMMENT ON COLUMN locks.record_no IS 'Number of the observation within its record.';
COMMENT ON COLUMN locks.event_id IS 'Event id of the record; the edges of one deadlock share it.';
COMMENT ON COLUMN locks.occurred_at IS 'When, UTC, microseconds.';
COMMENT ON COLUMN locks.operation IS 'lock_wait, lock_acquire, lock_release or deadlock.';
COMMENT ON COLUMN locks.owner IS 'Who waits for or holds the lock (process, thread or transaction).';
COMMENT ON COLUMN locks.resource IS 'What is locked.';
COMMENT ON COLUMN locks.mode IS 'Lock mode as the engine names it.';
COMMENT ON COLUMN locks.blocked_by IS 'Who holds what the owner waits for; NULL when not known.';
COMMENT ON COLUMN locks.statement IS 'Statement the owner was running.';
COMMENT ON COLUMN locks.is_victim IS 'TRUE for the owner that was rolled back to break the deadlock.';

CREATE TABLE rejects (
    file_id INTEGER NOT NULL,
    byte_offset BIGINT NOT NULL,
    byte_length BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    raw BLOB NOT NULL,
    rejected_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE rejects IS 'Quarantine: one row per byte range that could not be understood. Nothing that was read is anywhere else but here or in observations, or blank.';
COMMENT ON COLUMN rejects.file_id IS 'The file the bytes stand in.';
COMMENT ON COLUMN rejects.byte_offset IS 'First rejected byte in the (decompressed) file.';
COMMENT ON COLUMN rejects.byte_length IS 'Number of rejected bytes.';
COMMENT ON COLUMN rejects.reason IS 'Why, in words.';
COMMENT ON COLUMN rejects.raw IS 'The rejected bytes, the first 64 KiB of them.';
COMMENT ON COLUMN rejects.rejected_at IS 'When the row was committed, UTC.';

CREATE TABLE files (
    file_id INTEGER NOT NULL,
    path VARCHAR NOT NULL,
    device UBIGINT NOT NULL,
    inode UBIGINT NOT NULL,
    birth_ns BIGINT NOT NULL,
    compression VARCHAR NOT NULL,
    head BLOB NOT NULL,
    mark BLOB NOT NULL,
    checksum UINTEGER NOT NULL,
    waypoints BLOB NOT NULL,
    committed_offset BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    quarantined_bytes BIGINT NOT NULL,
    blank_bytes BIGINT NOT NULL,
    inherited_bytes BIGINT NOT NULL,
    missed_bytes BIGINT NOT NULL,
    event_count BIGINT NOT NULL,
    reject_count BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    finished_bytes BIGINT NOT NULL,
    skipping BOOLEAN NOT NULL,
    state VARCHAR NOT NULL,
    first_seen_at TIMESTAMP NOT NULL,
    last_read_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE files IS 'One row per content generation of a log file: where reading stands and where every byte went. committed_offset = inherited + stored + quarantined + blank, always.';
COMMENT ON COLUMN files.file_id IS 'Number of the generation; a truncated or rewritten file gets a new one.';
COMMENT ON COLUMN files.path IS 'Path when last seen, relative to the watched directory; bytes that are not UTF-8 are escaped.';
COMMENT ON COLUMN files.device IS 'Device number.';
COMMENT ON COLUMN files.inode IS 'Inode number.';
COMMENT ON COLUMN files.birth_ns IS 'Birth time of the inode, ns since the epoch; 0 where the file system has none.';
COMMENT ON COLUMN files.compression IS 'none, gz, bz2, xz or zst; offsets count decompressed bytes, and those of text in UTF-16 its bytes in UTF-8.';
COMMENT ON COLUMN files.head IS 'First bytes of the file, at most 4096, as they were read.';
COMMENT ON COLUMN files.mark IS 'Last bytes before committed_offset, at most 256, as they were read.';
COMMENT ON COLUMN files.checksum IS 'CRC-32 of all bytes before committed_offset, as they were read.';
COMMENT ON COLUMN files.waypoints IS 'The same, 4 bytes each (little-endian), at eight offsets per doubling from 4096 on: tells a copy of a part.';
COMMENT ON COLUMN files.committed_offset IS 'First byte not yet committed.';
COMMENT ON COLUMN files.stored_bytes IS 'Bytes of records stored in observations.';
COMMENT ON COLUMN files.quarantined_bytes IS 'Bytes in rejects.';
COMMENT ON COLUMN files.blank_bytes IS 'Bytes of blank lines, byte order marks and NUL runs.';
COMMENT ON COLUMN files.inherited_bytes IS 'Bytes already read under another generation of the same content (copy or compressed copy).';
COMMENT ON COLUMN files.missed_bytes IS 'Bytes known to have been written but gone before they could be read.';
COMMENT ON COLUMN files.event_count IS 'Rows of observations from this generation.';
COMMENT ON COLUMN files.reject_count IS 'Rows of rejects from this generation.';
COMMENT ON COLUMN files.size_bytes IS 'Size when last seen; of a compressed file the decompressed size read so far.';
COMMENT ON COLUMN files.finished_bytes IS 'Size on disk at which a compressed file was read to its end, or the end of one in UTF-16 was found to be no character; 0 for others and before that.';
COMMENT ON COLUMN files.skipping IS 'TRUE inside a line longer than the limit, until its line end is found.';
COMMENT ON COLUMN files.state IS 'live, replaced (truncated or rewritten) or gone (deleted).';
COMMENT ON COLUMN files.first_seen_at IS 'When it was first seen, UTC.';
COMMENT ON COLUMN files.last_read_at IS 'When bytes of it were last committed, UTC.';

CREATE TABLE batches (
    batch_id BIGINT NOT NULL,
    committed_at TIMESTAMP NOT NULL,
    event_count BIGINT NOT NULL,
    reject_count BIGINT NOT NULL,
    byte_count BIGINT NOT NULL,
    newest_occurred_at TIMESTAMP,
    duration_ms DOUBLE NOT NULL
);
COMMENT ON TABLE batches IS 'One row per committed batch; the greatest batch_id is the version of the data.';
COMMENT ON COLUMN batches.batch_id IS 'Number of the batch, from 1, without holes.';
COMMENT ON COLUMN batches.committed_at IS 'When it was committed, UTC.';
COMMENT ON COLUMN batches.event_count IS 'Rows added to observations.';
COMMENT ON COLUMN batches.reject_count IS 'Rows added to rejects.';
COMMENT ON COLUMN batches.byte_count IS 'Bytes of log files committed.';
COMMENT ON COLUMN batches.newest_occurred_at IS 'Greatest occurred_at of the batch; NULL when none has a time.';
COMMENT ON COLUMN batches.duration_ms IS 'Time from the first byte read to the commit, ms.';
