"""Each shipped rule over a small planted database: when it fires, and what it leaves alone."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime

import duckdb
import pytest

from stormwatch.alerts.asking import Pace, Watch, evaluate
from stormwatch.alerts.backtest import Fired
from stormwatch.alerts.engine import Episode, Step

from .planted import RULES, START, at, play, store

Row = dict[str, object]


def minutes_of(fired: Fired) -> tuple[float, float | None]:
    """When it fired and was over, in minutes after the start."""
    begin = (fired.fired_at - START).total_seconds() / 60
    return begin, None if fired.resolved_at is None else (fired.resolved_at - START).total_seconds() / 60


# --- backlog_growing -------------------------------------------------------------------------


def messages(sent: dict[int, int], handled: dict[int, int]) -> Iterator[Row]:
    """Messages sent and processed per minute, each evenly spread."""
    for operation, service, counts in (("send", "shop", sent), ("process", "worker", handled)):
        number = 0
        for minute, count in sorted(counts.items()):
            for place in range(count):
                yield {
                    "occurred_at": at(minute + place / count), "operation": operation, "service": service,
                    "stream": "work", "event_id": f"m{number}",
                }  # fmt: skip
                number += 1


def test_a_consumer_that_falls_behind_fires_and_one_that_catches_up_ends_it(
    database: duckdb.DuckDBPyConnection,
) -> None:
    handled = {minute: 100 if not 200 <= minute < 260 else 60 for minute in range(400)}
    handled |= dict.fromkeys(range(260, 320), 140)
    store(database, messages(dict.fromkeys(range(400), 100), handled))
    [fired] = play(database, "backlog_growing", (180, 400)).fired
    begin, end = minutes_of(fired)
    # 4 of 10 are left over from 200 on: a tenth of the window is so after 4 to 7 minutes, for 5 more.
    assert 207 <= begin <= 214
    assert fired.severity == "warn"
    assert fired.key == "work -> worker"
    assert end is not None
    assert 270 <= end <= 285


def test_a_burst_that_is_worked_off_is_no_backlog(database: duckdb.DuckDBPyConnection) -> None:
    sent = dict.fromkeys(range(400), 100) | {300: 2000}
    handled = dict.fromkeys(range(400), 100) | dict.fromkeys(range(301, 311), 300)
    store(database, messages(sent, handled))
    assert play(database, "backlog_growing", (180, 400)).fired == ()


# --- delivery_budget_burning -----------------------------------------------------------------


def arrivals(late_share: dict[int, float]) -> Iterator[Row]:
    """Ten numbered arrivals a minute; of each hour so large a share is late by one."""
    rng = random.Random(1)
    number = 0
    for minute in range(60 * (max(late_share) + 1)):
        for place in range(10):
            is_late = rng.random() < late_share[minute // 60]
            order = number + 2 if is_late else number
            yield {
                "occurred_at": at(minute + place / 10), "operation": "receive", "service": "billing",
                "stream": "orders", "event_id": f"o{order}-{number}", "sequence": order,
                "sequence_source": "producer",
            }  # fmt: skip
            number += 1


@pytest.mark.slow
def test_a_delivery_budget_that_burns_pages_and_is_over_in_the_end(
    database: duckdb.DuckDBPyConnection,
) -> None:
    store(database, arrivals({0: 0, 1: 0, 2: 0.1, 3: 0, 4: 0}))
    [fired] = play(database, "delivery_budget_burning", (90, 250)).fired
    begin, end = minutes_of(fired)
    assert fired.key.endswith("orders -> billing")
    assert (fired.severity, 120 < begin <= 135) == ("page", True)
    # The fast windows end with the fault, the half hour of the slow pair half an hour after it.
    assert end is not None
    assert 210 <= end <= 235


def test_of_a_handful_of_late_events_among_hundreds_nobody_is_told(
    database: duckdb.DuckDBPyConnection,
) -> None:
    # Ten times what is allowed, if it went on like that.
    store(database, arrivals({0: 0.01}))
    store(database, [{"occurred_at": at(-420), "operation": "process"}])
    assert play(database, "delivery_budget_burning", (0, 60)).fired == ()


# --- deadlock_surge --------------------------------------------------------------------------


def deadlocks(per_hour: list[int]) -> Iterator[Row]:
    for hour, count in enumerate(per_hour):
        yield {"occurred_at": at(60 * hour), "operation": "process", "event_id": f"alive-{hour}"}
        for place in range(count):
            yield {
                "occurred_at": at(60 * hour + 60 * (place + 0.5) / count), "operation": "deadlock",
                "event_id": f"d{hour}-{place}", "service": "db",
            }  # fmt: skip


def test_of_12_deadlocks_an_hour_23_are_a_surge_and_22_are_none(
    database: duckdb.DuckDBPyConnection,
) -> None:
    # Poisson: P(X >= 23 | 12) = 0.0030 and P(X >= 22 | 12) = 0.0061 > 1/168
    usual = [12, 9, 15, 11, 13, 8, 16, 12] * 6
    store(database, deadlocks([*usual, 22, 12, 23, 12, 12, 12]))
    [fired] = play(database, "deadlock_surge", (50 * 60, 53 * 60)).fired
    begin, end = minutes_of(fired)
    # The 23rd is in the last minutes of its hour; the hour after the next has no more than usual.
    assert 50 * 60 + 55 <= begin <= 51 * 60
    assert end is not None
    assert 52 * 60 < end <= 52 * 60 + 15


# --- lock_order_inverted ---------------------------------------------------------------------


def transaction(number: int, minute: float, *resources: str) -> Iterator[Row]:
    """Takes locks a tenth of a second apart and gives them back."""
    owner = f"worker-{number % 7}/tx-{number}"
    steps = [("lock_acquire", one) for one in resources] + [("lock_release", one) for one in resources]
    for place, (operation, resource) in enumerate(steps):
        yield {
            "occurred_at": at(minute + place / 600), "operation": operation, "event_id": f"l{number}-{place}",
            "attributes": f'{{"owner": "{owner}", "resource": "{resource}"}}',
        }  # fmt: skip


def lock_log(inverted: range) -> Iterator[Row]:
    rng = random.Random(2)
    for number in range(150):
        pair = [f"order-{rng.randrange(500)}", f"stock-{rng.randrange(50)}"]
        if number in inverted and number % 5 == 0:
            pair.reverse()
        yield from transaction(number, number + 0.3, *pair)


@pytest.mark.slow
def test_locks_taken_in_both_orders_fire_before_anything_deadlocks(
    database: duckdb.DuckDBPyConnection,
) -> None:
    store(database, lock_log(range(60, 80)))
    [fired] = play(database, "lock_order_inverted", (55, 150)).fired
    # Both orders are there from minute 60 on and seen when it ends; the last of the rarer order was
    # in minute 75, it leaves the hour in 136, and it takes ten minutes to be over.
    assert fired.key == "order-# / stock-#"
    assert minutes_of(fired) == (61, 146)
    assert "worker-4/tx-60 began with it by asking for order-" in fired.sentence


def test_one_order_for_all_is_no_inversion(database: duckdb.DuckDBPyConnection) -> None:
    store(database, lock_log(range(0)))
    assert play(database, "lock_order_inverted", (55, 85)).fired == ()


# --- log_silent, quarantine_growing ----------------------------------------------------------


def read_at(service: str, minutes: range) -> Iterator[Row]:
    for minute in minutes:
        yield {
            "ingested_at": at(minute + 0.5), "occurred_at": at(minute + 0.5), "service": service,
            "event_id": f"{service}-{minute}", "operation": "process",
        }  # fmt: skip


def silent_at(
    database: duckdb.DuckDBPyConnection,
    *minutes: int,
    watching_since: float = 0,
    episodes: Sequence[Episode] = (),
) -> tuple[Sequence[Episode], list[str]]:
    """Ask log_silent at some minutes alone; its episodes afterwards, and what was told of which."""
    told: list[str] = []

    def keep(_: datetime, after: Step) -> Sequence[Episode]:
        told.extend(f"{minute} {one.kind} {one.episode.sentence}" for one in after.changes)
        return after.episodes

    watch = Watch(Pace(), at(watching_since))
    for minute in minutes:
        span = (at(minute - 1), at(minute))
        episodes = evaluate(database, RULES["log_silent"], watch, span, episodes, keep)
    return episodes, told


def test_a_service_that_stops_writing_is_missed_and_one_that_seldom_writes_is_not(
    database: duckdb.DuckDBPyConnection,
) -> None:
    store(
        database,
        [
            *read_at("billing", range(120)), *read_at("billing", range(150, 180)),
            *read_at("shop", range(180)), *read_at("report", range(0, 180, 5)),
            *read_at("batch", range(90, 120)),
        ],
    )  # fmt: skip
    [fired] = play(database, "log_silent", (119, 153)).fired
    # Every minute before, so 5 minutes are allowed: 119.5 to 124.5. It writes again in minute 150.
    assert (fired.key, *minutes_of(fired)) == ("billing", 125, 151)


def test_a_pause_that_there_was_the_day_before_is_usual(database: duckdb.DuckDBPyConnection) -> None:
    day = 24 * 60
    store(
        database,
        [
            *read_at("shop", range(day + 260)),
            *read_at("nightly", range(180)), *read_at("nightly", range(day + 10, day + 170)),
        ],
    )  # fmt: skip
    assert silent_at(database, day + 165, day + 180, day + 220, day + 250)[1] == []
    assert silent_at(database, 180, 190)[1] == ["190 firing nightly has been silent for 10 minutes"]


def test_what_is_gone_for_good_is_over_with_a_reason(database: duckdb.DuckDBPyConnection) -> None:
    store(database, [*read_at("pod-1", range(130)), *read_at("shop", range(400))])
    firing, told = silent_at(database, 134, 135)
    assert told == ["135 firing pod-1 has been silent for 6 minutes"]
    gone = "pod-1 has been silent for {} minutes; silent for three hours, it is taken for gone"
    assert silent_at(database, 309, 310, 390, episodes=firing)[1] == [f"310 resolved {gone.format(180)}"]
    # The process was down for longer than it looks back.
    store(database, read_at("shop", range(900, 1000)))
    assert silent_at(database, 951, watching_since=950, episodes=firing)[1] == [
        f"951 resolved {gone.format(6)}"
    ]


def test_when_everything_is_silent_it_is_one_alert_and_no_recovery(
    database: duckdb.DuckDBPyConnection,
) -> None:
    store(database, [*read_at("billing", range(120)), *read_at("shop", range(118))])
    episodes, told = silent_at(database, 120, 123, 125, 200, 310, 400, 500)
    assert [(one.key, one.state) for one in episodes] == [("shop", "firing"), ("all logs", "firing")]
    # That nobody watched does not make it well.
    episodes, told = silent_at(database, 502, 520, watching_since=501, episodes=episodes)
    assert told == []
    store(database, read_at("shop", range(600, 610)))
    assert [one.split()[1] for one in silent_at(database, 605, episodes=episodes)[1]] == ["resolved"] * 2


def test_a_log_that_is_not_understood_is_said(database: duckdb.DuckDBPyConnection) -> None:
    for minute in range(60):
        rejects = 90 if 20 <= minute < 30 else 0
        database.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?, 1, NULL, 1)",
            [minute, at(minute), 100 - rejects, rejects],
        )
    [fired] = play(database, "quarantine_growing", (0, 60)).fired
    begin, end = minutes_of(fired)
    # One minute in fifteen is 6 %; three in a row.
    assert (begin, fired.severity) == (23, "warn")
    assert end is not None


# --- all of them -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule", ["backlog_growing", "work_repeated", "lock_order_inverted", "deadlock_surge", "log_silent"]
)
def test_an_empty_database_has_no_alerts(rule: str, database: duckdb.DuckDBPyConnection) -> None:
    result = play(database, rule, (0, 30))
    assert (result.fired, result.evaluation_count > 0, result.firing_ratio) == ((), True, 0)
