"""Which events wait to be handled, and are no causes yet, minute by minute: SQL.

The rules are those of queries/_loop_counts_of_events, per pair of types: where effects of a pair come after
their causes were handled, an event counts as a cause of it from the minute on in which it was handled, was
passed over, or had an effect all the same.
"""

from __future__ import annotations

from typing import Final

BEFORE: Final = (
    """
CREATE OR REPLACE TEMP TABLE caused_before AS
SELECT
    effects.cause_hash, causes.type_hash AS cause_type_hash, effects.type_hash,
    epoch_us(causes.born_at) // 60000000 AS cause_no,
    epoch_us(causes.handled_at) // 60000000 AS handled_no,
    epoch_us(effects.born_at) // 60000000 AS effect_no
FROM warm AS effects INNER JOIN warm AS causes ON effects.cause_hash = causes.event_hash
""",
    """
CREATE OR REPLACE TEMP TABLE causings AS
SELECT
    cause_type_hash, type_hash, effect_no AS last_no, count(*) AS event_count,
    count(*) FILTER (handled_no <= effect_no) AS handled_count
FROM caused_before WHERE cause_no <= effect_no
GROUP BY ALL
""",
    """
CREATE OR REPLACE TEMP TABLE handled_pairs AS
WITH so_far AS (
    SELECT
        cause_type_hash, type_hash, last_no,
        2 * sum(handled_count) OVER before >= sum(event_count) OVER before AS is_handled
    FROM causings
    WINDOW before AS (PARTITION BY cause_type_hash, type_hash ORDER BY last_no)
),
states AS (
    SELECT DISTINCT
        causings.cause_type_hash, causings.type_hash, epoch_us(warm.born_at) // 60000000 AS last_no
    FROM warm INNER JOIN causings ON warm.type_hash = causings.cause_type_hash
)
SELECT states.cause_type_hash, states.type_hash, states.last_no
FROM states ASOF JOIN so_far
    ON states.cause_type_hash = so_far.cause_type_hash AND states.type_hash = so_far.type_hash
    AND states.last_no >= so_far.last_no
WHERE so_far.is_handled
""",
    """
CREATE OR REPLACE TEMP TABLE waiting AS
WITH impatient AS (
    SELECT cause_hash, type_hash, min(effect_no) AS effect_no FROM caused_before
    WHERE cause_no <= effect_no AND (handled_no > effect_no OR handled_no IS NULL)
    GROUP BY cause_hash, type_hash
),
births AS (
    SELECT
        type_hash, epoch_us(born_at) // 60000000 AS last_no,
        min(epoch_us(handled_at) // 60000000) AS handled_no
    FROM warm GROUP BY ALL
),
passed AS (
    SELECT
        pairs.cause_type_hash, pairs.type_hash, births.last_no, held.last_no IS NOT NULL AS is_held,
        min(births.handled_no) FILTER (held.last_no IS NOT NULL OR births.handled_no = births.last_no)
            OVER (
                PARTITION BY pairs.cause_type_hash, pairs.type_hash ORDER BY births.last_no
                ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ) AS passed_no
    FROM births
    INNER JOIN (SELECT DISTINCT cause_type_hash, type_hash FROM causings) AS pairs
        ON births.type_hash = pairs.cause_type_hash
    LEFT JOIN handled_pairs AS held
        ON pairs.cause_type_hash = held.cause_type_hash AND pairs.type_hash = held.type_hash
        AND births.last_no = held.last_no
)
SELECT
    warm.event_hash, passed.cause_type_hash, passed.type_hash, passed.last_no,
    least(passed.passed_no, impatient.effect_no) AS acted_no
FROM warm
INNER JOIN passed
    ON warm.type_hash = passed.cause_type_hash AND epoch_us(warm.born_at) // 60000000 = passed.last_no
LEFT JOIN impatient ON warm.event_hash = impatient.cause_hash AND passed.type_hash = impatient.type_hash
WHERE passed.is_held
    AND (warm.handled_at IS NULL OR epoch_us(warm.handled_at) // 60000000 > acted_no)
""",
)
"""What is remembered of the time before the first minute, from the temp table `warm`."""

ACTED_BEFORE: Final = """
SELECT
    caused.cause_hash, caused.type_hash,
    CASE WHEN held.last_no IS NOT NULL AND caused.cause_no <= caused.effect_no
        THEN coalesce(least(caused.handled_no, waiting.acted_no), caused.cause_no)
    ELSE caused.cause_no END AS cause_no
FROM caused_before AS caused
LEFT JOIN handled_pairs AS held
    ON caused.cause_type_hash = held.cause_type_hash AND caused.type_hash = held.type_hash
    AND caused.cause_no = held.last_no
LEFT JOIN waiting ON caused.cause_hash = waiting.event_hash AND caused.type_hash = waiting.type_hash
"""
"""Effects of that time, and the minutes in which their causes began to act."""

_CAUSING: Final = """
INSERT INTO causings
SELECT cause_type_hash, type_hash, $number, count(*), count(handled_no) FROM caused
WHERE cause_type_hash IS NOT NULL GROUP BY cause_type_hash, type_hash
"""
_HANDLED_PAIRS: Final = """
INSERT INTO handled_pairs
SELECT cause_type_hash, type_hash, $number FROM causings
GROUP BY cause_type_hash, type_hash HAVING 2 * sum(handled_count) >= sum(event_count)
"""
_GIVEN_UP: Final = """
CREATE OR REPLACE TEMP TABLE given_up AS
SELECT DISTINCT caused.cause_hash AS event_hash, caused.type_hash
FROM caused SEMI JOIN handled_pairs USING (cause_type_hash, type_hash)
WHERE caused.handled_no IS NULL
"""
# Those that waited, and were handled or passed over in this minute, or had an effect.
_RELEASED: Final = """
CREATE OR REPLACE TEMP TABLE released AS
WITH reached AS (
    SELECT cause_type_hash, type_hash, max(last_no) AS last_no
    FROM waiting SEMI JOIN handled USING (event_hash)
    GROUP BY cause_type_hash, type_hash
),
latest AS (SELECT DISTINCT born.type_hash FROM born SEMI JOIN handled USING (event_hash))
SELECT
    waiting.event_hash, waiting.cause_type_hash, waiting.type_hash,
    handled.event_hash IS NOT NULL AS is_handled
FROM waiting
LEFT JOIN reached
    ON waiting.cause_type_hash = reached.cause_type_hash AND waiting.type_hash = reached.type_hash
LEFT JOIN latest ON waiting.cause_type_hash = latest.type_hash
LEFT JOIN handled ON waiting.event_hash = handled.event_hash
LEFT JOIN given_up ON waiting.event_hash = given_up.event_hash AND waiting.type_hash = given_up.type_hash
WHERE waiting.acted_no IS NULL
    AND (
        waiting.last_no < reached.last_no
        OR latest.type_hash IS NOT NULL OR handled.event_hash IS NOT NULL OR given_up.event_hash IS NOT NULL
    )
"""
_HELD: Final = """
CREATE OR REPLACE TEMP TABLE held AS
SELECT
    born.event_hash, pairs.cause_type_hash, pairs.type_hash, $number AS last_no,
    CASE WHEN given_up.event_hash IS NOT NULL THEN $number END AS acted_no
FROM born
INNER JOIN handled_pairs AS pairs ON born.type_hash = pairs.cause_type_hash AND pairs.last_no = $number
LEFT JOIN given_up ON born.event_hash = given_up.event_hash AND pairs.type_hash = given_up.type_hash
WHERE born.event_hash NOT IN (SELECT event_hash FROM handled)
"""
_COUNT_SHIFTS: Final = """
INSERT INTO new_effects BY NAME
SELECT
    $number AS known_no, 'shift' AS kind, $number AS minute_no,
    causes.event_type AS cause_type, effects.event_type AS effect_type,
    sum(shifts.event_count)::BIGINT AS event_count
FROM (
    SELECT cause_type_hash, type_hash, 1 AS event_count FROM released
    UNION ALL
    SELECT cause_type_hash, type_hash, -1 FROM held WHERE acted_no IS NULL
) AS shifts
INNER JOIN names AS causes ON shifts.cause_type_hash = causes.type_hash
INNER JOIN names AS effects ON shifts.type_hash = effects.type_hash
GROUP BY causes.event_type, effects.event_type
HAVING sum(shifts.event_count) <> 0
"""
COUNT: Final = (_CAUSING, _HANDLED_PAIRS, _GIVEN_UP, _RELEASED, _HELD, _COUNT_SHIFTS)
"""What a minute takes, after its temp tables `born`, `handled` and `caused`."""

ACTED: Final = """
SELECT
    caused.type_hash, caused.cause_hash, caused.cause_type_hash, caused.delay_us,
    CASE WHEN held.last_no IS NOT NULL
        THEN coalesce(least(caused.handled_no, waiting.acted_no), $number)
    ELSE caused.cause_no END AS cause_no
FROM caused
LEFT JOIN handled_pairs AS held
    ON caused.cause_type_hash = held.cause_type_hash AND caused.type_hash = held.type_hash
    AND caused.cause_no = held.last_no
LEFT JOIN waiting ON caused.cause_hash = waiting.event_hash AND caused.type_hash = waiting.type_hash
"""
"""Effects of the minute, and the minutes in which their causes began to act."""

REMEMBER: Final = {
    "waiting": """
CREATE OR REPLACE TEMP TABLE waiting AS
SELECT
    waiting.event_hash, waiting.cause_type_hash, waiting.type_hash, waiting.last_no,
    coalesce(waiting.acted_no, CASE WHEN released.event_hash IS NOT NULL THEN $number END) AS acted_no
FROM waiting LEFT JOIN released USING (event_hash, cause_type_hash, type_hash)
WHERE waiting.last_no >= $oldest AND released.is_handled IS DISTINCT FROM TRUE
UNION ALL
FROM held
""",
    "causings": """
CREATE OR REPLACE TEMP TABLE causings AS FROM causings WHERE last_no >= $oldest
""",
    "handled_pairs": """
CREATE OR REPLACE TEMP TABLE handled_pairs AS FROM handled_pairs WHERE last_no >= $oldest
""",
}
"""By the temp table that each makes anew with what the minute adds."""
