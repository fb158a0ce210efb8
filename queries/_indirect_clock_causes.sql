-- _indirect_clock_causes: which causes that a vector clock names are no direct ones?
--
-- One row per observation and cause that another cause of the same event names as well, or
-- the event before on the same host.
--
-- Columns
--   effect_id  VARCHAR  event_id of the effect
--   cause_id   VARCHAR  event_id of the cause
--
-- Reads: causes, _clock_steps
CREATE OR REPLACE VIEW _indirect_clock_causes AS
SELECT
    _clock_steps.effect_id,
    causes.cause_id
FROM _clock_steps
INNER JOIN causes ON _clock_steps.between_id = causes.effect_id
WHERE causes.kind = 'clock';
