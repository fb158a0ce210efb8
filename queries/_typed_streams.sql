-- _typed_streams: in which streams is each event type numbered apart?
--
-- One row per consumer and stream whose event types have numbers of their own. In all
-- others the types share one numbering, or there is one type only.
--
-- Only keys with several types can tell. Conflicts (different types with one number) speak
-- for numbers per type, but a producer that restarts makes conflicts too. Two more
-- witnesses must agree: the most frequent type of a key lacks hardly any number that
-- another type has (types that share fill each other's holes), and arrivals continue
-- (number = number before + 1) within their type at least as often as within the stream.
-- Without a conflict in the window the types are numbered apart only if that explains the
-- numbers that nobody has: sharing them would make a gap of the distance between, say, 500
-- and 3. Counting steps needs the order of arrival, so it is done for streams in doubt only.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since  TIMESTAMP  first instant included
--   until  TIMESTAMP  first instant excluded
--
-- Columns
--   consumer  VARCHAR  service, else node
--   stream    VARCHAR  topic, queue or destination
--
-- Reads: _arrivals
CREATE OR REPLACE MACRO _typed_streams(since, until) AS TABLE
WITH numbered AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        hash(arrivals.consumer, arrivals.stream, arrivals.stream_key, arrivals.epoch)
            AS key_hash,
        hash(arrivals.event_type) AS type_hash,
        arrivals.sequence,
        arrivals.occurred_at,
        arrivals.file_id,
        arrivals.byte_offset,
        arrivals.record_no
    FROM _arrivals(since, until) AS arrivals
    WHERE arrivals.sequence IS NOT NULL AND arrivals.occurred_at IS NOT NULL
),

mixed_keys AS (
    SELECT
        numbered.key_hash,
        any_value(numbered.consumer) AS consumer,
        any_value(numbered.stream) AS stream
    FROM numbered
    GROUP BY numbered.key_hash
    HAVING min(numbered.type_hash) <> max(numbered.type_hash)
),

mixed AS (
    SELECT
        numbered.key_hash,
        numbered.type_hash,
        numbered.sequence,
        numbered.occurred_at,
        numbered.file_id,
        numbered.byte_offset,
        numbered.record_no
    FROM numbered
    SEMI JOIN mixed_keys ON numbered.key_hash = mixed_keys.key_hash
),

typed_numbers AS (
    SELECT DISTINCT
        mixed.key_hash,
        mixed.type_hash,
        mixed.sequence
    FROM mixed
),

types AS (
    SELECT
        typed_numbers.key_hash,
        typed_numbers.type_hash,
        min(typed_numbers.sequence)::HUGEINT AS first_number,
        max(typed_numbers.sequence)::HUGEINT AS last_number,
        count(*) AS number_count
    FROM typed_numbers
    GROUP BY typed_numbers.key_hash, typed_numbers.type_hash
),

most_frequent AS (
    SELECT
        types.key_hash,
        types.type_hash,
        types.first_number,
        types.last_number
    FROM types
    QUALIFY
        row_number() OVER (
            PARTITION BY types.key_hash
            ORDER BY types.number_count DESC, types.type_hash ASC
        ) = 1
),

numbers AS (
    SELECT
        typed_numbers.key_hash,
        typed_numbers.sequence,
        bool_and(
            typed_numbers.type_hash <> most_frequent.type_hash
            AND typed_numbers.sequence > most_frequent.first_number
            AND typed_numbers.sequence < most_frequent.last_number
        ) AS is_filled
    FROM typed_numbers
    INNER JOIN most_frequent ON typed_numbers.key_hash = most_frequent.key_hash
    GROUP BY typed_numbers.key_hash, typed_numbers.sequence
),

if_shared AS (
    SELECT
        numbers.key_hash,
        count(*) AS number_count,
        count(*) FILTER (WHERE numbers.is_filled) AS filled_count
    FROM numbers
    GROUP BY numbers.key_hash
),

if_typed AS (
    SELECT
        types.key_hash,
        sum(types.number_count) AS number_count,
        sum(types.last_number - types.first_number + 1) AS typed_span,
        max(types.last_number) - min(types.first_number) + 1 AS shared_span
    FROM types
    GROUP BY types.key_hash
),

evidence AS (
    SELECT
        mixed_keys.consumer,
        mixed_keys.stream,
        sum(if_typed.number_count - if_shared.number_count) AS conflict_count,
        sum(if_shared.filled_count) AS filled_count,
        sum(if_typed.shared_span - if_shared.number_count) AS shared_missing,
        sum(if_typed.typed_span - if_typed.number_count) AS typed_missing
    FROM mixed_keys
    INNER JOIN if_typed ON mixed_keys.key_hash = if_typed.key_hash
    INNER JOIN if_shared ON mixed_keys.key_hash = if_shared.key_hash
    GROUP BY mixed_keys.consumer, mixed_keys.stream
),

in_doubt AS (
    SELECT
        mixed_keys.key_hash,
        evidence.consumer,
        evidence.stream,
        evidence.conflict_count > 0 AS has_conflicts
    FROM evidence
    INNER JOIN mixed_keys
        ON
            evidence.consumer IS NOT DISTINCT FROM mixed_keys.consumer
            AND evidence.stream IS NOT DISTINCT FROM mixed_keys.stream
    WHERE
        CASE
            WHEN evidence.conflict_count > 0
                THEN 4 * evidence.filled_count <= evidence.conflict_count
            ELSE
                evidence.filled_count = 0
                AND evidence.shared_missing > evidence.typed_missing
        END
),

steps AS (
    SELECT
        in_doubt.consumer,
        in_doubt.stream,
        in_doubt.has_conflicts,
        mixed.sequence::HUGEINT - lag(mixed.sequence) OVER in_stream AS shared_step,
        mixed.sequence::HUGEINT - lag(mixed.sequence) OVER in_type AS typed_step
    FROM mixed
    INNER JOIN in_doubt ON mixed.key_hash = in_doubt.key_hash
    WINDOW
        in_stream AS (
            PARTITION BY mixed.key_hash
            ORDER BY
                mixed.occurred_at, mixed.file_id, mixed.byte_offset, mixed.record_no
        ),
        in_type AS (
            PARTITION BY mixed.key_hash, mixed.type_hash
            ORDER BY
                mixed.occurred_at, mixed.file_id, mixed.byte_offset, mixed.record_no
        )
)

SELECT
    steps.consumer,
    steps.stream
FROM steps
GROUP BY steps.consumer, steps.stream, steps.has_conflicts
HAVING
    count(*) FILTER (WHERE steps.typed_step = 1)
    - count(*) FILTER (WHERE steps.shared_step = 1)
    >= CASE WHEN steps.has_conflicts THEN 0 ELSE 1 END
ORDER BY steps.consumer, steps.stream;
