-- _edge_records: which observation names which direct cause?
--
-- One row per observation and cause; a pair that many observations name is there as often.
-- For whoever removes the repetitions later, or need not: removing them here would sort
-- every edge there is.
--
-- Columns
--   cause_id   VARCHAR  event_id of the cause
--   effect_id  VARCHAR  event_id of the effect
--   kind       VARCHAR  how it is known: causation, parent, link, message or clock
--
-- Reads: events, causes
CREATE OR REPLACE VIEW _edge_records AS
SELECT
    events.causation_id AS cause_id,
    events.event_id AS effect_id,
    coalesce(events.cause_kind, 'causation') AS kind
FROM events
WHERE events.causation_id IS NOT NULL AND events.event_id IS NOT NULL
UNION ALL
SELECT
    causes.cause_id,
    causes.effect_id,
    causes.kind
FROM causes;
