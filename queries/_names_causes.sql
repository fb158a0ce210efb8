-- _names_causes: does any record of this window name a cause?
--
-- One row, always.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   is_named  BOOLEAN  whether one does
--
-- Reads: _window_edges
CREATE OR REPLACE MACRO _names_causes(since, until) AS TABLE
SELECT exists(SELECT named.cause_id FROM _window_edges(since, until) AS named) AS is_named;
