-- _type_names: what are the types called whose hashes _births gives?
--
-- One row per type; unordered.
--
-- Parameters
--   since      TIMESTAMP  first instant included
--   until      TIMESTAMP  first instant excluded
--   is_wanted  BOOLEAN    nothing is read unless it is true (default: TRUE)
--
-- Columns
--   type_hash   UBIGINT  hash of the name
--   event_type  VARCHAR  the name: of a type or a stream, or (no type) where neither is known
--
-- Reads: events
CREATE OR REPLACE MACRO _type_names(since, until, is_wanted := TRUE) AS TABLE
WITH named AS (
    SELECT DISTINCT coalesce(events.event_type, events.stream, '(no type)') AS event_type
    FROM events
    WHERE
        events.occurred_at >= since::TIMESTAMP
        AND events.occurred_at < until::TIMESTAMP
        AND is_wanted
)

SELECT
    hash(named.event_type) AS type_hash,
    named.event_type
FROM named;
