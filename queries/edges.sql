-- edges: which event directly caused which?
--
-- One row per cause, effect and kind, however many observations name the pair. A cause may
-- be an event that was never logged (a ghost). Events without an id have no edges, nor has
-- an event that names itself as its cause, as first events of a flow often do.
--
-- Columns
--   cause_id   VARCHAR  event_id of the cause
--   effect_id  VARCHAR  event_id of the effect
--   kind       VARCHAR  how it is known: causation, parent, link, message or clock
--
-- Reads: _edge_records
CREATE OR REPLACE VIEW edges AS
SELECT DISTINCT
    _edge_records.cause_id,
    _edge_records.effect_id,
    _edge_records.kind
FROM _edge_records
ORDER BY _edge_records.cause_id, _edge_records.effect_id, _edge_records.kind;
