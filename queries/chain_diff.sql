-- chain_diff: in which type paths do the chains of these two events differ?
--
-- One row per type path of which the chains hold different numbers of events; no row where
-- they are alike. Paths are those of chain_fold.
--
-- Parameters
--   first        VARCHAR  event_id
--   second       VARCHAR  event_id
--   depth_limit  INTEGER  how many steps are followed (default: 100)
--
-- Columns
--   path          VARCHAR[]  types from the event asked for on
--   depth         INTEGER    steps from the event asked for
--   first_count   BIGINT     events of that path in the chain of the first
--   second_count  BIGINT     events of that path in the chain of the second
--   difference    BIGINT     second_count less first_count
--   first_id      VARCHAR    one of them in the chain of the first
--   second_id     VARCHAR    one of them in the chain of the second
--
-- Reads: chain_fold
CREATE OR REPLACE MACRO chain_diff(first, second, depth_limit := 100) AS TABLE
WITH compared AS (
    SELECT
        coalesce(one.path, other.path) AS path,
        coalesce(one.depth, other.depth) AS depth,
        coalesce(one.event_count, 0) AS first_count,
        coalesce(other.event_count, 0) AS second_count,
        one.first_id,
        other.first_id AS second_id
    FROM chain_fold(first, depth_limit := depth_limit) AS one
    FULL OUTER JOIN chain_fold(second, depth_limit := depth_limit) AS other
        ON one.path = other.path
)

SELECT
    compared.path,
    compared.depth,
    compared.first_count,
    compared.second_count,
    compared.second_count - compared.first_count AS difference,
    compared.first_id,
    compared.second_id
FROM compared
WHERE compared.first_count <> compared.second_count
ORDER BY compared.path;
