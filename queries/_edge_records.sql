-- _edge_records: which observation names which direct cause?
--
-- One row per observation and cause; a pair that many observations name is there as often.
-- For whoever removes the repetitions later, or need not: removing them here would sort
-- every edge there is. Many systems give the first event of a flow its own id as cause:
-- that is no cause. A vector clock names the last event of every host that was heard of,
-- directly or not: what another cause of the event names as well, or the event before on the
-- same host, is no direct cause and left out.
--
-- Columns
--   cause_id   VARCHAR  event_id of the cause
--   effect_id  VARCHAR  event_id of the effect
--   kind       VARCHAR  how it is known: causation, parent, link, message or clock
--
-- Reads: events, causes, _indirect_clock_causes
CREATE OR REPLACE VIEW _edge_records AS
SELECT
    events.causation_id AS cause_id,
    events.event_id AS effect_id,
    coalesce(events.cause_kind, 'causation') AS kind
FROM events
WHERE events.causation_id <> events.event_id
UNION ALL
SELECT
    causes.cause_id,
    causes.effect_id,
    causes.kind
FROM causes
WHERE causes.cause_id <> causes.effect_id AND causes.kind <> 'clock'
UNION ALL
SELECT
    seen.cause_id,
    seen.effect_id,
    seen.kind
FROM causes AS seen
ANTI JOIN _indirect_clock_causes
    ON
        seen.effect_id = _indirect_clock_causes.effect_id
        AND seen.cause_id = _indirect_clock_causes.cause_id
WHERE seen.kind = 'clock';
