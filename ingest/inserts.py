"""From the rows of a batch, in the temp table `parsed`, to the tables that are stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import duckdb

from ingest.names import LINK_IDS
from stormwatch.model import EVENT_SCHEMA
from stormwatch.redaction import MASK, is_token_sql, may_hold_sql, redacted_id_sql, redacted_sql

_COLUMNS = ", ".join(EVENT_SCHEMA.names)
_PLACE = "file_id, byte_offset, record_no"

INSERT_EVENTS = f"""
INSERT INTO observations BY NAME SELECT {_COLUMNS}, ?::TIMESTAMP AS ingested_at FROM parsed
"""

_LINK_IDS: Final = (*(f"/{name}" for name in LINK_IDS), "/context/span_id")
"""Which fields of a link may say what it leads to, best first."""

_INSERT_CAUSES = f"""
INSERT INTO causes BY NAME
SELECT * EXCLUDE (link_id, causation_id) FROM (SELECT
    {_PLACE}, causation_id, event_id AS effect_id,
    nullif(CASE type
        WHEN 'OBJECT' THEN coalesce({", ".join(f"said[{n}]" for n in range(2, len(_LINK_IDS) + 2))})
        WHEN 'ARRAY' THEN NULL
        WHEN 'BOOLEAN' THEN NULL
        ELSE link->>'$'
    END, '') AS link_id,
    <cause> AS cause_id,
    CASE
        WHEN type <> 'OBJECT' THEN 'causation'
        WHEN said[1] IN ('causation', 'parent', 'message', 'clock') THEN said[1]
        ELSE 'link'
    END AS kind
FROM (
    SELECT *, json_type(link) AS type,
        json_extract_string(link, [{", ".join(f"'{path}'" for path in ("/kind", *_LINK_IDS))}]) AS said
    FROM (
        SELECT {_PLACE}, event_id, causation_id, unnest(json_extract(links, '$[*]')) AS link
        FROM parsed
        WHERE links IS NOT NULL AND event_id IS NOT NULL
    )
))
WHERE cause_id IS NOT NULL AND cause_id IS DISTINCT FROM causation_id
"""

_INSERT_LOCKS = f"""
INSERT INTO locks BY NAME
SELECT
    {_PLACE}, event_id, occurred_at, operation, coalesce(lock_owner, node) AS owner,
    lock_resource AS resource, lock_mode AS mode, lock_blocked_by AS blocked_by
FROM parsed
WHERE operation IN ('lock_wait', 'lock_acquire', 'lock_release', 'deadlock')
    AND lock_detail IS NULL AND lock_edges IS NULL
    AND (lock_resource IS NOT NULL OR lock_blocked_by IS NOT NULL)
"""

_EDGE_NAMES: Final = {
    "owner": (
        "owner", "waiter", "from", "tx", "txn", "trx", "transaction", "transaction_id", "tx_id", "thread",
        "thread_name", "process", "pid", "session", "session_id", "spid", "goroutine", "id", "name",
    ),
    "blocked_by": ("blocked_by", "holder", "held_by", "to", "blocker", "blocking", "lock_holder"),
    "resource": ("resource", "lock", "lock_name", "mutex", "on", "object"),
    "mode": ("mode", "lock_mode", "lock_type"),
    "statement": ("statement", "query", "sql"),
    "wait": ("waits_for", "waiting_for", "waiting_on", "wants", "requests", "requested", "blocked_on"),
    "holds": ("holds", "holding", "held", "owns"),
}  # fmt: skip
"""What an edge of a deadlock says, by how applications call it, best first."""


def _said(edge: str, role: str) -> str:
    """SQL: what an edge says by any of these names, of several words also in camel case."""
    names = (spelled for name in _EDGE_NAMES[role] for spelled in dict.fromkeys((name, _camel(name))))
    values = (f"{edge}->>'{name}'" for name in names)
    return f"coalesce({', '.join(values)})"


def _camel(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(map(str.capitalize, more))


# In a list of names each waits for the next, the last for the first, which may stand there again.
_ALONG_A_CYCLE: Final = """list_transform(
    CASE WHEN len(named) > 2 AND named[1] = named[-1] THEN named[:-2] ELSE named END,
    lambda one, i: json_object(
        'owner', one,
        'blocked_by',
        CASE WHEN i < len(named) THEN named[i + 1] ELSE named[1] END
    )
)"""
_HOLDS: Final = _said("other", "holds")
# Whoever waits for what another holds waits for the other.
_HOLDER: Final = f"""list_filter(
    edges,
    lambda other: {_HOLDS} = wait OR starts_with({_HOLDS}, '[') AND contains({_HOLDS}, to_json(wait))
)[1]"""

_INSERT_DEADLOCK_EDGES = f"""
INSERT INTO locks BY NAME
WITH listed AS (
    SELECT {_PLACE}, event_id, occurred_at, lock_owner,
        json_extract(lock_edges, '$[*]') AS elements, json_extract_string(lock_edges, '$[*]') AS named
    FROM parsed
    WHERE operation = 'deadlock' AND lock_edges IS NOT NULL
), graphs AS (
    SELECT * EXCLUDE (elements, named),
        CASE
            WHEN json_type(elements[1]) = 'OBJECT' THEN elements
            WHEN json_type(elements[1]) IN ('VARCHAR', 'UBIGINT') AND len(named) > 1 THEN {_ALONG_A_CYCLE}
        END AS edges
    FROM listed
), unnested AS (
    SELECT *, {_said("edge", "wait")} AS wait
    FROM (SELECT *, unnest(edges) AS edge FROM graphs)
), told AS (
    SELECT *, CASE WHEN wait IS NOT NULL THEN {_HOLDER} END AS holder
    FROM unnested
)
SELECT
    {_PLACE}, event_id, occurred_at, 'deadlock' AS operation, {_said("edge", "owner")} AS owner,
    coalesce({_said("edge", "resource")}, CASE WHEN holder IS NOT NULL THEN wait END) AS resource,
    {_said("edge", "mode")} AS mode,
    coalesce(
        {_said("edge", "blocked_by")},
        CASE WHEN holder IS NOT NULL THEN {_said("holder", "owner")} ELSE wait END
    ) AS blocked_by,
    {_said("edge", "statement")} AS statement,
    owner IS NOT DISTINCT FROM lock_owner AS is_victim
FROM told
WHERE owner IS NOT NULL
"""

# PostgreSQL, "Process 1 waits for ShareLock on transaction 7; blocked by process 2.", one line
# per member of the cycle, then "Process 1: <statement>" for each, which may quote such a line.
_INSERT_REPORTED_WAITS = rf"""
INSERT INTO locks BY NAME
WITH waits AS (
    SELECT {_PLACE}, event_id, occurred_at, lock_detail,
        unnest(regexp_extract_all(
            regexp_extract(lock_detail, '(?s)^(.*?)(?:\nProcess \d+: |\z)', 1),
            '(?m)^Process \d+ waits for \w+ on .+?; blocked by process \d+\.'
        )) AS wait
    FROM parsed
    WHERE operation = 'deadlock' AND lock_detail IS NOT NULL
), parts AS (
    SELECT *, regexp_extract(
        wait,
        'Process (\d+) waits for (\w+) on (.+); blocked by process (\d+)\.',
        ['owner', 'mode', 'resource', 'blocked_by']
    ) AS part
    FROM waits
)
SELECT
    {_PLACE}, event_id, occurred_at, 'deadlock' AS operation,
    part.owner AS owner, part.resource AS resource, part.mode AS mode,
    part.blocked_by AS blocked_by,
    -- A pattern with the owner in it would be compiled for each.
    CASE WHEN contains(lock_detail, said_by) THEN nullif(regexp_extract(
        substr(lock_detail, strpos(lock_detail, said_by) + length(said_by)),
        '(?s)^(.*?)(?:\nProcess \d+: |\z)', 1
    ), '') END AS statement,
    -- Whoever finds the deadlock is the first of the list, and gives way.
    part.owner = regexp_extract(lock_detail, '^Process (\d+) ', 1) AS is_victim
FROM (SELECT *, chr(10) || 'Process ' || part.owner || ': ' AS said_by FROM parts)
"""

_COVER: Final = """
SELECT
    file_id, date_trunc('day', occurred_at), min(occurred_at),
    min(occurred_at) FILTER (occurred_at <= {read_at} + INTERVAL 5 MINUTE),
    max(occurred_at) FILTER (occurred_at <= {read_at} + INTERVAL 5 MINUTE),
    count(*),
    count(*) FILTER (occurred_at <= {read_at} + INTERVAL 5 MINUTE)
"""
INSERT_COVERED: Final = f"""
INSERT INTO covered_days {_COVER.format(read_at="?::TIMESTAMP")} FROM parsed GROUP BY ALL
"""
_COVER_STORED: Final = _COVER.format(read_at="ingested_at")
COVER_FILE: Final = (
    "DELETE FROM covered_days WHERE file_id = ?",
    f"INSERT INTO covered_days {_COVER_STORED} FROM observations WHERE file_id = ? GROUP BY ALL",
)
"""Instead, where rows of a file were replaced: all of the file anew."""
GATHER_COVERED: Final = (
    """
CREATE OR REPLACE TEMP TABLE gathered AS
SELECT
    file_id, day_start, min(first_at), min(first_credible_at), max(last_credible_at),
    sum(event_count)::BIGINT, sum(credible_count)::BIGINT
FROM covered_days GROUP BY file_id, day_start
""",
    "DELETE FROM covered_days",
    "INSERT INTO covered_days FROM gathered",
    "DROP TABLE gathered",
)
"""One row per file and day again."""

_TEXTS: Final = ("message", "attributes", "lock_detail", "lock_edges")
"""What may hold a secret; names and numbers do not."""
_IDS: Final = ("event_id", "causation_id", "correlation_id", "message_id")
"""What may be a token itself."""

_REDACT_TEXTS: Final = f"""
UPDATE parsed SET {", ".join(f"{name} = {redacted_sql(name)}" for name in _TEXTS)}
WHERE {" OR ".join(may_hold_sql(name) for name in _TEXTS)}
"""
_REDACT_IDS: Final = f"""
UPDATE parsed SET {", ".join(f"{name} = {redacted_id_sql(name)}" for name in _IDS)}
WHERE {" OR ".join(is_token_sql(name) for name in _IDS)}
"""
_ONE_TEXT: Final = f"concat_ws(chr(10), {', '.join(_TEXTS)})"
_MAY_HOLD: Final = f"""
SELECT
    EXISTS (SELECT 1 FROM parsed WHERE {may_hold_sql(_ONE_TEXT)}),
    EXISTS (SELECT 1 FROM parsed WHERE {" OR ".join(is_token_sql(name) for name in _IDS)})
"""


def mask(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Mask the secrets of the batch; whether any record may have held one.

    Asked first, because the updates have so many patterns that compiling them takes 55 ms:
    more than all else that a small batch costs.
    """
    [may_hold] = cursor.execute(_MAY_HOLD).fetchall()
    for statement, is_needed in zip((_REDACT_TEXTS, _REDACT_IDS), may_hold, strict=True):
        if is_needed:
            cursor.execute(statement)
    return any(may_hold)


COUNT_REDACTED: Final = f"""
SELECT count(*) FROM parsed
WHERE {" OR ".join(f"contains({name}, '{MASK[:-1]}')" for name in (*_TEXTS, *_IDS))}
"""
"""Records of the batch that hold something masked."""


def inserts(*, is_masked: bool) -> Iterator[str]:
    """Everything that hangs on the events of a batch; with ids masked as those of the events."""
    cause = redacted_id_sql("link_id") if is_masked else "link_id"
    yield _INSERT_CAUSES.replace("<cause>", cause)
    yield from (_INSERT_LOCKS, _INSERT_DEADLOCK_EDGES, _INSERT_REPORTED_WAITS)
