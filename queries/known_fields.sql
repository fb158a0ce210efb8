-- known_fields: of how many events is it known which event, why, in which order, by whom and when?
--
-- One row per field that pages live by, always, in this order: id, cause, sequence, service,
-- time. What is in no record's fields can be named with --map.
--
-- Columns
--   field        VARCHAR  id, cause, sequence, service or time: the ROLE of --map
--   known_count  BIGINT   observations of which it is known
--   event_count  BIGINT   observations
--
-- Reads: events
CREATE OR REPLACE VIEW known_fields AS
WITH counted AS (
    SELECT
        count(*) AS event_count,
        [
            struct_pack(field := 'id', known_count := count(events.event_id)),
            struct_pack(field := 'cause', known_count := count(events.causation_id)),
            struct_pack(field := 'sequence', known_count := count(events.sequence)),
            struct_pack(field := 'service', known_count := count(events.service)),
            struct_pack(field := 'time', known_count := count(events.occurred_at))
        ] AS fields
    FROM events
),

listed AS (
    SELECT
        counted.event_count,
        unnest(counted.fields) AS one,
        unnest(range(len(counted.fields))) AS place
    FROM counted
)

SELECT
    listed.one.field,
    listed.one.known_count,
    listed.event_count
FROM listed
ORDER BY listed.place;
