"""Goes through the minutes of a log in order and counts what loops are judged by (minutes.py stores it).

The rules are those of queries/_loop_counts_of_events, minute by minute: an event is born in the minute
in which it is first observed, and is an effect of its cause in the minute in which it is born.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb

from stormwatch.storage import Store

_MINUTE: Final = timedelta(minutes=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
SPAN: Final = 15
"""Minutes after its cause in which an effect counts: the default span of loop_gain."""
KNOWN: Final = 120
"""An event is known for so many minutes after it was last observed ..."""
KNOWN_EVENTS: Final = 8_000_000
"""... or for as many minutes, SPAN at least, as hold no more events than this: some 300 MB."""
WARM: Final = 2 * SPAN
"""So many minutes at least are gone through before the first one that is counted."""
_WARM_EVENTS: Final = 3 * KNOWN_EVENTS
_LONGEST_GAP: Final = 64
"""Minutes without an event that are gone through one by one; more are skipped."""

_BEGIN: Final = (
    """
CREATE OR REPLACE TEMP TABLE warm AS FROM _births($since, $until)
""",
    """
CREATE OR REPLACE TEMP TABLE recent AS
SELECT event_hash, type_hash, born_at, epoch_us(last_at) // 60000000 AS last_no FROM warm
""",
    """
CREATE OR REPLACE TEMP TABLE flows AS
SELECT hash(correlation_id) AS flow_hash, max(epoch_us(occurred_at) // 60000000) AS last_no FROM events
WHERE occurred_at >= $since AND occurred_at < $until AND correlation_id IS NOT NULL AND event_id IS NOT NULL
GROUP BY flow_hash
""",
    """
CREATE OR REPLACE TEMP TABLE seen_effects AS
SELECT
    effects.cause_hash, effects.type_hash, epoch_us(causes.born_at) // 60000000 AS cause_no,
    count(*) AS effect_count
FROM warm AS effects INNER JOIN warm AS causes ON effects.cause_hash = causes.event_hash
WHERE cause_no > $number - $span
    AND epoch_us(effects.born_at) // 60000000 >= cause_no
GROUP BY ALL
""",
    """
CREATE OR REPLACE TEMP TABLE names AS FROM _type_names($since, $until)
""",
    "DROP TABLE warm",
    "CREATE OR REPLACE TEMP TABLE new_counts AS FROM minute_counts LIMIT 0",
    "CREATE OR REPLACE TEMP TABLE new_effects AS FROM minute_effects LIMIT 0",
)
"""What `Replay` remembers of the time before the first minute."""

_OBSERVE: Final = """
CREATE OR REPLACE TEMP TABLE observed AS FROM _births($since, $until)
"""
_NAME: Final = """
INSERT INTO names
SELECT type_names.* FROM _type_names($since, $until) AS type_names ANTI JOIN names USING (type_hash)
"""
_CAUSED: Final = """
CREATE OR REPLACE TEMP TABLE caused AS
WITH born AS (
    SELECT observed.* FROM observed ANTI JOIN recent USING (event_hash)
), known AS (
    SELECT event_hash, type_hash, born_at FROM recent
    UNION ALL
    SELECT event_hash, type_hash, born_at FROM born
)
SELECT
    born.type_hash, born.born_at, born.cause_hash, born.flow_hash,
    known.type_hash AS cause_type_hash,
    epoch_us(known.born_at) // 60000000 AS cause_no,
    greatest(epoch_us(born.born_at) - epoch_us(known.born_at), 0) AS delay_us
FROM born LEFT JOIN known ON born.cause_hash = known.event_hash
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
FROM caused
INNER JOIN names AS causes ON caused.cause_type_hash = causes.type_hash
INNER JOIN names AS effects ON caused.type_hash = effects.type_hash
WHERE caused.cause_no > $number - $span
GROUP BY ALL
"""
_PER_CAUSE: Final = """
CREATE OR REPLACE TEMP TABLE per_cause AS
SELECT cause_hash, cause_type_hash, type_hash, cause_no, count(*) AS effect_count
FROM caused WHERE cause_no > $number - $span GROUP BY ALL
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
GROUP BY ALL
"""
_REMEMBER: Final = (
    """
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
    """
CREATE OR REPLACE TEMP TABLE recent AS
SELECT recent.* FROM recent ANTI JOIN observed USING (event_hash) WHERE recent.last_no >= $oldest
UNION ALL
SELECT
    observed.event_hash,
    least(recent.type_hash, observed.type_hash),
    coalesce(recent.born_at, observed.born_at),
    $number
FROM observed LEFT JOIN recent USING (event_hash)
""",
    """
CREATE OR REPLACE TEMP TABLE flows AS
SELECT flow_hash, max(last_no) AS last_no
FROM (
    FROM flows WHERE last_no >= $oldest
    UNION ALL
    SELECT DISTINCT hash(correlation_id) AS flow_hash, $number AS last_no FROM events
    WHERE occurred_at >= $since AND occurred_at < $until
        AND correlation_id IS NOT NULL AND event_id IS NOT NULL
)
GROUP BY flow_hash
""",
    """
CREATE OR REPLACE TEMP TABLE names AS
SELECT names.* FROM names WHERE type_hash IN (SELECT type_hash FROM recent)
""",
)

_SIZES: Final = "SELECT last_no, count(*) FROM recent GROUP BY last_no"
FIRST_EVENT: Final = "SELECT min(occurred_at) FROM events WHERE occurred_at >= $since"
_EVENTS_BY_MINUTE: Final = """
SELECT minute_no, sum(event_count)::BIGINT FROM minute_counts
WHERE minute_no >= $first AND minute_no < $last GROUP BY minute_no ORDER BY minute_no DESC
"""


def number_of(instant: datetime) -> int:
    """Number since 1970 of the minute that an instant lies in."""
    return (instant - EPOCH) // _MINUTE


def start_of(number: int) -> datetime:
    """First instant of a minute."""
    return EPOCH + number * _MINUTE


class Replay:
    """Goes through the minutes of a log in order; what it remembers of them is in temp tables of its own."""

    def __init__(self, store: Store):
        self._cursor = store.cursor()
        self._position: int | None = None
        self._sizes: dict[int, int] = {}
        """Minute -> events that were last observed in it, or were."""

    def close(self) -> None:
        self._cursor.close()

    def count(self, first: int, last: int, is_over: Callable[[], bool]) -> int:
        """Count minutes from `first` on, before `last`, until it `is_over`; the first one not counted.

        The rows are in temp tables until `store` takes them.
        """
        if self._position != first:
            self._warm(first)
        number = first
        while number < last:
            number = self._skip(number, last)
            if number < last:
                self._step(number)
                number += 1
            if is_over():
                break
        self._position = number
        return number

    def store(self, first: int, last: int) -> None:
        """Put what was counted in place of what is stored of these minutes; belongs into a transaction."""
        for table, column in (("minute_counts", "minute_no"), ("minute_effects", "known_no")):
            self._cursor.execute(f"DELETE FROM {table} WHERE {column} >= ? AND {column} < ?", [first, last])
        self._cursor.execute("INSERT INTO minute_counts FROM new_counts")
        self._cursor.execute("INSERT INTO minute_effects FROM new_effects")

    def stored(self) -> None:
        """What was counted is stored."""
        for table in ("new_counts", "new_effects"):
            self._cursor.execute(f"TRUNCATE {table}")

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """For the transaction in which `store` is called."""
        return self._cursor

    def _warm(self, first: int) -> None:
        """Forget everything, and look at what comes before `first`."""
        self._position = None
        edges = {"since": start_of(self._warm_from(first)), "until": start_of(first)}
        for statement in _BEGIN:
            given: dict[str, object] = {"number": first, "span": SPAN, **edges}
            used = {name: value for name, value in given.items() if f"${name}" in statement}
            self._cursor.execute(statement, used)
        self._sizes = dict(self._cursor.execute(_SIZES).fetchall())

    def _warm_from(self, first: int) -> int:
        """As far back as there is something to remember, bounded by how much that is."""
        begin, held = first - WARM, 0
        given = {"first": first - KNOWN, "last": first}
        for number, count in self._cursor.execute(_EVENTS_BY_MINUTE, given).fetchall():
            held += count
            if held > _WARM_EVENTS:
                break
            begin = min(begin, number)
        return begin

    def _skip(self, number: int, last: int) -> int:
        """The next minute that has an event, where a long time has none; `last` if none before it has."""
        gap = number - max(self._sizes, default=number - _LONGEST_GAP - 1)
        if gap <= _LONGEST_GAP:
            return number
        [(at,)] = self._cursor.execute(FIRST_EVENT, {"since": start_of(number)}).fetchall()
        return last if at is None else min(max(number_of(at), number), last)

    def _step(self, number: int) -> None:
        """Count one minute, and remember it."""
        edges = {"since": start_of(number), "until": start_of(number + 1)}
        ask = self._cursor.execute
        [(size,)] = ask(_OBSERVE, edges).fetchall()
        ask(COUNT_TYPES.format(table="new_counts"), edges)
        if not size:
            return
        self._sizes[number] = size
        oldest = self._oldest(number)
        counted = {"number": number}
        ask(_NAME, edges)
        ask(_CAUSED)
        ask(_COUNT_BIRTHS, counted)
        ask(_COUNT_EFFECTS, {**counted, "span": SPAN})
        ask(_PER_CAUSE, {**counted, "span": SPAN})
        ask(_COUNT_SPREAD, counted)
        effects, events, flows, names = _REMEMBER
        ask(effects, {**counted, "span": SPAN})
        ask(events, {**counted, "oldest": oldest})
        ask(flows, {**counted, **edges, "oldest": oldest})
        ask(names)

    def _oldest(self, number: int) -> int:
        """First minute that is remembered after this one."""
        held = 0
        for earlier in sorted(self._sizes, reverse=True):
            held += self._sizes[earlier]
            if earlier <= number - KNOWN or (held > KNOWN_EVENTS and earlier <= number - SPAN):
                for gone in [one for one in self._sizes if one <= earlier]:
                    del self._sizes[gone]
                return earlier + 1
        return number - KNOWN + 1
