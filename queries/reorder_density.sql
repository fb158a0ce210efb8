-- reorder_density: how far from their turn do events arrive, early or late?
--
-- One row per consumer, stream and displacement that occurs. The receive index of an
-- arrival is the number whose turn it was: the k-th first copy of a scope should have been
-- the k-th smallest number that arrived, so that losses and copies displace nothing.
-- displacement = receive index - number: below 0 it came early, above 0 late, 0 in turn.
-- One event far above 0 with many at -1 is one late event; the mirror image is an early
-- one. What is displaced by more than the threshold counts as lost, nowhere.
--
-- Parameters
--   since      TIMESTAMP  first instant included (default: the oldest event)
--   until      TIMESTAMP  first instant excluded (default: the newest event)
--   threshold  BIGINT     largest displacement that counts (default: 1000)
--   lookback   INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   consumer       VARCHAR  service they arrived at, else node
--   stream         VARCHAR  topic, queue or destination
--   displacement   BIGINT   receive index minus number
--   arrival_count  BIGINT   first copies with it
--   density        DOUBLE   share of all of consumer and stream, 0..1
--
-- Source: RFC 5236 sections 2 and 4 (displacement, reorder density).
-- Reads: _first_arrivals
CREATE OR REPLACE MACRO reorder_density(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    threshold := 1000,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS MATERIALIZED (
    SELECT found.*
    FROM
        _first_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS found
),

-- Only where place and rank differ it matters which number has the place as its rank.
displaced AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        coalesce(turns.sequence, arrivals.sequence)::HUGEINT - arrivals.sequence
            AS displacement
    FROM arrivals
    LEFT OUTER JOIN arrivals AS turns
        ON
            arrivals.scope_hash = turns.scope_hash
            AND arrivals.position = turns.rank
            AND turns.position != turns.rank
    WHERE arrivals.occurred_at >= since::TIMESTAMP
),

counted AS (
    SELECT
        displaced.consumer,
        displaced.stream,
        displaced.displacement,
        count(*) AS arrival_count
    FROM displaced
    GROUP BY displaced.consumer, displaced.stream, displaced.displacement
)

SELECT
    counted.consumer,
    counted.stream,
    try_cast(counted.displacement AS BIGINT) AS displacement,
    counted.arrival_count,
    counted.arrival_count / sum(counted.arrival_count) OVER (
        PARTITION BY counted.consumer, counted.stream
    ) AS density
FROM counted
WHERE abs(counted.displacement) <= threshold::BIGINT
ORDER BY counted.consumer, counted.stream, displacement;
