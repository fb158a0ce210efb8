"""Old logs that arrive at once: what still fires at the end is told, and nothing else of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from stormwatch.alerts.config import AlertConfig, Route
from stormwatch.alerts.ledger import written
from stormwatch.alerts.notices import queue_notices
from stormwatch.alerts.rules import parse_rule
from stormwatch.alerts.service import Alerts
from stormwatch.catalog import Catalog
from stormwatch.status import IngestStatus
from stormwatch.storage import Store

EVERY_OTHER_HOUR = """\
-- every_other_hour: is the hour even?
--
-- Threshold: 5
-- Severity: warn
-- Window: 1 hour
-- For: 1
-- Clear: 0.9 for 0 minutes
-- Rearm: 0 minutes
-- Runbook: Wait.
-- Reads: files
SELECT
    instants.evaluated_at,
    'hours' AS episode_key,
    CASE WHEN hour(instants.evaluated_at) % 2 = 0 THEN 9 ELSE 0 END AS value
FROM range($since::TIMESTAMP + $minute, $until::TIMESTAMP + $minute, $minute) AS instants(evaluated_at)
"""


@dataclass
class Old:
    """A rule over a log, and what its route was told."""

    store: Store
    watcher: Alerts
    config: AlertConfig

    def evaluate(self, moment: str) -> list[tuple[str, str]]:
        """Evaluate up to an instant; status and begin of all that was told so far."""
        reached = datetime.fromisoformat(moment)
        self.watcher.evaluate_rule(self.config.rules["every_other_hour"], reached)
        with written(self.store) as cursor:
            queue_notices(cursor, self.config, None, reached)
            notices = cursor.execute("SELECT notice FROM alert_outbox ORDER BY notice_id").fetchall()
        told = [json.loads(text) for (text,) in notices]
        return [(one["status"], one["fired_at"][:16]) for one in told]


@pytest.fixture
def old(tmp_path: Path, catalog: Catalog) -> Old:
    path = tmp_path / "every_other_hour.sql"
    path.write_text(EVERY_OTHER_HOUR)
    rule = parse_rule(path)
    config = AlertConfig({rule.name: rule}, {"log": Route("log", "stdout")})
    store = Store(tmp_path / "s.duckdb")

    def status() -> IngestStatus:
        raise AssertionError("the rule is evaluated by hand")

    return Old(store, Alerts(store, catalog, config, status), config)


def test_of_days_that_arrive_at_once_only_what_still_fires_is_told(old: Old) -> None:
    assert old.evaluate("2026-03-01T09:30") == []
    told = old.evaluate("2026-03-02T22:30")
    assert told == [("firing", "2026-03-02T22:00")]
    with old.store.cursor() as cursor:
        [(count,)] = cursor.execute("SELECT count(*) FROM alert_episodes").fetchall()
    assert count == 31, "a day of even hours, and 19 more"
    # A pause of minutes is told in full.
    assert old.evaluate("2026-03-02T23:10")[1:] == [("resolved", "2026-03-02T22:00")]
    old.store.close()
