"""Storms fire before the crash and through the silence after it; what only looks like one does not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stormwatch.alerts.asking import Pace, Watch, evaluate
from stormwatch.alerts.backtest import backtest
from stormwatch.alerts.engine import Episode, Step
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store

from .planted import MINUTE, RULES, START, at, play

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
import other_storms  # type: ignore[import-not-found]  # a script of sample_logs
import plans  # type: ignore[import-not-found]  # a script of sample_logs
import weeks  # type: ignore[import-not-found]  # a script of sample_logs

from tests.prepared import prepare, read_into

_STORE = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, 0 AS byte_offset, 0 AS byte_length, 0 AS record_no, 'canonical' AS format,
    $start AS ingested_at, 'e-' || id AS event_id, 'e-' || cause_id AS causation_id,
    $start::TIMESTAMP + to_microseconds((occurred_s * 1e6)::BIGINT) AS occurred_at,
    event_type::VARCHAR AS event_type, attempt, {rest}
FROM written
"""
_SIMULATED = "'create' AS operation, 'node-' || node AS node"
_MESSAGES = (
    "operation::VARCHAR AS operation, is_redelivered, 'work' AS stream, "
    "if(operation = 'send', 'shop', 'worker') AS service"
)
SEVERE = {"warn", "page", "storm"}


def simulated(database: duckdb.DuckDBPyConnection, plan: Any, seed: int) -> Any:
    """Store a simulated system; returns what was true of it."""
    run = weeks.simulate(plan, seed)
    put(database, run.events, _SIMULATED)
    return run


def put(database: duckdb.DuckDBPyConnection, events: Any, rest: str) -> None:
    database.register("written", events)
    database.execute(_STORE.format(rest=rest), {"start": START})
    database.unregister("written")


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "seed"), [("medium", 901), ("step", 902), ("plateau", 903)])
def test_a_storm_is_announced_and_still_fires_when_all_is_silent(
    shape: str, seed: int, database: duckdb.DuckDBPyConnection
) -> None:
    plan = plans.storm(shape, seed, 10, 0.95, 0.03)
    run = simulated(database, plan, seed)
    # The system is dead: nothing of it is logged any more, for hours.
    dead = run.crashed_min + 1
    database.execute("DELETE FROM observations WHERE occurred_at >= ?", [at(dead)])
    result = play(database, "storm_ahead", (plan.storm.begin_min - 60, dead + 300), dead - 1)
    warned = [one for one in result.fired if one.crash_at is not None]
    [fired] = [one for one in warned if SEVERE & {name for name, _ in one.severities}]
    severe_at = min(moment for name, moment in fired.severities if name in SEVERE)
    assert (at(dead - 1) - severe_at) >= 10 * MINUTE
    assert fired.resolved_at is None
    assert result.missed == ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [911, 912, 913])
def test_everyday_life_fires_nothing_severe(seed: int, database: duckdb.DuckDBPyConnection) -> None:
    plan = plans.everyday(seed, 3, 4, 0.95, 0.06)
    simulated(database, plan, seed)
    result = play(database, "storm_ahead", (1440, 3 * 1440))
    assert [one for one in result.fired if SEVERE & {name for name, _ in one.severities}] == []
    assert result.evaluation_count == 2 * 1440


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cause", "rule"),
    [
        ("retry storm without ids", "work_repeated"),
        ("pure overload", "backlog_growing"),
        ("fan-out explosion", "backlog_growing"),
    ],
)
def test_a_storm_without_a_loop_is_announced_by_a_fallback(
    cause: str, rule: str, database: duckdb.DuckDBPyConnection
) -> None:
    story = other_storms.tell(cause, 921, 8)
    put(database, story.events, _MESSAGES)
    minutes = (story.begun_min - 120, story.crashed_min + 1)
    result = play(database, rule, minutes, story.crashed_min - 1)
    leads = [one.lead_min for one in result.fired if one.lead_min is not None]
    assert leads
    assert max(leads) > 0
    assert play(database, "storm_ahead", minutes).fired == ()


class _Live:
    """What live evaluation makes of a log that grows."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, datetime, str, str | None]] = []
        self.episodes: Sequence[Episode] = ()

    def keep(self, _: datetime, after: Step) -> Sequence[Episode]:
        self.changes += [(one.kind, one.at, one.episode.key, one.episode.severity) for one in after.changes]
        return after.episodes


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["storm_ahead", "work_repeated", "backlog_growing"])
def test_the_past_is_played_again_as_it_was_seen(rule: str, database: duckdb.DuckDBPyConnection) -> None:
    """A back-test over all of the log against evaluations of a log that ends where each of them is."""
    causes = {"backlog_growing": "pure overload", "work_repeated": "retry storm without ids"}
    if rule in causes:
        story = other_storms.tell(causes[rule], 931, 4)
        put(database, story.events, _MESSAGES)
        end = story.crashed_min
    else:
        plan = plans.storm("medium", 931, 6, 0.95, 0.03)
        end = simulated(database, plan, 931).crashed_min
    database.execute("CREATE TABLE later AS FROM observations")
    database.execute("DELETE FROM observations WHERE occurred_at >= ?", [at(end - 50)])
    live, watch = _Live(), Watch(Pace(), START)
    for minute in range(end - 50, end + 1):
        database.execute(
            "INSERT INTO observations FROM later WHERE occurred_at >= ? AND occurred_at < ?",
            [at(minute - 1) if minute > end - 50 else at(end), at(minute)],
        )
        span = (at(minute - 1), at(minute))
        live.episodes = evaluate(database, RULES[rule], watch, span, live.episodes, live.keep)
    database.execute("INSERT INTO observations FROM later WHERE occurred_at >= ?", [at(end)])
    replayed = _Live()
    span = (at(end - 51), at(end))
    replayed.episodes = evaluate(database, RULES[rule], watch, span, (), replayed.keep)
    assert live.changes == replayed.changes
    assert [(one.key, one.state) for one in live.episodes] == [
        (one.key, one.state) for one in replayed.episodes
    ]
    assert live.changes
    result = backtest(database, RULES[rule], watch, *span)
    assert [one.fired_at for one in result.fired] == [one[1] for one in live.changes if one[0] == "firing"]


@pytest.mark.parametrize(("story", "has_storm"), [("storm", True), ("ordered", False), ("loop", False)])
def test_of_the_sample_stories_the_storm_alone_fires(story: str, has_storm: bool, tmp_path: Path) -> None:
    with Store(prepare(tmp_path / "story.duckdb")) as store, store.cursor() as cursor:
        read_into(store, SAMPLE_LOGS / story / "logs")
        since, until = datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 9, 6)  # noqa: DTZ001 - naive UTC as stored
        crash = datetime(2026, 3, 2, 9, 4)  # noqa: DTZ001 - naive UTC as stored
        # Six minutes that stand for three hours.
        watch = Watch(Pace(timedelta(seconds=2)), since)
        result = backtest(cursor, RULES["storm_ahead"], watch, since, until, [crash])
    if not has_storm:
        assert result.fired == ()
        return
    [fired] = result.fired
    assert fired.crash_at == crash
    assert fired.lead_min is not None
    assert fired.lead_min > 0.4
    assert fired.resolved_at is None
