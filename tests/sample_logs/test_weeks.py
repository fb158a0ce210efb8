"""The bulk simulator keeps to its plan: what was put in is what comes out, counted another way."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest

from stormwatch.resources import SAMPLE_LOGS

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
import other_storms  # type: ignore[import-not-found]
import plans  # type: ignore[import-not-found]
import weeks  # type: ignore[import-not-found]


@pytest.fixture(scope="module")
def day() -> tuple[Any, Any]:
    plan = plans.everyday(3, days=1, events_per_s=4, coverage=0.9)
    return plan, weeks.simulate(plan, 3)


def edges(run: Any) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Events by type, and cause and effect pairs by their types."""
    events = run.events
    ids, causes, kinds = (events[name].to_pylist() for name in ("id", "cause_id", "event_type"))
    types = dict(zip(ids, kinds, strict=True))
    pairs = Counter(
        (types[cause], types[effect])
        for effect, cause in zip(ids, causes, strict=True)
        if cause is not None and cause in types
    )
    return Counter(types.values()), pairs


def test_the_same_seed_gives_the_same_events() -> None:
    def written(seed: int) -> Any:
        return weeks.simulate(plans.everyday(seed, days=0.2, events_per_s=2, coverage=0.95), seed).events

    assert written(1) == written(1)
    assert written(1) != written(2)


def test_however_it_is_cut_the_same_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plans.everyday(6, days=1, events_per_s=0.3, coverage=0.9)
    plan.file_lost[600:900] = True
    run = weeks.simulate(plan, 6)
    whole = run.events
    assert run.born_count > whole.num_rows > 0
    monkeypatch.setattr(weeks, "_PIECE", 1_000)
    assert len(list(run.pieces())) > 5
    assert run.events.combine_chunks().equals(whole.combine_chunks())


def test_each_type_causes_what_it_should(day: tuple[Any, Any]) -> None:
    plan, run = day
    events, pairs = edges(run)
    for cause, effect, mean in (
        ("order.placed", "order.step", 1.4),
        ("order.step", "order.notified", 0.6),
        ("batch.begun", "batch.item", 30.0),
    ):
        found = pairs[cause, effect] / events[cause] / plan.coverage
        assert found == pytest.approx(mean, rel=0.03), (cause, effect)
    assert pairs["timer.due", "timer.due"] / events["timer.due"] == pytest.approx(plan.coverage, abs=0.02)


def test_the_gain_is_that_of_the_plan(day: tuple[Any, Any]) -> None:
    plan, run = day
    events, pairs = edges(run)
    loop = [pair for pair in pairs if set(pair) <= {"order.retried", "order.reserved"}]
    product = np.prod([pairs[pair] / events[pair[0]] for pair in loop]) ** (1 / len(loop))
    assert product / plan.coverage == pytest.approx(np.average(run.gain, weights=plan.orders), abs=0.06)
    assert run.crashed_min is None


def test_weeks_hold_every_look_alike_and_none_is_critical_for_long() -> None:
    weeks_of_life = [plans.everyday(seed, days=7, events_per_s=1, coverage=1) for seed in range(12)]
    assert {span.kind for plan in weeks_of_life for span in plan.benign} == {
        "deploy", "nightly batch", "blip", "flash crowd", "plateau below criticality", "replay",
        "clock skew", "restart", "late file", "traffic step", "DST", "daily peak", "weekend",
        "self-rescheduling timers",
    }  # fmt: skip
    for plan in weeks_of_life:
        in_blips = np.zeros(len(plan.gain), bool)
        for span in plan.benign:
            in_blips[span.begin_min : span.end_min] |= span.kind == "blip"
        assert plan.gain[~in_blips].max() < 0.8
        assert plan.gain.max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("shape", plans.SHAPES)
def test_a_storm_ends_in_a_crash_after_its_gain_was_above_one(shape: str) -> None:
    plan = plans.storm(shape, 5, events_per_s=1, coverage=0.95)
    run = weeks.simulate(plan, 5)
    assert plan.storm is not None
    assert run.crashed_min is not None
    assert plan.storm.begin_min < run.crashed_min
    assert run.gain[plan.storm.begin_min : run.crashed_min].max() >= 1
    assert run.gain[: plan.storm.begin_min].max() <= 1
    assert run.events["occurred_s"].to_numpy().max() < (run.crashed_min + 3) * 60 + 120


@pytest.mark.parametrize("cause", other_storms.CAUSES)
def test_other_storms_work_at_their_capacity_and_die_with_a_full_queue(cause: str) -> None:
    story = other_storms.tell(cause, 2, events_per_s=1)
    assert story.crashed_min is not None
    assert story.begun_min < story.crashed_min
    processed = story.events["operation"].to_numpy(zero_copy_only=False) == "process"
    times = story.events["occurred_s"].to_numpy()[processed]
    per_min = story.queue_limit / 15
    last_ten = ((times > (story.crashed_min - 10) * 60) & (times < story.crashed_min * 60)).sum() / 10
    assert last_ten == pytest.approx(per_min, rel=0.05)
    assert np.bincount((times // 60).astype(int)).max() <= per_min + 2
