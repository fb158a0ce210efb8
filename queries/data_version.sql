-- data_version: which version of the data is stored?
--
-- One row, always. The version grows by one with every committed batch; what was asked under one
-- version and is asked again under the same gives the same answer. Costs nothing to ask.
--
-- Columns
--   data_version  BIGINT     number of the last committed batch; 0 before the first
--   committed_at  TIMESTAMP  when it was committed, UTC; NULL before the first
--
-- Reads: batches
CREATE OR REPLACE VIEW data_version AS
SELECT
    coalesce(max(batches.batch_id), 0) AS data_version,
    max(batches.committed_at) AS committed_at
FROM batches
ORDER BY data_version;
