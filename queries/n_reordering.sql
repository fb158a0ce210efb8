-- n_reordering: how many arrivals before it does an event have to be compared with to see that it is late?
--
-- One row per consumer, stream and n that occurs. A first copy is n-reordered when each of
-- the n first copies right before it has a larger number, and so it is for all smaller n.
-- A reordered event after one that is later still is not even 1-reordered: who compares
-- neighbours only does not see it. No n is looked for beyond the limit.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since     TIMESTAMP  first instant included (default: the oldest event)
--   until     TIMESTAMP  first instant excluded (default: the newest event)
--   most      BIGINT     largest n that is looked for (default: 100)
--   lookback  INTERVAL   how far before since arrivals are looked at (default: 1 hour)
--
-- Columns
--   consumer         VARCHAR  service they arrived at, else node
--   stream           VARCHAR  topic, queue or destination
--   n                BIGINT   arrivals right before, all with a larger number
--   reordered_count  BIGINT   first copies that are n-reordered
--   arrival_count    BIGINT   first copies of consumer and stream
--   degree           DOUBLE   reordered_count / arrival_count, 0..1
--
-- Source: RFC 4737 section 5.3 (n-reordering and its degree).
-- Reads: _first_arrivals
CREATE OR REPLACE MACRO n_reordering(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    most := 100,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH arrivals AS MATERIALIZED (
    SELECT found.*
    FROM
        _first_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS found
),

counted AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        count(*) AS arrival_count
    FROM arrivals
    WHERE arrivals.occurred_at >= since::TIMESTAMP
    GROUP BY arrivals.consumer, arrivals.stream
),

steps AS (
    SELECT unnest(range(1, least(most::BIGINT, longest.position) + 1)) AS step
    FROM (
        SELECT max(arrivals.position) AS position
        FROM arrivals
        WHERE arrivals.is_reordered
    ) AS longest
),

compared AS (
    SELECT
        late.scope_hash,
        late.position,
        late.consumer,
        late.stream,
        steps.step,
        late.position - steps.step AS position_before,
        late.sequence
    FROM arrivals AS late
    INNER JOIN steps ON late.position > steps.step
    WHERE late.is_reordered AND late.occurred_at >= since::TIMESTAMP
),

degrees AS (
    SELECT
        compared.consumer,
        compared.stream,
        coalesce(
            min(compared.step) FILTER (WHERE before_it.sequence <= compared.sequence) - 1,
            max(compared.step)
        ) AS n
    FROM compared
    INNER JOIN arrivals AS before_it
        ON
            compared.scope_hash = before_it.scope_hash
            AND compared.position_before = before_it.position
    GROUP BY
        compared.scope_hash, compared.position, compared.consumer, compared.stream
)

SELECT
    degrees.consumer,
    degrees.stream,
    steps.step AS n,
    count(*) AS reordered_count,
    counted.arrival_count,
    count(*) / counted.arrival_count AS degree
FROM degrees
INNER JOIN steps ON degrees.n >= steps.step
INNER JOIN counted
    ON
        degrees.consumer IS NOT DISTINCT FROM counted.consumer
        AND degrees.stream IS NOT DISTINCT FROM counted.stream
GROUP BY degrees.consumer, degrees.stream, steps.step, counted.arrival_count
ORDER BY degrees.consumer, degrees.stream, n;
