-- stored_tables: what fills the database?
--
-- One row per stored table that grows with the logs, the one with most rows first. What is
-- counted of minutes is kept only where alerts are evaluated.
--
-- Columns
--   table_name    VARCHAR  the table
--   stored_count  BIGINT   rows
--   meaning       VARCHAR  what its rows are
--
-- Reads: observations, causes, locks, rejects, files, batches, minute_effects, minute_flows, block_faults
CREATE OR REPLACE VIEW stored_tables AS
WITH counted AS (
    SELECT
        'observations' AS table_name,
        count(*) AS stored_count,
        'records of the log' AS meaning
    FROM observations
    UNION ALL
    SELECT
        'causes' AS table_name,
        count(*) AS stored_count,
        'further causes of records that have several' AS meaning
    FROM causes
    UNION ALL
    SELECT
        'locks' AS table_name,
        count(*) AS stored_count,
        'waits, grants and releases of locks, and who waited for whom in deadlocks' AS meaning
    FROM locks
    UNION ALL
    SELECT
        'rejects' AS table_name,
        count(*) AS stored_count,
        'quarantine: bytes that could not be understood' AS meaning
    FROM rejects
    UNION ALL
    SELECT
        'files' AS table_name,
        count(*) AS stored_count,
        'log files, each generation of one' AS meaning
    FROM files
    UNION ALL
    SELECT
        'batches' AS table_name,
        count(*) AS stored_count,
        'commits' AS meaning
    FROM batches
    UNION ALL
    SELECT
        'minute_effects' AS table_name,
        count(*) AS stored_count,
        'minutes by cause and effect, counted' AS meaning
    FROM minute_effects
    UNION ALL
    SELECT
        'minute_flows' AS table_name,
        count(*) AS stored_count,
        'minutes by stream and consumer, counted' AS meaning
    FROM minute_flows
    UNION ALL
    SELECT
        'block_faults' AS table_name,
        count(*) AS stored_count,
        'five minutes by consumer and stream, counted' AS meaning
    FROM block_faults
)

SELECT
    counted.table_name,
    counted.stored_count,
    counted.meaning
FROM counted
ORDER BY counted.stored_count DESC, counted.table_name ASC;
