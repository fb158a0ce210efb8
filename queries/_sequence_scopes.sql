-- _sequence_scopes: does each event type of a stream have numbers of its own, or do they share?
--
-- One row per consumer and stream with more than one event type among its numbered
-- arrivals. Streams without a row have one type; nothing is to be decided.
--
-- Conflicts (different events, of different types, with one number) speak for numbers per
-- type, but a producer that restarts makes conflicts too. Two more witnesses must agree:
-- the most frequent type of a key lacks hardly any number that another type has (types
-- that share fill each other's holes), and arrivals continue (number = number before + 1)
-- within their type at least as often as within the stream. Without a conflict in the
-- window the types are numbered apart only if that explains the numbers that nobody has:
-- sharing them would make a gap of the distance between, say, 500 and 3.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   consumer        VARCHAR  service, else node
--   stream          VARCHAR  topic, queue or destination
--   is_per_type     BOOLEAN  whether the types are numbered apart
--   conflict_count  HUGEINT  numbers held by a further type
--   filled_count    HUGEINT  numbers the most frequent type lacks and another has
--   shared_missing  HUGEINT  numbers nobody has if the types share
--   typed_missing   HUGEINT  numbers nobody has if the types are numbered apart
--   shared_steps    HUGEINT  arrivals that continue the stream
--   typed_steps     HUGEINT  arrivals that continue their type
--
-- Reads: _arrivals
CREATE OR REPLACE MACRO _sequence_scopes(since, until) AS TABLE
WITH mixed AS (
    SELECT
        arrivals.consumer,
        arrivals.stream
    FROM _arrivals(since, until) AS arrivals
    WHERE arrivals.sequence IS NOT NULL
    GROUP BY arrivals.consumer, arrivals.stream
    HAVING
        min(coalesce(arrivals.event_type, '')) <> max(coalesce(arrivals.event_type, ''))
),

first_copies AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        hash(arrivals.consumer, arrivals.stream, arrivals.stream_key, arrivals.epoch)
            AS key_hash,
        coalesce(arrivals.event_type, '') AS event_type,
        arrivals.sequence,
        arrivals.occurred_at,
        arrivals.file_id,
        arrivals.byte_offset,
        arrivals.record_no
    FROM _arrivals(since, until) AS arrivals
    SEMI JOIN mixed
        ON
            arrivals.consumer IS NOT DISTINCT FROM mixed.consumer
            AND arrivals.stream IS NOT DISTINCT FROM mixed.stream
    WHERE arrivals.sequence IS NOT NULL
    QUALIFY
        row_number() OVER (
            PARTITION BY
                key_hash,
                event_type,
                arrivals.sequence,
                coalesce(arrivals.copy_id, '')
            ORDER BY
                arrivals.occurred_at,
                arrivals.file_id,
                arrivals.byte_offset,
                arrivals.record_no
        ) = 1
),

steps AS (
    SELECT
        first_copies.consumer,
        first_copies.stream,
        first_copies.key_hash,
        first_copies.event_type,
        first_copies.sequence,
        first_copies.sequence::HUGEINT
        - lag(first_copies.sequence) OVER in_stream AS shared_step,
        first_copies.sequence::HUGEINT
        - lag(first_copies.sequence) OVER in_type AS typed_step
    FROM first_copies
    WINDOW
        in_stream AS (
            PARTITION BY first_copies.key_hash
            ORDER BY
                first_copies.occurred_at,
                first_copies.file_id,
                first_copies.byte_offset,
                first_copies.record_no
        ),
        in_type AS (
            PARTITION BY first_copies.key_hash, first_copies.event_type
            ORDER BY
                first_copies.occurred_at,
                first_copies.file_id,
                first_copies.byte_offset,
                first_copies.record_no
        )
),

by_type AS (
    SELECT
        steps.consumer,
        steps.stream,
        steps.key_hash,
        steps.event_type,
        min(steps.sequence)::HUGEINT AS first_number,
        max(steps.sequence)::HUGEINT AS last_number,
        count(DISTINCT steps.sequence) AS number_count,
        count(*) FILTER (WHERE steps.shared_step = 1) AS shared_steps,
        count(*) FILTER (WHERE steps.typed_step = 1) AS typed_steps
    FROM steps
    GROUP BY ALL
),

most_frequent AS (
    SELECT
        by_type.key_hash,
        by_type.event_type,
        by_type.first_number,
        by_type.last_number
    FROM by_type
    QUALIFY
        row_number() OVER (
            PARTITION BY by_type.key_hash
            ORDER BY by_type.number_count DESC, by_type.event_type
        ) = 1
),

numbers AS (
    SELECT
        steps.key_hash,
        steps.sequence,
        bool_and(
            steps.event_type <> most_frequent.event_type
            AND steps.sequence > most_frequent.first_number
            AND steps.sequence < most_frequent.last_number
        ) AS is_filled
    FROM steps
    INNER JOIN most_frequent ON steps.key_hash = most_frequent.key_hash
    GROUP BY steps.key_hash, steps.sequence
),

shared_numbers AS (
    SELECT
        numbers.key_hash,
        count(*) AS number_count,
        count(*) FILTER (WHERE numbers.is_filled) AS filled_count
    FROM numbers
    GROUP BY numbers.key_hash
),

by_key AS (
    SELECT
        by_type.consumer,
        by_type.stream,
        by_type.key_hash,
        sum(by_type.number_count) AS typed_numbers,
        sum(by_type.last_number - by_type.first_number + 1) AS typed_span,
        max(by_type.last_number) - min(by_type.first_number) + 1 AS shared_span,
        sum(by_type.shared_steps) AS shared_steps,
        sum(by_type.typed_steps) AS typed_steps
    FROM by_type
    GROUP BY by_type.consumer, by_type.stream, by_type.key_hash
),

evidence AS (
    SELECT
        by_key.consumer,
        by_key.stream,
        sum(by_key.typed_numbers - shared_numbers.number_count) AS conflict_count,
        sum(shared_numbers.filled_count) AS filled_count,
        sum(by_key.shared_span - shared_numbers.number_count) AS shared_missing,
        sum(by_key.typed_span - by_key.typed_numbers) AS typed_missing,
        sum(by_key.shared_steps) AS shared_steps,
        sum(by_key.typed_steps) AS typed_steps
    FROM by_key
    INNER JOIN shared_numbers ON by_key.key_hash = shared_numbers.key_hash
    GROUP BY by_key.consumer, by_key.stream
)

SELECT
    evidence.consumer,
    evidence.stream,
    CASE
        WHEN evidence.conflict_count > 0
            THEN
                4 * evidence.filled_count <= evidence.conflict_count
                AND evidence.typed_steps >= evidence.shared_steps
        ELSE
            evidence.filled_count = 0
            AND evidence.shared_missing > evidence.typed_missing
            AND evidence.typed_steps > evidence.shared_steps
    END AS is_per_type,
    evidence.conflict_count,
    evidence.filled_count,
    evidence.shared_missing,
    evidence.typed_missing,
    evidence.shared_steps,
    evidence.typed_steps
FROM evidence
ORDER BY evidence.consumer, evidence.stream;
