-- causal_path: by which steps did one of these two events happen before the other?
--
-- One row per step of one way from the first to the second, the proof that the first
-- happened before it; no row where nothing that was logged orders them that way: then ask
-- the other way round, and where neither has an answer the two are concurrent as far as is
-- known. Steps go along causes, also those of vector clocks, along messages from the record of
-- where an event was first observed to those of others about it, and along the order in
-- which a node wrote one file, or numbered its events in logs with vector clocks. Spans are
-- written when they end, so their place in a file orders nothing, nor does that of a record
-- that names neither node nor service. What lies more than the
-- clock_error outside the times of the two is not looked at.
--
-- Parameters
--   first        VARCHAR   event_id
--   second       VARCHAR   event_id
--   clock_error  INTERVAL  how far the clocks of two nodes may be apart (default: 1 minute)
--
-- Columns
--   step         INTEGER    number of the step, from 0
--   event_id     VARCHAR    event that the step leads to
--   kind         VARCHAR    how it leads there: start, order (the same node and file), message
--                           (another record of the event before), or the kind of a cause
--   operation    VARCHAR    what the record says was done
--   node         VARCHAR    node that wrote it
--   occurred_at  TIMESTAMP  when, by the clock of that node, UTC
--   file_id      INTEGER    file of the record
--   byte_offset  BIGINT     its first byte
--
-- Source: Lamport 1978, Time, Clocks, and the Ordering of Events
-- Reads: events, causes
CREATE OR REPLACE MACRO causal_path(
    first,
    second,
    clock_error := INTERVAL 1 MINUTE
) AS TABLE -- noqa: CP02
WITH RECURSIVE times AS ( -- noqa: PRS
    SELECT
        min(events.occurred_at) AS first_at,
        max(events.occurred_at) AS last_at,
        bool_or(events.occurred_at IS NULL) AS is_timeless
    FROM events
    WHERE events.event_id IN (first::VARCHAR, second::VARCHAR)
),

ends AS MATERIALIZED (
    SELECT
        times.first_at - clock_error::INTERVAL AS since,
        times.last_at + clock_error::INTERVAL AS until,
        times.is_timeless
    FROM times
),

records AS MATERIALIZED (
    SELECT
        events.event_id,
        events.operation,
        events.node,
        events.occurred_at,
        events.file_id,
        events.byte_offset,
        events.record_no,
        events.causation_id,
        events.cause_kind,
        -- A line is what one node wrote into one file; the place in it is its order.
        CASE
            WHEN
                regexp_matches(events.format, 'otlp|zipkin|jaeger|apm|span')
                OR coalesce(events.node, events.service) IS NULL
                THEN hash(events.file_id, events.byte_offset, events.record_no)
            WHEN starts_with(events.format, 'vector_clock') THEN hash(events.node)
            ELSE hash(events.node, events.service, events.file_id)
        END AS line,
        CASE
            WHEN starts_with(events.format, 'vector_clock') THEN events.sequence::HUGEINT
            ELSE events.byte_offset::HUGEINT * 65536 + events.record_no
        END AS place,
        row_number() OVER (
            PARTITION BY events.event_id
            ORDER BY
                events.occurred_at, events.file_id, events.byte_offset, events.record_no
        ) AS record_rank
    FROM events
    CROSS JOIN ends
    WHERE
        events.event_id IS NOT NULL
        AND (
            events.occurred_at BETWEEN ends.since AND ends.until
            OR (events.occurred_at IS NULL AND ends.is_timeless)
        )
),

starts AS MATERIALIZED (
    SELECT * FROM records WHERE records.record_rank = 1
),

named AS (
    SELECT
        records.causation_id AS cause_id,
        records.event_id AS effect_id,
        coalesce(records.cause_kind, 'causation') AS kind
    FROM records
    WHERE records.causation_id <> records.event_id
    UNION
    SELECT
        causes.cause_id,
        causes.effect_id,
        causes.kind
    FROM causes
    WHERE causes.cause_id <> causes.effect_id
),

-- From line to line; within one everything is ordered by place.
crossings AS MATERIALIZED (
    SELECT
        cause.line AS from_line,
        cause.place AS from_place,
        effect.line AS to_line,
        effect.place AS to_place,
        named.kind
    FROM named
    INNER JOIN starts AS cause ON named.cause_id = cause.event_id
    INNER JOIN starts AS effect ON named.effect_id = effect.event_id
    UNION ALL
    SELECT
        starts.line AS from_line,
        starts.place AS from_place,
        records.line AS to_line,
        records.place AS to_place,
        'message' AS kind
    FROM records
    INNER JOIN starts ON records.event_id = starts.event_id
    WHERE records.record_rank > 1
),

-- Of each line the first place that is after the first event, and from where it is.
reached(line, entry) USING KEY (line, min(entry)) AS (
    SELECT
        starts.line,
        {
            'place': starts.place, 'steps': 0, 'from_line': starts.line,
            'from_place': starts.place, 'kind': 'start'
        } AS entry
    FROM starts
    WHERE starts.event_id = first::VARCHAR
    UNION
    SELECT
        crossings.to_line AS line,
        min({
            'place': crossings.to_place, 'steps': reached.entry.steps + 1,
            'from_line': crossings.from_line, 'from_place': crossings.from_place,
            'kind': crossings.kind
        }) AS entry
    FROM reached
    INNER JOIN crossings
        ON
            reached.line = crossings.from_line
            AND reached.entry.place <= crossings.from_place
    WHERE crossings.to_line <> crossings.from_line
    GROUP BY crossings.to_line
),

way AS (
    SELECT
        starts.line,
        starts.place,
        0 AS back,
        'order' AS kind
    FROM starts
    INNER JOIN reached
        ON starts.line = reached.line AND reached.entry.place <= starts.place
    WHERE starts.event_id = second::VARCHAR AND first::VARCHAR <> second::VARCHAR
    UNION
    SELECT unnest(
        CASE
            WHEN reached.entry.kind = 'start'
                THEN
                    [{
                        'line': way.line, 'place': reached.entry.place,
                        'back': way.back + 1, 'kind': 'start'
                    }]
            ELSE
                [
                    {
                        'line': way.line, 'place': reached.entry.place,
                        'back': way.back + 1, 'kind': reached.entry.kind
                    },
                    {
                        'line': reached.entry.from_line, 'place': reached.entry.from_place,
                        'back': way.back + 2, 'kind': 'order'
                    }
                ]
        END,
        recursive := TRUE
    )
    FROM way
    INNER JOIN reached ON way.line = reached.line
    WHERE way.kind = 'order' AND way.back < 10000
),

-- What was entered at the place it is left from again is one step and not two.
steps AS (
    SELECT
        way.line,
        way.place,
        max(way.back) AS back,
        arg_max(way.kind, way.back) AS kind
    FROM way
    GROUP BY way.line, way.place
)

SELECT
    (row_number() OVER (ORDER BY steps.back DESC) - 1)::INTEGER AS step,
    records.event_id,
    steps.kind,
    records.operation,
    records.node,
    records.occurred_at,
    records.file_id,
    records.byte_offset
FROM steps
INNER JOIN records ON steps.line = records.line AND steps.place = records.place
ORDER BY step;
