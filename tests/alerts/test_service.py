"""How far the log is taken to be complete, and that a rule that fails stops no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from stormwatch.alerts.config import AlertConfig
from stormwatch.alerts.desk import Desk
from stormwatch.alerts.frontier import Frontier
from stormwatch.alerts.rules import load_rules
from stormwatch.alerts.service import Alerts
from stormwatch.catalog import Catalog
from stormwatch.status import IngestStatus
from stormwatch.storage import Store

from .planted import MINUTE, at, store

SECOND = timedelta(seconds=1)
HEADER = """\
-- {name}: how many?
--
-- Threshold: 1
-- Severity: watch
-- Window: 1 minute
-- For: 1
-- Runbook: Look.
-- Reads: events
"""
WORKS = "SELECT 'all' AS episode_key, count(*) AS value FROM events WHERE occurred_at < $until"
FAILS = {
    "no_such_table": "SELECT 'all' AS episode_key, 1 AS value FROM no_such_relation",
    "no_value": "SELECT 'all' AS episode_key",
    "divides": "SELECT 'all' AS episode_key, error('out of order') AS value",
}


def batch(database: duckdb.DuckDBPyConnection, number: int, committed: float, *occurred: float) -> None:
    """Observations of these minutes, committed at one."""
    rows: list[dict[str, object]] = [
        {"occurred_at": at(minute), "ingested_at": at(committed), "event_id": f"{number}-{place}"}
        for place, minute in enumerate(occurred)
    ]
    store(database, rows)
    database.execute("INSERT INTO batches VALUES (?, ?, 1, 0, 1, NULL, 1)", [number, at(committed)])


def test_the_log_is_complete_up_to_a_little_before_its_newest_events(
    database: duckdb.DuckDBPyConnection,
) -> None:
    frontier = Frontier(5 * SECOND, MINUTE)
    assert frontier.advance(database, at(100)) is None
    batch(database, 1, 100, 90, 90, 90.5, 91, 91)
    assert frontier.advance(database, at(100)) == at(90.5) - 5 * SECOND
    # Two lines of a clock that is ahead move nothing, nor any number of one that is in another zone.
    batch(database, 2, 100.1, 140, 141, 400, 400, 400, 91, 91.5)
    assert frontier.advance(database, at(100.2)) == at(91.5) - 5 * SECOND
    # Older events come late: nothing goes back.
    batch(database, 3, 100.3, 10, 11, 12)
    assert frontier.advance(database, at(100.4)) == at(91.5) - 5 * SECOND


def test_when_nothing_comes_for_a_minute_the_last_bucket_is_complete(
    database: duckdb.DuckDBPyConnection,
) -> None:
    frontier = Frontier(5 * SECOND, MINUTE)
    batch(database, 1, 100, 90, 90, 90.5)
    assert frontier.advance(database, at(100)) == at(90) - 5 * SECOND
    assert frontier.advance(database, at(100.9)) == at(90) - 5 * SECOND
    assert frontier.advance(database, at(101)) == at(91)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[Store, Alerts]]:
    """A store with a few events, and rules of which one works."""
    folder = tmp_path / "alerts"
    folder.mkdir()
    for name, statement in {"works": WORKS, **FAILS}.items():
        (folder / f"{name}.sql").write_text(HEADER.format(name=name) + statement)
    (folder / "broken.sql").write_text("SELECT 1")
    rules, problems = load_rules(folder)
    mine = {name: rule for name, rule in rules.items() if not rule.is_shipped}
    assert problems.keys() == {"broken"}
    with Store(tmp_path / "alerts.duckdb") as opened:
        catalog = Catalog.load()
        with opened.cursor() as cursor:
            catalog.install(cursor)
            batch(cursor, 1, 10, 1, 2, 3)
        yield opened, Alerts(opened, catalog, AlertConfig(mine, {}), IngestStatus)


def test_a_rule_that_fails_stops_no_other_and_says_why(watched: tuple[Store, Alerts]) -> None:
    opened, alerts = watched
    for rule in alerts.config.rules.values():
        assert alerts.evaluate_rule(rule, at(5))
        assert not alerts.evaluate_rule(rule, at(5.5))
    known = {one["rule"]: one["problem"] for one in Desk(opened, alerts.config).overview()["rules"]}
    assert known["works"] is None
    assert "no_such_relation" in known["no_such_table"]
    assert "its SELECT has no column value" in known["no_value"]
    assert "out of order" in known["divides"]
    assert all(f"{name}.sql" in known[name] for name in FAILS)
    with opened.cursor() as cursor:
        found = cursor.execute("SELECT rule, state, value FROM alert_episodes").fetchall()
    assert found == [("works", "firing", 3.0)]


def test_where_an_evaluation_stopped_another_process_goes_on(
    watched: tuple[Store, Alerts],
) -> None:
    opened, alerts = watched
    rule = alerts.config.rules["works"]
    alerts.evaluate_rule(rule, at(5))
    other = Alerts(opened, Catalog.load(), alerts.config, IngestStatus)
    assert not other.evaluate_rule(rule, at(5))
    assert other.evaluate_rule(rule, at(7))
    with opened.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM alert_changes").fetchall() == [(1,)]
        [(evaluated_to,)] = cursor.execute(
            "SELECT evaluated_to FROM alert_evaluations WHERE rule = 'works'"
        ).fetchall()
    assert evaluated_to == at(7)
    assert isinstance(evaluated_to, datetime)
