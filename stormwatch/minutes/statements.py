"""What is counted of a minute of the log, and what has to be remembered of it for the next ones: SQL.

The rules are those of queries/_loop_counts_of_events, _work_counts_of_events and _flow_counts, minute
by minute: an event is born in the minute in which it is first observed, and is an effect of its cause in
the minute in which it is born. An event that waits to be handled is no cause yet (waiting.py). Temp tables
hold what is remembered.
"""

from __future__ import annotations

from typing import Final

from stormwatch.minutes import waiting

COUNTED: Final = (
    ("new_counts", "minute_counts", "minute_no"),
    ("new_effects", "minute_effects", "known_no"),
    ("new_work", "minute_work", "minute_no"),
    ("new_flows", "minute_flows", "minute_no"),
)
"""What is counted: in which temp table, in which table it is stored, and its minute."""

_CONSUMER: Final = "CASE WHEN operation <> 'send' THEN coalesce(service, node) END"
_COPY_HASH: Final = f"hash(stream, operation, {_CONSUMER}, coalesce(message_id, event_id))"
_IS_MESSAGE: Final = "operation IN ('send', 'receive', 'process') AND stream IS NOT NULL"
"""As in queries/_flow_counts."""

BEGIN: Final = (
    """
CREATE OR REPLACE TEMP TABLE warm AS FROM _births($since, $until)
""",
    """
CREATE OR REPLACE TEMP TABLE recent AS
SELECT
    event_hash, type_hash, born_at, epoch_us(handled_at) // 60000000 AS handled_no,
    epoch_us(last_at) // 60000000 AS last_no
FROM warm
""",
    *waiting.BEFORE,
    """
CREATE OR REPLACE TEMP TABLE flows AS
SELECT hash(correlation_id) AS flow_hash, max(epoch_us(occurred_at) // 60000000) AS last_no FROM events
WHERE occurred_at >= $since AND occurred_at < $until AND correlation_id IS NOT NULL AND event_id IS NOT NULL
GROUP BY flow_hash
""",
    f"""
CREATE OR REPLACE TEMP TABLE seen_effects AS
SELECT cause_hash, type_hash, cause_no, count(*) AS effect_count
FROM ({waiting.ACTED_BEFORE}) WHERE cause_no > $number - $span
GROUP BY ALL
""",
    """
CREATE OR REPLACE TEMP TABLE pending AS
SELECT effects.cause_hash, effects.type_hash, epoch_us(effects.born_at) // 60000000 AS last_no
FROM warm AS effects ANTI JOIN warm AS causes ON effects.cause_hash = causes.event_hash
WHERE effects.cause_hash IS NOT NULL AND last_no >= $number - $early
""",
    """
CREATE OR REPLACE TEMP TABLE names AS FROM _type_names($since, $until)
""",
    """
CREATE OR REPLACE TEMP TABLE turns AS
SELECT
    hash(correlation_id, event_type, entity) AS turn_hash, count(DISTINCT hash(event_id)) AS event_count,
    max(epoch_us(occurred_at) // 60000000) AS last_no
FROM events
WHERE occurred_at >= $since AND occurred_at < $until AND correlation_id IS NOT NULL AND event_id IS NOT NULL
GROUP BY turn_hash
""",
    f"""
CREATE OR REPLACE TEMP TABLE copies AS
SELECT {_COPY_HASH} AS copy_hash, min(epoch_us(occurred_at) // 60000000) AS last_no
FROM events WHERE occurred_at >= $since AND occurred_at < $until AND {_IS_MESSAGE}
GROUP BY copy_hash
""",
    "DROP TABLE warm",
    "DROP TABLE caused_before",
    *(f"CREATE OR REPLACE TEMP TABLE {new} AS FROM {table} LIMIT 0" for new, table, _ in COUNTED),
)
"""What `Replay` remembers of the time before the first minute."""

OBSERVE: Final = """
CREATE OR REPLACE TEMP TABLE observed AS FROM _births($since, $until)
"""
_NAME: Final = """
INSERT INTO names
SELECT type_names.* FROM _type_names($since, $until) AS type_names ANTI JOIN names USING (type_hash)
"""
# As a table it is known to be small: the planner looks it up in what is remembered, not the other way.
_BORN: Final = """
CREATE OR REPLACE TEMP TABLE born AS SELECT observed.* FROM observed ANTI JOIN recent USING (event_hash)
"""
_CAUSED: Final = """
CREATE OR REPLACE TEMP TABLE caused AS
WITH known AS (
    SELECT event_hash, type_hash, born_at, handled_no FROM recent
    UNION ALL
    SELECT event_hash, type_hash, born_at, NULL FROM born
)
SELECT
    born.type_hash, born.born_at, born.cause_hash, born.flow_hash,
    known.type_hash AS cause_type_hash,
    epoch_us(known.born_at) // 60000000 AS cause_no,
    coalesce(known.handled_no, CASE WHEN handled.event_hash IS NOT NULL THEN $number END) AS handled_no,
    greatest(epoch_us(born.born_at) - epoch_us(known.born_at), 0) AS delay_us
FROM born
LEFT JOIN known ON born.cause_hash = known.event_hash
LEFT JOIN handled ON born.cause_hash = handled.event_hash
"""
_HANDLED: Final = """
CREATE OR REPLACE TEMP TABLE handled AS SELECT event_hash FROM observed WHERE handled_at IS NOT NULL
"""
# Clocks that are off let effects be logged before their causes.
_EARLY: Final = """
CREATE OR REPLACE TEMP TABLE early AS
SELECT
    pending.cause_hash, pending.type_hash, pending.last_no AS effect_no, causes.type_hash AS cause_type_hash
FROM pending
INNER JOIN born AS causes ON pending.cause_hash = causes.event_hash
"""
_RESOLVED: Final = """
INSERT INTO new_effects BY NAME
SELECT
    $number AS known_no, 'birth' AS kind, early.effect_no AS minute_no, names.event_type AS effect_type,
    0 AS event_count, count(*) AS resolved, -count(*) AS missing, 0 AS in_flow
FROM early INNER JOIN names ON early.type_hash = names.type_hash
GROUP BY ALL
"""
_EFFECTS: Final = f"""
CREATE OR REPLACE TEMP TABLE effects AS
WITH acted AS ({waiting.ACTED})
SELECT type_hash, cause_hash, cause_type_hash, cause_no, delay_us FROM acted
WHERE cause_no > $number - $span
UNION ALL
SELECT type_hash, cause_hash, cause_type_hash, $number, 0 FROM early
"""
COUNT_TYPES: Final = """
INSERT INTO {table}
SELECT epoch_us(occurred_at) // 60000000, coalesce(event_type, stream, '(no type)'), count(*)
FROM events WHERE occurred_at >= $since AND occurred_at < $until
GROUP BY ALL
"""
_COUNT_BIRTHS: Final = """
INSERT INTO new_effects BY NAME
WITH begun AS (
    SELECT flow_hash, min(born_at) AS begun_at FROM caused WHERE flow_hash IS NOT NULL GROUP BY flow_hash
)
SELECT
    $number AS known_no, 'birth' AS kind, $number AS minute_no, names.event_type AS effect_type,
    count(*) AS event_count,
    count(caused.cause_no) AS resolved,
    count(*) FILTER (caused.cause_no IS NULL AND (
        caused.cause_hash IS NOT NULL OR flows.flow_hash IS NOT NULL OR caused.born_at > begun.begun_at
    )) AS missing,
    count(caused.flow_hash) AS in_flow
FROM caused
INNER JOIN names ON caused.type_hash = names.type_hash
LEFT JOIN begun ON caused.flow_hash = begun.flow_hash
LEFT JOIN flows ON caused.flow_hash = flows.flow_hash
GROUP BY names.event_type
"""
_COUNT_EFFECTS: Final = """
INSERT INTO new_effects BY NAME
SELECT
    $number AS known_no, 'effect' AS kind, caused.cause_no AS minute_no,
    causes.event_type AS cause_type, effects.event_type AS effect_type,
    count(*) AS event_count, sum(caused.delay_us) AS delay_us
FROM effects AS caused
INNER JOIN names AS causes ON caused.cause_type_hash = causes.type_hash
INNER JOIN names AS effects ON caused.type_hash = effects.type_hash
GROUP BY ALL
"""
_PER_CAUSE: Final = """
CREATE OR REPLACE TEMP TABLE per_cause AS
SELECT cause_hash, cause_type_hash, type_hash, cause_no, count(*) AS effect_count
FROM effects GROUP BY ALL
"""
_COUNT_SPREAD: Final = """
INSERT INTO new_effects BY NAME
SELECT
    $number AS known_no, 'spread' AS kind, per_cause.cause_no AS minute_no,
    causes.event_type AS cause_type, effects.event_type AS effect_type,
    sum(per_cause.effect_count)::BIGINT AS event_count,
    sum(per_cause.effect_count * (per_cause.effect_count + 2 * coalesce(seen_effects.effect_count, 0)))
        AS squared_count
FROM per_cause
INNER JOIN names AS causes ON per_cause.cause_type_hash = causes.type_hash
INNER JOIN names AS effects ON per_cause.type_hash = effects.type_hash
LEFT JOIN seen_effects
    ON per_cause.cause_hash = seen_effects.cause_hash AND per_cause.type_hash = seen_effects.type_hash
    AND per_cause.cause_no = seen_effects.cause_no
GROUP BY ALL
"""
_NEW_TURNS: Final = """
CREATE OR REPLACE TEMP TABLE new_turns AS
SELECT
    hash(events.correlation_id, events.event_type, events.entity) AS turn_hash,
    count(DISTINCT hash(events.event_id)) AS event_count
FROM events SEMI JOIN born ON hash(events.event_id) = born.event_hash
WHERE events.occurred_at >= $since AND events.occurred_at < $until
    AND events.correlation_id IS NOT NULL AND events.event_id IS NOT NULL
GROUP BY turn_hash
"""
_COUNT_WORK: Final = """
INSERT INTO new_work
SELECT
    $number, count(*),
    (SELECT coalesce(sum(error_count), 0) FROM _severe_counts($since, $until, INTERVAL 1 MINUTE, TRUE)),
    count(*) FILTER (attempt > 1 OR is_redelivered),
    (
        SELECT coalesce(sum(
            greatest(coalesce(turns.event_count, 0) + new_turns.event_count - 7, 0)
            - greatest(coalesce(turns.event_count, 0) - 7, 0)
        ), 0)
        FROM new_turns LEFT JOIN turns USING (turn_hash)
    )
FROM events WHERE occurred_at >= $since AND occurred_at < $until
"""
_COPIES: Final = f"""
CREATE OR REPLACE TEMP TABLE arrived AS
SELECT DISTINCT stream, {_CONSUMER} AS consumer, operation, {_COPY_HASH} AS copy_hash
FROM events WHERE occurred_at >= $since AND occurred_at < $until AND {_IS_MESSAGE}
"""
_NEW_COPIES: Final = """
CREATE OR REPLACE TEMP TABLE new_copies AS SELECT arrived.* FROM arrived ANTI JOIN copies USING (copy_hash)
"""
_COUNT_FLOWS: Final = """
INSERT INTO new_flows
SELECT $number, stream, consumer, operation, count(*) FROM new_copies GROUP BY ALL
"""
COUNT: Final = (
    _NAME, _BORN, _HANDLED, _CAUSED, _COUNT_BIRTHS, *waiting.COUNT,
    _EARLY, _RESOLVED, _EFFECTS, _COUNT_EFFECTS, _PER_CAUSE, _COUNT_SPREAD,
    _NEW_TURNS, _COUNT_WORK, _COPIES, _NEW_COPIES, _COUNT_FLOWS,
)  # fmt: skip
"""What a minute takes, in this order, after `OBSERVE`."""
REMEMBER: Final = {
    "pending": """
CREATE OR REPLACE TEMP TABLE pending AS
SELECT pending.* FROM pending ANTI JOIN early USING (cause_hash) WHERE pending.last_no > $number - $early
UNION ALL
SELECT cause_hash, type_hash, $number FROM caused WHERE cause_no IS NULL AND cause_hash IS NOT NULL
""",
    "seen_effects": """
CREATE OR REPLACE TEMP TABLE seen_effects AS
SELECT cause_hash, type_hash, cause_no, sum(effect_count)::BIGINT AS effect_count
FROM (
    SELECT cause_hash, type_hash, cause_no, effect_count FROM seen_effects
    UNION ALL
    SELECT cause_hash, type_hash, cause_no, effect_count FROM per_cause
)
WHERE cause_no > $number + 1 - $span
GROUP BY ALL
""",
    "recent": """
CREATE OR REPLACE TEMP TABLE recent AS
SELECT recent.* FROM recent ANTI JOIN observed USING (event_hash) WHERE recent.last_no >= $oldest
UNION ALL
SELECT
    observed.event_hash,
    least(recent.type_hash, observed.type_hash),
    coalesce(recent.born_at, observed.born_at),
    coalesce(recent.handled_no, CASE WHEN observed.handled_at IS NOT NULL THEN $number END),
    $number
FROM observed LEFT JOIN recent USING (event_hash)
""",
    **waiting.REMEMBER,
    "flows": """
CREATE OR REPLACE TEMP TABLE flows AS
WITH new_flow AS MATERIALIZED (
    SELECT DISTINCT hash(correlation_id) AS flow_hash FROM events
    WHERE occurred_at >= $since AND occurred_at < $until
        AND correlation_id IS NOT NULL AND event_id IS NOT NULL
)
SELECT flows.* FROM flows ANTI JOIN new_flow USING (flow_hash) WHERE flows.last_no >= $oldest
UNION ALL
SELECT flow_hash, $number FROM new_flow
""",
    "turns": """
CREATE OR REPLACE TEMP TABLE turns AS
SELECT turns.* FROM turns ANTI JOIN new_turns USING (turn_hash) WHERE turns.last_no >= $oldest
UNION ALL
SELECT new_turns.turn_hash, coalesce(kept.event_count, 0) + new_turns.event_count, $number
FROM new_turns LEFT JOIN (FROM turns WHERE last_no >= $oldest) AS kept USING (turn_hash)
""",
    "copies": """
CREATE OR REPLACE TEMP TABLE copies AS
FROM copies WHERE last_no >= $oldest
UNION ALL
SELECT copy_hash, $number FROM new_copies
""",
    "names": """
CREATE OR REPLACE TEMP TABLE names AS
SELECT names.* FROM names WHERE type_hash IN (SELECT type_hash FROM recent)
""",
}
"""By the temp table that each makes anew with what the minute adds."""
FORGET: Final = "DELETE FROM {table} WHERE last_no <= $number - $known"
OLDEST: Final = """
SELECT coalesce(max(last_no) + 1, 0)
FROM (SELECT last_no, sum(count(*)) OVER (ORDER BY last_no DESC) AS held FROM {table} GROUP BY last_no)
WHERE last_no <= $number - $known OR held > $rows
"""
