-- _compared_rows: which rows are selected, which are the baseline, and what is said of each?
--
-- One row per observation of the selection or of the baseline. For parameters and
-- selections see explain_difference.
--
-- Parameters
--   selection       VARCHAR    reordered, duplicate, error, deadlock, looping, listed or all
--   since           TIMESTAMP  first instant of the selection
--   until           TIMESTAMP  first instant after it
--   baseline_since  TIMESTAMP  first instant of the baseline, NULL: as the selection
--   baseline_until  TIMESTAMP  first instant after it, NULL: as the selection
--   selected_ids    VARCHAR[]  events of the selection 'listed'
--   of_consumer     VARCHAR    only of this service, else node; NULL: of any
--   of_stream       VARCHAR    only of this stream; NULL: of any
--   lookback        INTERVAL   how far before arrivals are looked at
--
-- Columns
--   is_selected     BOOLEAN    of the selection, else of the baseline
--   consumer        VARCHAR    service, else node
--   node            VARCHAR    process instance
--   stream          VARCHAR    topic, queue or destination
--   stream_key      VARCHAR    partition key within the stream
--   event_type      VARCHAR    type of the event; NULL where it defines the selection
--   epoch           VARCHAR    epoch of the producer
--   schema_version  VARCHAR    version of the schema, as this record or the sending says
--   producer_node   VARCHAR    process instance that sent the event
--   operation       VARCHAR    what was done
--   occurred_at     TIMESTAMP  when it happened, UTC
--   attributes      JSON       every other field
--
-- Reads: events, duplicates, causal_loops, _arrivals, _arrivals_behind
CREATE OR REPLACE MACRO _compared_rows(
    selection,
    since,
    until,
    baseline_since,
    baseline_until,
    selected_ids,
    of_consumer,
    of_stream,
    lookback
) AS TABLE
WITH behind AS MATERIALIZED (
    SELECT
        found.file_id,
        found.byte_offset,
        found.event_id,
        found.copy_number > 1 AS is_copy,
        found.is_reordered
    FROM
        _arrivals_behind(
            least(since::TIMESTAMP, baseline_since::TIMESTAMP) - lookback::INTERVAL,
            greatest(until::TIMESTAMP, baseline_until::TIMESTAMP)
        ) AS found
    WHERE selection = 'reordered'
),

repeated AS MATERIALIZED (
    SELECT
        found.consumer,
        found.event_id
    FROM
        duplicates(
            since := least(since::TIMESTAMP, baseline_since::TIMESTAMP),
            until := greatest(until::TIMESTAMP, baseline_until::TIMESTAMP),
            lookback := lookback
        ) AS found
    WHERE selection = 'duplicate'
),

arrivals AS (
    SELECT
        found.file_id,
        found.byte_offset,
        found.record_no,
        repeated.event_id IS NOT NULL AS is_repeated,
        behind.file_id IS NOT NULL AND behind.is_reordered AS is_late,
        behind.file_id IS NOT NULL AND behind.is_copy AS is_copy,
        TRUE AS is_arrival
    FROM
        _arrivals(
            least(since::TIMESTAMP, baseline_since::TIMESTAMP) - lookback::INTERVAL,
            greatest(until::TIMESTAMP, baseline_until::TIMESTAMP)
        ) AS found
    LEFT OUTER JOIN repeated
        ON
            found.copy_id = repeated.event_id
            AND found.consumer IS NOT DISTINCT FROM repeated.consumer
    LEFT OUTER JOIN behind
        ON
            found.file_id = behind.file_id
            AND found.byte_offset = behind.byte_offset
            AND found.event_id IS NOT DISTINCT FROM behind.event_id
    WHERE
        selection = 'duplicate'
        OR (selection = 'reordered' AND found.sequence IS NOT NULL)
),

sendings AS (
    SELECT
        events.event_id,
        events.stream,
        min(events.node) AS node,
        max(events.schema_version) AS schema_version
    FROM events
    WHERE
        events.operation = 'send'
        AND events.event_id IS NOT NULL
        AND events.occurred_at
        >= least(since::TIMESTAMP, baseline_since::TIMESTAMP) - lookback::INTERVAL
        AND events.occurred_at
        < greatest(until::TIMESTAMP, baseline_until::TIMESTAMP)
    GROUP BY events.event_id, events.stream
),

looping AS MATERIALIZED (
    SELECT
        found.event_type,
        found.entity,
        min(found.started_at) AS started_at,
        max(found.last_at) AS last_at
    FROM
        causal_loops(
            since := CASE
                WHEN selection = 'looping'
                    THEN least(since::TIMESTAMP, baseline_since::TIMESTAMP)
                ELSE 'infinity'::TIMESTAMP
            END,
            until := greatest(until::TIMESTAMP, baseline_until::TIMESTAMP),
            row_limit := 100000
        ) AS found
    WHERE found.level <> 'allowed'
    GROUP BY found.event_type, found.entity
),

judged AS (
    SELECT
        coalesce(events.service, events.node) AS consumer,
        events.node,
        events.stream,
        events.stream_key,
        CASE WHEN selection <> 'deadlock' THEN events.event_type END AS event_type,
        events.epoch,
        coalesce(events.schema_version, sendings.schema_version) AS schema_version,
        sendings.node AS producer_node,
        events.operation,
        events.occurred_at,
        events.attributes,
        events.occurred_at >= since::TIMESTAMP AND events.occurred_at < until::TIMESTAMP
            AS is_in_selection,
        events.occurred_at >= coalesce(baseline_since, since)::TIMESTAMP
        AND events.occurred_at < coalesce(baseline_until, until)::TIMESTAMP
            AS is_in_baseline,
        CASE selection
            WHEN 'reordered' THEN arrivals.is_late
            WHEN 'duplicate' THEN arrivals.is_repeated
            WHEN 'error'
                THEN
                    regexp_full_match(
                        coalesce(events.severity, ''),
                        'err|error[2-4]?|severe|crit|critical|alert|emerg|emergency|panic'
                        '|fatal[2-4]?|50|60',
                        'i'
                    )
            WHEN 'deadlock' THEN coalesce(events.operation = 'deadlock', FALSE)
            WHEN 'looping' THEN looping.event_type IS NOT NULL
            WHEN 'listed'
                THEN
                    coalesce(
                        list_contains(selected_ids::VARCHAR[], events.event_id), FALSE
                    )
            WHEN 'all' THEN TRUE
            ELSE
                error(
                    'a selection is reordered, duplicate, error, deadlock, looping, '
                    'listed or all'
                )::BOOLEAN
        END AS is_match
    FROM events
    LEFT OUTER JOIN arrivals
        ON
            events.file_id = arrivals.file_id
            AND events.byte_offset = arrivals.byte_offset
            AND events.record_no = arrivals.record_no
    LEFT OUTER JOIN sendings
        ON
            events.event_id = sendings.event_id
            AND events.stream IS NOT DISTINCT FROM sendings.stream
    LEFT OUTER JOIN looping
        ON
            events.event_type = looping.event_type
            AND coalesce(events.entity, events.stream_key) = looping.entity
            AND events.occurred_at >= looping.started_at
            AND events.occurred_at <= looping.last_at
    WHERE
        events.occurred_at >= least(since::TIMESTAMP, baseline_since::TIMESTAMP)
        AND events.occurred_at
        < greatest(until::TIMESTAMP, baseline_until::TIMESTAMP)
        AND (
            selection NOT IN ('reordered', 'duplicate')
            OR (arrivals.is_arrival AND NOT arrivals.is_copy)
        )
        AND (
            of_consumer IS NULL
            OR coalesce(events.service, events.node) = of_consumer::VARCHAR
        )
        AND (of_stream IS NULL OR events.stream = of_stream::VARCHAR)
)

SELECT
    judged.is_in_selection AND judged.is_match AS is_selected,
    judged.consumer,
    judged.node,
    judged.stream,
    judged.stream_key,
    judged.event_type,
    judged.epoch,
    judged.schema_version,
    judged.producer_node,
    judged.operation,
    judged.occurred_at,
    judged.attributes
FROM judged
WHERE
    (judged.is_in_selection AND judged.is_match)
    OR (judged.is_in_baseline AND (NOT judged.is_match OR selection = 'all'));
