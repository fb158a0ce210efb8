"""What is told of a system is counted rightly, and the weeks it is asked of are as they are called."""

from __future__ import annotations

import numpy as np
import pytest

from .deadlocks import WEEK_H
from .systems import Job, plans
from .told import DELIVERIES, RULES, Told, deliveries, false_alarms, leads

JOB = Job("step", 1, 1.0, 1.0)
WARNED = ("storm_ahead", "a", 100.0, (("watch", 100.0), ("warn", 130.0)))
WATCHED = ("storm_ahead", "b", 40.0, (("watch", 40.0),))
REPEATED = ("work_repeated", "retry", 50.0, (("warn", 50.0),))


def test_an_alarm_counts_at_the_severities_it_reached() -> None:
    week = Told(
        JOB, (WARNED, WATCHED, REPEATED), {"storm_ahead": 10080.0, "work_repeated": 1440.0}, None, None
    )
    assert (
        false_alarms([week], "storm_ahead", "watch").count,
        false_alarms([week], "storm_ahead", "warn").count,
    ) == (2, 1)
    found = false_alarms([week, week], "work_repeated", "warn")
    assert (found.count, found.weeks) == (2, pytest.approx(2 / 7))


def test_a_lead_is_from_when_the_severity_was_reached() -> None:
    storm = Told(JOB, (WARNED, WATCHED, REPEATED), {}, 60, 200)
    missed = Told(JOB, (WATCHED,), {}, 60, 200)
    told = leads([storm, missed], ["storm_ahead", "work_repeated"], "warn")
    assert told.minutes[0] == 70
    assert np.isnan(told.minutes[1])
    assert told.early == 1


def test_everyday_deliveries_deserve_no_alarm() -> None:
    plan = plans.everyday(5, 4, 4, 0.95)
    found = deliveries.messages(plan, 5)
    operation = np.array(found["operation"].to_pylist())
    sent, received = (int((operation == one).sum()) for one in ("send", "receive"))
    flagged = int(found["is_redelivered"].to_numpy(zero_copy_only=False).sum())
    assert received == sent + flagged
    # Within what delivery_budgets allows: one in a thousand.
    assert 0 < flagged < 0.001 * sent + 60
    assert np.all(np.diff(found["occurred_s"].to_numpy()) >= 0)


def test_everyday_locks_are_taken_in_one_order() -> None:
    plan = plans.everyday(5, 7, 4, 0.95)
    found = deliveries.locks(plan, 5).to_pylist()
    held: dict[str, list[str]] = {}
    for one in found:
        if one["operation"] == "lock_acquire":
            held.setdefault(one["owner"], []).append(one["resource"])
    assert len(held) > 1000
    assert {tuple(name.split("-")[0] for name in names) for names in held.values()} == {("account", "till")}
    count = sum(one["operation"] == "deadlock" for one in found)
    assert count == pytest.approx(12 * WEEK_H, rel=0.2)


def test_the_rules_are_those_that_can_be_played_again() -> None:
    assert set(RULES) == {*DELIVERIES, "storm_ahead"}
    assert {"log_silent", "quarantine_growing"}.isdisjoint(RULES)
