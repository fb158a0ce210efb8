"""A database that is watched: its rules, what is logged, and a wall clock that can be set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from stormwatch.alerts.config import AlertConfig, Route
from stormwatch.alerts.rules import load_rules
from stormwatch.alerts.service import Alerts
from stormwatch.catalog import Catalog
from stormwatch.status import IngestStatus
from stormwatch.storage import Store

from .planted import MINUTE, START

HEADER = """\
-- {name}: does it count too much?
--
-- Threshold: 3
-- Severity: warn
-- Window: 1 minute
-- For: 1
-- Runbook: Look at it.
-- Reads: events
"""
COUNTED = """\
SELECT service AS episode_key, count(*) AS value FROM events
WHERE occurred_at >= $until::TIMESTAMP - $minute::INTERVAL AND occurred_at < $until GROUP BY ALL
"""
_INSERT = """
INSERT INTO observations BY NAME
SELECT
    $5::INTEGER AS file_id, $1::BIGINT * 100 AS byte_offset, 100 AS byte_length, 0 AS record_no,
    'canonical' AS format,
    'e' || $1 AS event_id, 'order' AS event_type, $2 AS service, $3::TIMESTAMP AS occurred_at,
    $4::TIMESTAMP AS ingested_at
"""
HOOK = {"hook": Route("hook", "webhook", "https://hook.example.org/")}


class Site:
    """A database that is written to, its rules, and a wall clock that can be set."""

    def __init__(self, store: Store, catalog: Catalog, folder: Path) -> None:
        self.store = store
        self._catalog = catalog
        self._folder = folder
        self.now = START
        self.status = IngestStatus(state="idle")
        self._batch = 0
        self._events = 0

    def rule(self, name: str, select: str = COUNTED) -> None:
        if "$until" not in select:
            select = f"FROM ({select}) WHERE $until IS NOT NULL"
        (self._folder / f"{name}.sql").write_text(HEADER.format(name=name) + select)

    def alerts(self, keep: Callable[[str], bool] = lambda _: True) -> Alerts:
        """What would watch after a start of the process."""
        rules, problems = load_rules(self._folder)
        assert not problems
        config = AlertConfig({name: rule for name, rule in rules.items() if keep(name)}, HOOK)
        return Alerts(self.store, self._catalog, config, lambda: self.status, lambda: self.now)

    def own(self) -> Alerts:
        """The same, without the shipped rules."""
        return self.alerts(lambda name: (self._folder / f"{name}.sql").exists())

    def commit(self, instants: Iterable[datetime], service: str = "shop", file_id: int = 1) -> None:
        """A batch of events, committed now."""
        found = [(self._events + number, instant) for number, instant in enumerate(instants, 1)]
        self._events += len(found)
        self._batch += 1
        with self.store.cursor() as cursor:
            cursor.executemany(_INSERT, [(number, service, at, self.now, file_id) for number, at in found])
            cursor.execute(
                "INSERT INTO batches VALUES (?, ?, ?, 0, 0, ?, 1)",
                [self._batch, self.now, len(found), max(at for _, at in found)],
            )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.store.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def evaluated(self) -> dict[object, tuple[Any, ...]]:
        return {
            row[0]: row[1:] for row in self.rows("SELECT rule, evaluated_to, problem FROM alert_evaluations")
        }

    def fired(self) -> set[object]:
        return {key for (key,) in self.rows("SELECT episode_key FROM alert_episodes WHERE state = 'firing'")}

    def told(self) -> set[object]:
        return {rule for (rule,) in self.rows("SELECT notice ->> '$.rule' FROM alert_outbox")}


def settle(alerts: Alerts) -> None:
    """Turn until nothing is due."""
    for _ in range(100):
        alerts._rests.clear()  # they go by a clock that cannot be set
        if not alerts.evaluate_due():
            return
    raise AssertionError("it never comes to rest")


def burst(instant: datetime, count: int = 9) -> list[datetime]:
    """Events within the minute before an instant."""
    return [instant - MINUTE + (number + 1) * MINUTE / (count + 2) for number in range(count)]


def calm(site: Site) -> Alerts:
    """A site with one rule and a quarter of an hour of log that is evaluated."""
    site.rule("counted")
    site.commit([START - number * MINUTE for number in range(20, 0, -1)])
    alerts = site.own()
    settle(alerts)
    return alerts


def tells(site: Site, alerts: Alerts, end: datetime) -> bool:
    """Whether a burst before an instant is told when it is logged."""
    site.commit([*burst(end), *[end + MINUTE / 2] * 5])
    settle(alerts)
    return site.told() == {"counted"}
