"""A real storm and a real burst over RabbitMQ, by the broker's own memory alarm.

Both last two minutes, so the windows are scaled to that: seconds for minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from .conftest import Ingest, Ingested

SERVICES = "*-[0-9].jsonl"
SECOND = timedelta(seconds=1)
GAIN = (
    "FROM loop_gain(bucket := INTERVAL 1 SECOND, span := INTERVAL 5 SECOND, baseline := INTERVAL 10 MINUTE)"
)
LOOP = "cache.invalidated <-> price.changed <-> refresh.requested"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def ended(storm: Ingested) -> datetime:
    """When the broker had no memory left; if it was large enough, when it was over."""
    if alarm := storm.truth["broker_memory_alarm_at"]:
        return instant(alarm)
    return instant(storm.truth["t0"]) + timedelta(seconds=storm.truth["schedule"][-1]["to_s"])


def first_at(found: Ingested, *levels: str) -> datetime:
    """When the first of these levels was known."""
    names = ", ".join(f"'{level}'" for level in levels)
    [[known]] = found.rows(f"SELECT min(bucket_start) + INTERVAL 1 SECOND {GAIN} WHERE level IN ({names})")
    assert isinstance(known, datetime)
    return known


def test_the_storm_is_announced_before_the_memory_alarm_of_the_broker(ingest: Ingest) -> None:
    storm = ingest("made_storm_dev", SERVICES)
    began = instant(storm.truth["t0"]) + timedelta(seconds=storm.truth["R_first_above_1_at_s"])
    alarm = ended(storm)
    warned = first_at(storm, "warn", "page", "storm")
    assert began < warned < alarm - timedelta(seconds=5)
    assert storm.rows(f"SELECT DISTINCT loop {GAIN} WHERE level IN ('warn', 'page', 'storm')") == [(LOOP,)]


def test_a_person_is_told_before_the_memory_alarm_of_the_broker(ingest: Ingest) -> None:
    storm = ingest("made_storm_dev", SERVICES)
    began = instant(storm.truth["t0"]) + timedelta(seconds=storm.truth["R_first_above_1_at_s"])
    alarm = ended(storm)
    [fired] = storm.told("storm_ahead", SECOND)
    assert (fired.key, fired.severity) == (LOOP, "storm")
    assert began < fired.fired_at < alarm - timedelta(seconds=5)
    assert fired.resolved_at is None  # it has not been over


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule", ["storm_ahead", "work_repeated", "backlog_growing", "delivery_budget_burning"]
)
def test_of_a_burst_nobody_is_told(rule: str, ingest: Ingest) -> None:
    assert ingest("made_burst_dev", SERVICES).told(rule, SECOND) == ()


def test_its_gain_is_that_of_the_plan(ingest: Ingest) -> None:
    storm = ingest("made_storm_dev", SERVICES)
    calm, wild = storm.truth["schedule"][1:]
    t0 = instant(storm.truth["t0"])

    def mean(since_s: int, until_s: int) -> float:
        since, until = t0 + timedelta(seconds=since_s), t0 + timedelta(seconds=until_s)
        gain: float = storm.one(
            f"SELECT avg(gain) {GAIN} WHERE bucket_start >= TIMESTAMP '{since}'"
            f" AND bucket_start < TIMESTAMP '{until}'"
        )
        return gain

    assert abs(mean(60, 88) - calm["measured_children_per_handled_event"]) < 0.05
    assert abs(mean(95, 98) - wild["measured_children_per_handled_event"]) < 0.1


def test_a_burst_of_ten_times_the_traffic_is_calm(ingest: Ingest) -> None:
    burst = ingest("made_burst_dev", SERVICES)
    assert burst.counts(f"SELECT coalesce(level, 'cannot be told'), count(*) {GAIN} GROUP BY ALL").keys() == {
        "calm",
        "cannot be told",
    }
    assert burst.one(f"SELECT max(gain_lower) < 0.7 {GAIN}")


def test_its_chains_come_back_to_the_same_key(ingest: Ingest) -> None:
    storm = ingest("made_storm_dev", SERVICES)
    turns = storm.one("SELECT max(turns) FROM causal_loops()")
    # Three types go round, the first chain's root stands at depth 0.
    assert turns == storm.truth["max_depth"] // 3 + 1
