-- record_context: which records and rejected bytes stand around the record that begins here?
--
-- One row per byte range that is stored or in quarantine, in the order of the file: the one
-- asked for, and up to row_count on each side that begin within reach. No row when no record
-- begins there. What lies between two ranges is blank, or was pruned, read under another name
-- or not read yet; the bytes themselves are in the file only.
--
-- Parameters
--   in_file    INTEGER  file_id
--   at_offset  BIGINT   first byte of the record
--   row_count  BIGINT   how many ranges on each side (default: 10)
--   reach      BIGINT   so many bytes before and behind that byte (default: 1048576)
--
-- Columns
--   path               VARCHAR    file, path when last seen, below the watched directory
--   head               BLOB       first bytes of the file: what tells its content from others
--   byte_offset        BIGINT     first byte of the range
--   byte_length        BIGINT     its length, line end included
--   place              BIGINT     0 for the range asked for, below it before, above it behind
--   observation_count  BIGINT     observations in it, 0 where it was rejected
--   occurred_at        TIMESTAMP  when the first of them happened, UTC
--   event_type         VARCHAR    its type
--   reason             VARCHAR    why it was rejected, NULL where it was not
--
-- Reads: events, rejects, files
CREATE OR REPLACE MACRO record_context(in_file, at_offset, row_count := 10, reach := 1048576) AS TABLE
WITH ranges AS (
    SELECT
        events.byte_offset,
        max(events.byte_length)::BIGINT AS byte_length,
        count(*) AS observation_count,
        min(events.occurred_at) AS occurred_at,
        arg_min(events.event_type, events.record_no) AS event_type,
        NULL::VARCHAR AS reason
    FROM events
    WHERE
        events.file_id = in_file::INTEGER
        AND events.byte_offset >= at_offset::BIGINT - reach::BIGINT
        AND events.byte_offset <= at_offset::BIGINT + reach::BIGINT
    GROUP BY events.byte_offset
    UNION ALL
    SELECT
        rejects.byte_offset,
        rejects.byte_length,
        0 AS observation_count,
        NULL AS occurred_at,
        NULL AS event_type,
        rejects.reason
    FROM rejects
    WHERE
        rejects.file_id = in_file::INTEGER
        AND rejects.byte_offset >= at_offset::BIGINT - reach::BIGINT
        AND rejects.byte_offset <= at_offset::BIGINT + reach::BIGINT
),

numbered AS (
    SELECT
        ranges.*,
        row_number() OVER (ORDER BY ranges.byte_offset) AS number
    FROM ranges
),

picked AS (
    SELECT numbered.number
    FROM numbered
    WHERE numbered.byte_offset = at_offset::BIGINT
    ORDER BY numbered.number
    LIMIT 1
)

SELECT
    files.path,
    files.head,
    numbered.byte_offset,
    numbered.byte_length,
    numbered.number - picked.number AS place,
    numbered.observation_count,
    numbered.occurred_at,
    numbered.event_type,
    numbered.reason
FROM numbered
CROSS JOIN picked
INNER JOIN files ON files.file_id = in_file::INTEGER
WHERE abs(numbered.number - picked.number) <= row_count::BIGINT
ORDER BY numbered.byte_offset;
