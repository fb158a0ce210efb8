-- edges: which event directly caused which?
--
-- One row per cause, effect and kind, however many observations name the pair. A cause
-- may be an event that was never logged (a ghost). Events without an id have no edges.
--
-- Columns
--   cause_id   VARCHAR  event_id of the cause
--   effect_id  VARCHAR  event_id of the effect
--   kind       VARCHAR  how it is known: causation, parent, link, message or clock
--
-- See: docs/glossary.md
-- Reads: events, causes
CREATE OR REPLACE VIEW edges AS
SELECT
    events.causation_id AS cause_id,
    events.event_id AS effect_id,
    coalesce(events.cause_kind, 'causation') AS kind
FROM events
WHERE events.causation_id IS NOT NULL AND events.event_id IS NOT NULL
UNION
SELECT
    causes.cause_id,
    causes.effect_id,
    causes.kind
FROM causes
ORDER BY cause_id, effect_id, kind;
