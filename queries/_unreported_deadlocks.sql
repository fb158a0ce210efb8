-- _unreported_deadlocks: which deadlocks do lock events alone tell of?
--
-- One row per deadlock that deadlock_evidence knows, and that nobody reported; unordered.
--
-- Parameters
--   since      TIMESTAMP  first instant included
--   until      TIMESTAMP  first instant excluded
--   is_wanted  BOOLEAN    there are no rows, and no lock events are read, unless it is true
--
-- Columns
--   occurred_at  TIMESTAMP  when the circle of waits closed, UTC
--
-- Reads: deadlock_evidence
CREATE OR REPLACE MACRO _unreported_deadlocks(since, until, is_wanted) AS TABLE
SELECT found.occurred_at
FROM
    deadlock_evidence(
        since := CASE WHEN is_wanted THEN since::TIMESTAMP ELSE 'infinity'::TIMESTAMP END,
        until := until
    ) AS found
WHERE found.evidence = 'reconstructed';
