-- _clock_steps: through which other events may an event have heard of what its vector clock names?
--
-- One row per event with causes of a vector clock and event that may stand in between: each
-- event that the clock names, and the event before on the same host. Whether the latter was
-- logged is not asked.
--
-- Columns
--   effect_id   VARCHAR  event_id of the event
--   between_id  VARCHAR  event_id of what may stand in between
--
-- Source: ShiViz, "Input format": events are numbered host by host, without holes
-- Reads: causes
CREATE OR REPLACE VIEW _clock_steps AS
SELECT
    causes.effect_id,
    causes.cause_id AS between_id
FROM causes
WHERE causes.kind = 'clock'
UNION
SELECT
    causes.effect_id,
    regexp_replace(causes.effect_id, '\d+$', '')
    || (try_cast(regexp_extract(causes.effect_id, '\d+$') AS BIGINT) - 1) AS between_id
FROM causes
WHERE causes.kind = 'clock';
