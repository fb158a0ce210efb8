"""What evaluates rules goes on: over restarts, rules that fail, and clocks and files that are wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stormwatch import readonly
from stormwatch.alerts import asking, service
from stormwatch.alerts.config import AlertConfig, Route
from stormwatch.alerts.evidence import Allowance
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


@pytest.fixture
def site(tmp_path: Path, catalog: Catalog) -> Iterator[Site]:
    folder = tmp_path / "rules"
    folder.mkdir()
    with Store(tmp_path / "site.duckdb") as store:
        with store.cursor() as cursor:
            catalog.install(cursor)
        yield Site(store, catalog, folder)


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


def test_after_a_restart_minutes_later_all_rules_are_evaluated_again(site: Site) -> None:
    site.rule("counted")
    site.commit([START - number * MINUTE for number in range(5)])
    settle(site.alerts())
    before = site.evaluated()
    assert {"counted", "log_silent", "quarantine_growing", "storm_ahead"} <= set(before)
    site.now += 5 * MINUTE
    site.commit([*burst(site.now - MINUTE), *[site.now] * 5])
    after_restart = site.alerts()
    settle(after_restart)
    after = site.evaluated()
    assert after_restart.problem is None
    assert all(after[name][0] > before[name][0] for name in before)
    assert "counted" in site.told()


def test_a_rule_that_cannot_even_be_looked_up_leaves_the_others_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.rule("a_broken")
    site.rule("counted")
    site.commit([START] * 9)
    alerts = site.own()
    settle(alerts)
    site.now += 5 * MINUTE
    site.commit([*burst(site.now - MINUTE), *[site.now] * 5])
    whole = alerts.evaluate_rule

    def broken(rule: object, reached: datetime) -> bool:
        if getattr(rule, "name", "") == "a_broken":
            raise RecursionError("nobody expects this")
        return whole(rule, reached)  # type: ignore[arg-type]

    monkeypatch.setattr(alerts, "evaluate_rule", broken)
    settle(alerts)
    assert alerts.problem == "a_broken: nobody expects this"
    assert site.told() == {"counted"}


ODD = {
    "a text as value": "'many'",
    "an instant as value": "TIMESTAMP '2026-11-20'",
    "a number as members": "9 AS value, 5 AS members",
    "numbers as members": "9 AS value, [1, 2] AS members",
    "a list as evaluated_at": "9 AS value, [$until::TIMESTAMP] AS evaluated_at",
    "a day as evaluated_at": "9 AS value, DATE '2026-11-20' AS evaluated_at",
}


def test_rows_of_a_strange_type_are_the_problem_of_their_rule(site: Site) -> None:
    for number, columns in enumerate(ODD.values()):
        value = columns if " AS value" in columns else f"{columns} AS value"
        site.rule(f"a_odd_{number}", f"SELECT 'k' AS episode_key, {value}")
    site.rule("counted")
    site.commit([START - 2 * MINUTE])
    alerts = site.own()
    settle(alerts)
    site.now += 5 * MINUTE
    site.commit([*burst(site.now - MINUTE), *[site.now] * 5])
    settle(alerts)
    problems = {name: problem for name, (_, problem) in site.evaluated().items() if problem}
    assert len(problems) == len(ODD)
    assert all("of k, " in problem for problem in problems.values())
    assert site.told() == {"counted"}


def test_of_a_rule_with_some_strange_rows_the_others_count(site: Site) -> None:
    site.rule(
        "mixed",
        "SELECT key AS episode_key, 9 AS value, members FROM (VALUES ('odd', ['a', NULL]), ('even', ['b'])) "
        "AS t (key, members)",
    )
    site.commit([START] * 5)
    settle(site.own())
    assert site.fired() == {"even"}
    assert "of odd, members is no list of texts: ['a', None]" in site.evaluated()["mixed"][1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_fails_or_ends_is_said(site: Site) -> None:
    alerts = site.own()
    failed, over = threading.Event(), threading.Event()

    def turn() -> bool:
        if failed.is_set() and over.wait(10):
            raise SystemExit
        failed.set()
        raise ArithmeticError("out of order")

    alerts.evaluate_due = turn  # type: ignore[method-assign]
    alerts.start()
    try:
        assert failed.wait(10)
        while not over.is_set():
            if alerts.problem is not None:
                assert alerts.problem == "alerts: out of order"
                over.set()
        alerts._threads[0].join(10)
        assert "alerts: its thread ended" in str(alerts.problem)
    finally:
        alerts.stop()


def test_a_line_without_an_end_holds_nothing_up(site: Site) -> None:
    site.rule("counted")
    site.commit(burst(START))
    site.commit([START + MINUTE] * 5)
    site.status = IngestStatus(state="idle", backlog_bytes=2_000_000)
    alerts = site.own()
    settle(alerts)
    assert site.fired() == {"shop"}
    assert "2,000,000 bytes wait for their line end" in str(alerts.problem)


def test_what_is_unread_holds_rules_up_while_it_becomes_less(site: Site) -> None:
    site.rule("counted")
    site.commit(burst(START))
    site.commit([START + MINUTE] * 5)
    alerts = site.own()
    for unread in (9_000_000, 8_000_000, 7_000_000):
        site.now += 2 * MINUTE
        site.status = IngestStatus(state="reading", backlog_bytes=unread)
        settle(alerts)
        assert alerts.problem == f"waits: {unread:,} bytes unread"
        assert not site.fired()
    site.now += 4 * MINUTE
    settle(alerts)
    assert site.fired() == {"shop"}
    assert "7,000,000 bytes are unread" in str(alerts.problem)
    site.status = IngestStatus(state="idle")
    settle(alerts)
    assert alerts.problem is None


NEVER_ENDS = """\
SELECT 'k' AS episode_key, count(*) AS value FROM range(3000000) AS a (x), range(3000000) AS b (y)
WHERE hash(x, y) = 1
"""


def test_a_rule_that_takes_too_long_is_given_up_and_the_others_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "OWN_TIMEOUT_S", 0.2)
    site.rule("a_slow", NEVER_ENDS)
    site.rule("counted")
    site.commit([*burst(START), *[START + MINUTE] * 5])
    settle(site.own())
    assert "stopped after 0.2 s" in site.evaluated()["a_slow"][1]
    assert site.fired() == {"shop"}


def test_stop_ends_the_running_question_before_the_database_is_closed(site: Site) -> None:
    site.rule("slow", NEVER_ENDS)
    site.commit([START] * 5)
    alerts = site.own()
    alerts.start()
    evaluating = alerts._threads[0]
    while not readonly._running:
        assert evaluating.is_alive()
    alerts.stop()
    assert not evaluating.is_alive()
    assert not site.evaluated()


def test_a_broad_rule_follows_the_greatest_and_says_how_many_it_leaves_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_EPISODES", 4)
    monkeypatch.setattr(asking, "_ROWS", 50)
    site.rule("broad", "SELECT 'k' || i AS episode_key, i AS value FROM range(30) AS t (i)")
    site.rule("wide", "SELECT 'w' || i AS episode_key, 0 AS value FROM range(70) AS t (i)")
    site.commit([START] * 5)
    settle(site.own())
    assert site.fired() == {"k26", "k27", "k28", "k29"}
    assert "4 episodes are open; 23 more would begin" in site.evaluated()["broad"][1]
    assert "only the first 50 rows" in site.evaluated()["wide"][1]


def test_evidence_of_many_alerts_at_once_is_looked_for_only_for_a_while(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "Allowance", lambda: Allowance(1e-9))
    site.rule(
        "broad",
        "-- Evidence: loop_edges\nSELECT 'k' || i AS episode_key, i AS value FROM range(3, 9) AS t (i)",
    )
    site.commit([START] * 5)
    settle(site.own())
    problems = [
        text
        for (text,) in site.rows(
            "SELECT evidence ->> '$.problems[0]' FROM alert_episodes ORDER BY value DESC"
        )
    ]
    assert len(problems) == 6
    assert sum("too much began to fire at once" in text for text in problems) == 5


def _calm(site: Site) -> Alerts:
    """A site with one rule and a quarter of an hour of log that is evaluated."""
    site.rule("counted")
    site.commit([START - number * MINUTE for number in range(20, 0, -1)])
    alerts = site.own()
    settle(alerts)
    return alerts


def _tells(site: Site, alerts: Alerts, end: datetime) -> bool:
    """Whether a burst before an instant is told when it is logged."""
    site.commit([*burst(end), *[end + MINUTE / 2] * 5])
    settle(alerts)
    return site.told() == {"counted"}


@pytest.mark.parametrize("ahead", [timedelta(minutes=50), timedelta(days=200)])
def test_lines_of_a_later_date_blind_no_rule(site: Site, ahead: timedelta) -> None:
    alerts = _calm(site)
    site.now += 400 * timedelta(days=1)  # the log is one of the past: the wall clock tells nothing
    site.commit([START + ahead] * 5)
    settle(alerts)
    assert site.evaluated()["counted"][0] <= START
    assert f"says {START + ahead}" in str(alerts.problem)
    assert _tells(site, alerts, START + 3 * MINUTE)


def test_a_service_whose_clock_is_ahead_blinds_no_rule(site: Site) -> None:
    alerts = _calm(site)
    site.commit([START + 58 * MINUTE] * 30, "ahead", file_id=2)
    settle(alerts)
    site.now += 4 * MINUTE
    site.commit([START + 62 * MINUTE] * 30, "ahead", file_id=2)
    assert _tells(site, alerts, START + 3 * MINUTE)
    assert site.fired() == {"shop"}
    # All are ahead: the one that is so by less.
    site.commit([*burst(START + 9 * MINUTE, 30), START + 9.5 * MINUTE])
    settle(alerts)
    assert site.evaluated()["counted"][0] == START + 9 * MINUTE


def test_after_a_pause_the_log_is_believed_once_most_lines_agree(site: Site) -> None:
    alerts = _calm(site)
    site.now += timedelta(days=2)
    assert _tells(site, alerts, START + timedelta(days=1))
    assert alerts.problem is None


def test_a_log_that_jumps_back_is_evaluated_from_there(site: Site) -> None:
    alerts = _calm(site)
    assert _tells(site, alerts, START - timedelta(days=1))
    assert "went back from" in site.evaluated()["counted"][1]


def test_a_wall_clock_that_is_set_back_stops_nothing(site: Site) -> None:
    site.now += timedelta(hours=2)
    site.rule("counted")
    alerts = site.alerts(lambda name: name in {"counted", "log_silent"})
    site.commit([START - number * MINUTE for number in range(20, 0, -1)])
    settle(alerts)
    site.now = START + 4 * MINUTE
    assert _tells(site, alerts, START + 3 * MINUTE)
    assert site.evaluated()["log_silent"][0] == START + 4 * MINUTE
