"""What evaluates rules goes on: over restarts, rules that fail, and clocks and files that are wrong."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest

from stormwatch import readonly
from stormwatch.alerts import asking, service
from stormwatch.alerts.evidence import Allowance
from stormwatch.errors import QueryError
from stormwatch.minutes import keeper
from stormwatch.status import IngestStatus

from .planted import MINUTE, START
from .watched import Site, burst, calm, settle


@pytest.mark.slow
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


def test_what_was_pending_goes_on_so_after_a_restart_and_is_told_once(site: Site) -> None:
    site.rule("counted")
    path = site.own().config.rules["counted"].path
    path.write_text(path.read_text().replace("-- For: 1", "-- For: 2"))
    site.now += 3 * MINUTE
    site.commit([START - number * MINUTE for number in range(20, 0, -1)])
    settle(site.own())
    site.commit([*burst(START + MINUTE), *[START + 1.5 * MINUTE] * 5])
    settle(site.own())
    assert site.rows("SELECT state FROM alert_episodes") == [("pending",)]
    site.commit([*burst(START + 2 * MINUTE), *[START + 2.5 * MINUTE] * 5])
    for _ in range(2):
        settle(site.own())
        assert site.rows("SELECT state, onset_at FROM alert_episodes") == [("firing", START + MINUTE)]
        assert site.rows("SELECT count(*) FROM alert_outbox") == [(1,)]


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
        return whole(rule, reached)  # type: ignore[arg-type]  # passed on as it came

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
    assert all(f"rule {name} (" in problem for name, problem in problems.items())
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

    alerts.evaluate_due = turn  # type: ignore[method-assign]  # a stand-in
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
        "-- Evidence: loop_edges\nSELECT 'k' || i AS episode_key, i AS value FROM range(3, 9) AS t (i) "
        "WHERE $until IS NOT NULL",
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
    # The first may find what it looks for, and then has no problem.
    assert sum("too much began to fire at once" in (text or "") for text in problems) == 5


def test_a_rule_that_failed_is_asked_again_for_the_same_instants(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = calm(site)
    before = site.evaluated()["counted"][0]
    whole, failures = asking.run_readonly, iter([True, True])

    def broken(*given: object, **named: object) -> object:
        if next(failures, False):
            raise QueryError("no memory")
        return whole(*given, **named)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(asking, "run_readonly", broken)
    site.now += 4 * MINUTE
    site.commit([*burst(START + 2 * MINUTE), *[*[START + 2.5 * MINUTE] * 5] * 5])
    alerts._rests.clear()
    # On a busy machine the minutes are counted first, in several turns.
    while site.evaluated()["counted"][1] is None:
        assert alerts.evaluate_due()
    assert site.evaluated()["counted"][0] == before
    assert "no memory" in site.evaluated()["counted"][1]
    settle(alerts)
    assert site.evaluated()["counted"] == (START + 2 * MINUTE, None)
    assert site.told() == {"counted"}


def test_a_rule_that_always_fails_is_given_up_after_some_tries(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = calm(site)
    asked: list[object] = []

    def broken(*given: object, **_: object) -> object:
        asked.append(given)
        raise QueryError("no memory")

    monkeypatch.setattr(asking, "run_readonly", broken)
    site.now += 4 * MINUTE
    site.commit([*[START + 2.5 * MINUTE] * 5] * 15)
    settle(alerts)
    assert len(asked) == 3
    assert site.evaluated()["counted"][0] == START + 2 * MINUTE


def test_instants_that_are_left_out_are_said(site: Site) -> None:
    alerts = calm(site)
    site.now += 41 * MINUTE
    site.commit([START + 40 * MINUTE] * 30)
    settle(alerts)
    to, problem = site.evaluated()["counted"]
    assert to == START + 39 * MINUTE
    assert f"up to {START + 29 * MINUTE} are left out" in problem


RANGED = """
SELECT
    i.evaluated_at, 'svc' AS episode_key,
    (
        SELECT count(*) FROM events
        WHERE occurred_at >= i.evaluated_at - $minute::INTERVAL AND occurred_at < i.evaluated_at
    ) AS value
FROM range($since::TIMESTAMP + $minute, $until::TIMESTAMP + $minute, $minute) AS i(evaluated_at)
"""


def test_what_fires_while_minutes_are_counted_is_told_afterwards(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.rule("counted", RANGED)
    site.commit([START - n * MINUTE for n in range(200, 0, -1)])
    alerts = site.own()
    monkeypatch.setattr(alerts._minutes, "keep", lambda *_: False)
    alerts._minutes.is_behind = True
    settle(alerts)
    assert site.evaluated() == {}
    # Of a log that was there before minutes are counted; it goes on meanwhile: a burst, then calm.
    for number in range(1, 31):
        site.now = START + number * MINUTE
        site.commit(burst(site.now) if number == 3 else [site.now - MINUTE / 2])
        settle(alerts)
    assert site.told() == set()
    alerts._minutes.is_behind = False
    settle(alerts)
    assert site.told() == {"counted"}


def test_rules_wait_for_minutes_only_for_so_long(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.rule("counted", RANGED)
    site.commit([START - n * MINUTE for n in range(30, 0, -1)])
    alerts = site.own()
    monkeypatch.setattr(alerts._minutes, "keep", lambda *_: False)
    alerts._minutes.is_behind = True
    settle(alerts)
    assert site.evaluated() == {}
    monkeypatch.setattr(service, "_WAITED_MINUTES", 0)
    settle(alerts)
    assert set(site.evaluated()) == {"counted"}


@pytest.mark.parametrize(("many", "asked"), [(300, {"counted"}), (100, set())])
def test_only_where_very_many_events_were_there_before_rules_wait_for_minutes(
    site: Site, monkeypatch: pytest.MonkeyPatch, many: int, asked: set[str]
) -> None:
    monkeypatch.setattr(keeper, "_SLICE_S", 0)  # a minute a turn
    monkeypatch.setattr(keeper, "_MANY", many)
    site.rule("counted", RANGED)
    site.now = START + 2 * MINUTE
    site.commit([START - n * MINUTE for n in range(200, 0, -1)])
    site.own().evaluate_due()
    [(counted_to,)] = site.rows("SELECT make_timestamp(until_no * 60000000) FROM minute_state")
    assert counted_to < START - 30 * MINUTE
    assert set(site.evaluated()) == asked
