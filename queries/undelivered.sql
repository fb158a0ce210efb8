-- undelivered: which routes lose what was published?
--
-- One row per route that sent something in the window: producer, stream and consumer. A
-- consumer is expected to receive every event of the types of a stream of which it
-- received one. Where nobody receives under the name that the sender gives the stream (a
-- routing key or an exchange, say), it is the consumers that the ids of what was sent turn
-- up at, under whatever name, if they got one in a hundred of them: less is a dead letter
-- queue or a sample. What is sent again under the same id (a retry that the broker drops)
-- counts once, at its first sending. Events without an id cannot be followed.
-- Where nobody is seen to receive, is_received is FALSE and the counts are NULL: nobody
-- logs it, or nobody listens.
--
-- Parameters
--   since             TIMESTAMP  first instant included (default: the oldest event)
--   until             TIMESTAMP  first instant excluded (default: the newest event)
--   allowed_lateness  INTERVAL   how long an event may come late (default: 1 minute)
--   lookback          INTERVAL   how far before since sendings and arrivals are looked at
--                                (default: 1 hour)
--
-- Columns
--   producer       VARCHAR    service that sent, else node
--   stream         VARCHAR    topic, queue or destination
--   consumer       VARCHAR    service that is to receive, else node
--   is_received    BOOLEAN    whether anything of the route was seen to arrive anywhere
--   sent_count     BIGINT     events sent
--   lost_count     BIGINT     of these, never arrived: the consumer has gone on receiving
--                             for longer than allowed_lateness since; NULL: not known
--   open_count     BIGINT     of these, may still arrive; NULL: not known
--   missing_ratio  DOUBLE     (lost_count + open_count) / sent_count, 0..1; NULL likewise
--   first_at       TIMESTAMP  when the first of the missing was sent, UTC
--   event_id       VARCHAR    id of that event
--
-- Source: RFC 7680 section 2.8 (lost after a waiting time).
-- Reads: _arrivals, events
CREATE OR REPLACE MACRO undelivered(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    allowed_lateness := INTERVAL 1 MINUTE,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH sent AS (
    SELECT
        events.stream,
        events.event_type,
        coalesce(events.message_id, events.event_id) AS copy_id,
        arg_min(
            coalesce(events.service, events.node, ''),
            (events.occurred_at, events.file_id, events.byte_offset, events.record_no)
        ) AS producer,
        min(events.occurred_at) AS sent_at
    FROM events
    WHERE
        events.operation IN ('send', 'create')
        AND events.stream IS NOT NULL
        AND coalesce(events.message_id, events.event_id) IS NOT NULL
        AND events.occurred_at >= since::TIMESTAMP - lookback::INTERVAL
        AND events.occurred_at < until::TIMESTAMP
    GROUP BY events.stream, events.event_type, copy_id
),

arrivals AS MATERIALIZED (
    SELECT
        found.consumer,
        found.stream,
        found.event_type,
        hash(found.copy_id) AS copy_hash,
        max(found.occurred_at) AS last_at
    FROM
        _arrivals(since::TIMESTAMP - lookback::INTERVAL, 'infinity'::TIMESTAMP) AS found
    GROUP BY ALL
),

listeners AS (
    SELECT
        arrivals.consumer,
        arrivals.stream,
        arrivals.event_type,
        max(max(arrivals.last_at)) OVER (PARTITION BY arrivals.consumer) AS last_at
    FROM arrivals
    GROUP BY arrivals.consumer, arrivals.stream, arrivals.event_type
),

sent_types AS (
    SELECT DISTINCT
        sent.stream,
        sent.event_type
    FROM sent
),

-- Where one side does not log the type, it cannot say that it wants no such events.
named AS (
    SELECT
        sent_types.stream,
        sent_types.event_type,
        listeners.consumer,
        max(listeners.last_at) AS last_at
    FROM sent_types
    INNER JOIN listeners
        ON
            sent_types.stream = listeners.stream
            AND coalesce(sent_types.event_type = listeners.event_type, TRUE)
    GROUP BY sent_types.stream, sent_types.event_type, listeners.consumer
),

unnamed AS (
    SELECT
        sent.stream,
        sent.event_type,
        hash(sent.copy_id) AS copy_hash,
        count(*) OVER (PARTITION BY sent.stream, sent.event_type) AS sent_count
    FROM sent
    ANTI JOIN named
        ON
            sent.stream = named.stream
            AND sent.event_type IS NOT DISTINCT FROM named.event_type
),

anywhere AS (
    SELECT
        arrivals.consumer,
        arrivals.copy_hash,
        max(arrivals.last_at) AS last_at
    FROM arrivals
    SEMI JOIN unnamed ON arrivals.copy_hash = unnamed.copy_hash
    GROUP BY arrivals.consumer, arrivals.copy_hash
),

expected AS (
    SELECT
        named.stream,
        named.event_type,
        named.consumer,
        named.stream AS heard_as,
        TRUE AS is_received,
        named.last_at
    FROM named
    UNION ALL
    SELECT
        unnamed.stream,
        unnamed.event_type,
        anywhere.consumer,
        NULL AS heard_as,
        TRUE AS is_received,
        max(max(anywhere.last_at)) OVER (PARTITION BY anywhere.consumer) AS last_at
    FROM unnamed
    INNER JOIN anywhere ON unnamed.copy_hash = anywhere.copy_hash
    GROUP BY unnamed.stream, unnamed.event_type, anywhere.consumer
    HAVING count(*) >= 0.01 * any_value(unnamed.sent_count)
),

received AS (
    SELECT DISTINCT
        arrivals.consumer,
        arrivals.stream,
        arrivals.copy_hash,
        TRUE AS is_there
    FROM arrivals
    WHERE arrivals.stream IS NOT NULL
    UNION ALL
    SELECT
        anywhere.consumer,
        NULL AS stream,
        anywhere.copy_hash,
        TRUE AS is_there
    FROM anywhere
),

routed AS (
    SELECT
        nullif(sent.producer, '') AS producer,
        sent.stream,
        expected.consumer,
        coalesce(expected.is_received, FALSE) AS is_received,
        sent.copy_id,
        sent.sent_at,
        coalesce(expected.last_at > sent.sent_at + allowed_lateness::INTERVAL, FALSE)
            AS is_over,
        expected.is_received AND received.is_there IS NULL AS is_missing
    FROM sent
    LEFT OUTER JOIN expected
        ON
            sent.stream = expected.stream
            AND sent.event_type IS NOT DISTINCT FROM expected.event_type
    LEFT OUTER JOIN received
        ON
            hash(sent.copy_id) = received.copy_hash
            AND expected.heard_as IS NOT DISTINCT FROM received.stream
            AND expected.consumer IS NOT DISTINCT FROM received.consumer
    WHERE sent.sent_at >= since::TIMESTAMP
)

SELECT
    routed.producer,
    routed.stream,
    routed.consumer,
    routed.is_received,
    count(*) AS sent_count,
    CASE
        WHEN routed.is_received
            THEN count(*) FILTER (WHERE routed.is_missing AND routed.is_over)
    END AS lost_count,
    CASE
        WHEN routed.is_received
            THEN count(*) FILTER (WHERE routed.is_missing AND NOT routed.is_over)
    END AS open_count,
    (lost_count + open_count) / sent_count AS missing_ratio,
    min(routed.sent_at) FILTER (WHERE routed.is_missing) AS first_at,
    arg_min(routed.copy_id, (routed.sent_at, routed.copy_id))
        FILTER (WHERE routed.is_missing) AS event_id
FROM routed
GROUP BY routed.producer, routed.stream, routed.consumer, routed.is_received
ORDER BY
    missing_ratio DESC NULLS LAST,
    routed.producer ASC,
    routed.stream ASC,
    routed.consumer ASC;
