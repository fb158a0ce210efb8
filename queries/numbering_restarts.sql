-- numbering_restarts: where does the numbering of a stream begin anew?
--
-- One row per restart. Declared: the first arrival of a further epoch of a producer; order
-- and losses are counted per epoch, and nothing suffers. Suspected: no epoch tells, but
-- from here on numbers that other events have had come again, rising, for so many first
-- copies that it is no accident. All of these count as reordered, and as duplicates where
-- the events have no ids of their own: behind a suspected restart both say little.
-- A replay repeats the events themselves and is none.
-- An arrival without a readable time has no place in the order.
--
-- Parameters
--   since         TIMESTAMP  first instant included (default: the oldest event)
--   until         TIMESTAMP  first instant excluded (default: the newest event)
--   min_arrivals  BIGINT     repeated numbers in a row that make a suspicion
--                            (default: 10)
--   lookback      INTERVAL   how far before since arrivals are looked at
--                            (default: 1 hour)
--
-- Columns
--   consumer         VARCHAR    service they arrived at, else node
--   stream           VARCHAR    topic, queue or destination
--   event_type       VARCHAR    type of the events if types are numbered apart, else NULL
--   stream_key       VARCHAR    partition key within the stream
--   evidence         VARCHAR    declared or suspected
--   epoch            VARCHAR    epoch that begins; of a suspected one, the epoch it is in
--   occurred_at      TIMESTAMP  when its first event arrived, UTC
--   event_id         VARCHAR    that event
--   sequence         BIGINT     its number
--   greatest_before  BIGINT     greatest number before, in any epoch
--   repeated_count   BIGINT     first copies behind it that repeat numbers; NULL for
--                               declared ones
--   file_id          INTEGER    file of the record of the event
--   byte_offset      BIGINT     first byte of that record
--
-- Source: RFC 4737 section 6 (numbers that begin anew would all be called reordered).
-- Reads: _numbered_arrivals
CREATE OR REPLACE MACRO numbering_restarts(
    since := '-infinity'::TIMESTAMP,
    until := 'infinity'::TIMESTAMP,
    min_arrivals := 10,
    lookback := INTERVAL 1 HOUR
) AS TABLE
WITH firsts AS (
    SELECT
        numbered.scope_hash,
        any_value(numbered.consumer) AS consumer,
        any_value(numbered.stream) AS stream,
        any_value(numbered.scope_type) AS scope_type,
        any_value(numbered.stream_key) AS stream_key,
        any_value(numbered.epoch) AS epoch,
        numbered.sequence,
        min(
            struct_pack(
                occurred_at := numbered.occurred_at,
                file_id := numbered.file_id,
                byte_offset := numbered.byte_offset,
                record_no := numbered.record_no,
                event_id := numbered.event_id
            )
        ) AS place
    FROM
        _numbered_arrivals(since::TIMESTAMP - lookback::INTERVAL, until::TIMESTAMP)
            AS numbered
    WHERE numbered.occurred_at IS NOT NULL AND numbered.sequence_source = 'producer'
    GROUP BY numbered.scope_hash, numbered.sequence, numbered.copy_id
),

placed AS (
    SELECT
        firsts.*,
        max(firsts.sequence) OVER in_scope AS greatest_before,
        row_number() OVER (
            PARTITION BY firsts.scope_hash, firsts.sequence
            ORDER BY firsts.place
        ) > 1 AS is_repeated,
        row_number() OVER (
            PARTITION BY firsts.scope_hash
            ORDER BY firsts.place
        ) AS position
    FROM firsts
    WINDOW in_scope AS (
        PARTITION BY firsts.scope_hash
        ORDER BY firsts.place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

-- Numbers of one restart rise; a second restart begins with a smaller one.
repeats AS (
    SELECT
        placed.*,
        coalesce(
            placed.sequence > lag(placed.sequence) OVER (
                PARTITION BY placed.scope_hash
                ORDER BY placed.position
            ),
            FALSE
        ) AS is_rising,
        row_number() OVER (
            PARTITION BY placed.scope_hash
            ORDER BY placed.position
        ) AS repeat_no
    FROM placed
    WHERE placed.is_repeated
),

-- Neighbours that swapped on their way do not end it: a restart falls back for good.
series AS (
    SELECT
        repeats.*,
        count(*) FILTER (
            WHERE
                NOT repeats.is_rising
                AND 2 * (repeats.sequence::HUGEINT - repeats.smallest)
                < repeats.greatest_series::HUGEINT - repeats.smallest
        ) OVER (
            PARTITION BY repeats.scope_hash
            ORDER BY repeats.position
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS series_no
    FROM (
        SELECT
            repeats.*,
            coalesce(
                max(repeats.sequence) OVER (
                    PARTITION BY repeats.scope_hash
                    ORDER BY repeats.position
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ),
                repeats.sequence
            ) AS greatest_series,
            min(repeats.sequence) OVER (PARTITION BY repeats.scope_hash) AS smallest
        FROM repeats
    ) AS repeats
),

measured AS (
    SELECT
        series.scope_hash,
        min(series.position) AS position,
        count(*) AS repeated_count,
        count(*) FILTER (WHERE series.is_rising) AS rising_count
    FROM series
    GROUP BY series.scope_hash, series.series_no
),

suspected AS (
    SELECT measured.*
    FROM measured
    WHERE
        measured.repeated_count >= min_arrivals::BIGINT
        AND measured.rising_count >= 0.9 * (measured.repeated_count - 1)
),

epochs AS (
    SELECT
        firsts.consumer,
        firsts.stream,
        firsts.scope_type,
        firsts.stream_key,
        firsts.epoch,
        min(firsts.place) AS place,
        arg_min(firsts.sequence, firsts.place) AS sequence,
        max(firsts.sequence) AS greatest
    FROM firsts
    WHERE firsts.epoch IS NOT NULL
    GROUP BY
        firsts.consumer,
        firsts.stream,
        firsts.scope_type,
        firsts.stream_key,
        firsts.epoch
),

declared AS (
    SELECT
        epochs.*,
        max(epochs.greatest) OVER (
            PARTITION BY
                epochs.consumer, epochs.stream, epochs.scope_type, epochs.stream_key
            ORDER BY epochs.place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS greatest_before
    FROM epochs
),

found AS (
    SELECT
        placed.consumer,
        placed.stream,
        placed.scope_type,
        placed.stream_key,
        'suspected' AS evidence,
        placed.epoch,
        placed.place,
        placed.sequence,
        placed.greatest_before,
        suspected.repeated_count
    FROM suspected
    INNER JOIN placed
        ON
            suspected.scope_hash = placed.scope_hash
            AND suspected.position = placed.position
    UNION ALL
    SELECT
        declared.consumer,
        declared.stream,
        declared.scope_type,
        declared.stream_key,
        'declared' AS evidence,
        declared.epoch,
        declared.place,
        declared.sequence,
        declared.greatest_before,
        NULL AS repeated_count
    FROM declared
    WHERE declared.greatest_before IS NOT NULL
)

SELECT
    found.consumer,
    found.stream,
    found.scope_type AS event_type,
    found.stream_key,
    found.evidence,
    found.epoch,
    found.place.occurred_at,
    found.place.event_id,
    found.sequence,
    found.greatest_before,
    found.repeated_count,
    found.place.file_id,
    found.place.byte_offset
FROM found
WHERE found.place.occurred_at >= since::TIMESTAMP
ORDER BY found.place, found.consumer, found.stream, found.evidence;
