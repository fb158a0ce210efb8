-- _loop_counts: how many events were born, of which causes, and how long after them?
--
-- Rows of four kinds, unordered; what a kind does not have is NULL. These counts are all
-- that loop_gain needs of the events. They are taken from what is kept per minute where that
-- can answer, else from the events. What is kept counts whole minutes, knows a cause for as
-- long as docs/storms.md says, and counts effects to the last minute kept.
--   birth   per bucket and type: the events that were first observed
--   shift   per bucket and pair of types: by so many more of the first began to act as causes of
--           the second than were born
--   effect  per bucket of the causes, pair of types and age: effects of these causes
--   spread  per bucket of the causes and pair of types: how unevenly they are spread
-- Where most effects of a pair came when their causes had been handled (received, processed or
-- settled), a cause that waits for that can have none yet. It acts from the bucket on in which
-- it was handled, or one of its type that was born in a later bucket: then it was passed over,
-- and nobody will say that it was handled; or in which it had such an effect all the same, as
-- where whoever waits for an answer gives up. All others act from their birth on. The bucket of
-- a cause is that from which on it acts.
-- Pairs of types are those that lie on a way from a type back to itself; of effects, those
-- that came within the span.
--
-- Parameters
--   since   TIMESTAMP  first instant included
--   until   TIMESTAMP  first instant excluded
--   bucket  INTERVAL   length of a bucket
--   span    INTERVAL   effects that come later than this are not counted
--
-- Columns
--   kind           VARCHAR  birth, shift, effect or spread
--   bucket_no      BIGINT   number of the bucket since 1970
--   cause_type     VARCHAR  of a shift, effect or spread: type of the causes
--   effect_type    VARCHAR  type of the effects; of a birth: type of the events
--   age            BIGINT   of an effect: buckets from cause to effect, 0 in the same
--   event_count    HUGEINT  births or effects; of a shift it may be below 0
--   resolved       HUGEINT  of births: whose cause is known as well
--   missing        HUGEINT  of births: whose cause is not known although it names one, or
--                           although an event of its correlation id came before it
--   in_flow        HUGEINT  of births: that have a correlation id
--   is_loop        BOOLEAN  of a birth: the type can lead back to itself
--   delay_us       HUGEINT  of effects: sum of the times from cause to effect
--   squared_count  HUGEINT  of spread: sum over the causes of (effects of the cause) squared
--
-- Reads: _kept_minutes, minute_effects, _loop_counts_of_events
CREATE OR REPLACE MACRO _loop_counts(since, until, bucket, span) AS TABLE
WITH RECURSIVE edges AS MATERIALIZED (
    SELECT
        minutes.has_effects AND epoch(span::INTERVAL) <= 900 AS is_kept,
        minutes.since_no,
        minutes.until_no,
        epoch_us(bucket::INTERVAL) // 60000000 AS width
    FROM _kept_minutes(since, until, bucket) AS minutes
),

kept AS MATERIALIZED (
    SELECT
        effects.kind,
        effects.minute_no // edges.width AS bucket_no,
        effects.cause_type,
        effects.effect_type,
        effects.known_no // edges.width - effects.minute_no // edges.width AS age,
        sum(effects.event_count) AS event_count,
        sum(effects.resolved) AS resolved,
        sum(effects.missing) AS missing,
        sum(effects.in_flow) AS in_flow,
        sum(effects.delay_us) AS delay_us,
        sum(effects.squared_count) AS squared_count
    FROM minute_effects AS effects
    INNER JOIN edges
        ON
            effects.minute_no >= edges.since_no
            AND effects.known_no < edges.until_no
    WHERE edges.is_kept
    GROUP BY ALL
),

pairs AS MATERIALIZED (
    SELECT DISTINCT
        kept.cause_type,
        kept.effect_type
    FROM kept
    WHERE kept.kind = 'effect'
),

ways AS (
    SELECT
        pairs.cause_type AS from_type,
        pairs.effect_type AS to_type
    FROM pairs
    UNION
    SELECT
        ways.from_type,
        pairs.effect_type AS to_type
    FROM ways
    INNER JOIN pairs ON ways.to_type = pairs.cause_type
),

loop_pairs AS MATERIALIZED (
    SELECT
        pairs.cause_type,
        pairs.effect_type
    FROM pairs
    INNER JOIN ways
        ON pairs.effect_type = ways.from_type AND pairs.cause_type = ways.to_type
)

SELECT
    kept.kind,
    kept.bucket_no,
    kept.cause_type,
    kept.effect_type,
    CASE WHEN kept.kind = 'effect' THEN kept.age END AS age,
    kept.event_count,
    kept.resolved,
    kept.missing,
    kept.in_flow,
    CASE
        WHEN kept.kind = 'birth'
            THEN kept.effect_type IN (SELECT loop_pairs.cause_type FROM loop_pairs)
    END AS is_loop,
    kept.delay_us,
    kept.squared_count
FROM kept
WHERE
    kept.kind = 'birth'
    OR (
        (kept.cause_type, kept.effect_type) IN (
            SELECT
                loop_pairs.cause_type,
                loop_pairs.effect_type
            FROM loop_pairs
        )
        AND (kept.kind = 'shift' OR kept.age < epoch(span::INTERVAL) / epoch(bucket::INTERVAL))
    )
UNION ALL BY NAME
SELECT
    counts.kind,
    counts.bucket_no,
    counts.cause_type,
    counts.effect_type,
    counts.age,
    counts.event_count,
    counts.resolved,
    counts.missing,
    counts.in_flow,
    counts.is_loop,
    counts.delay_us,
    counts.squared_count
FROM
    _loop_counts_of_events(
        since, until, bucket, span, (SELECT NOT edges.is_kept FROM edges)
    ) AS counts;
