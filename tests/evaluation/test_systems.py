"""Systems are asked as a running process asks its log."""

from __future__ import annotations

from datetime import timedelta

import pyarrow.compute as pc
import pytest

from .systems import START, Job, asked, plans, weeks


@pytest.mark.slow
def test_where_minutes_are_kept_they_answer_for_all_of_a_long_log() -> None:
    job = Job("step", seed=5, events_per_s=0.5, coverage=1.0, calm_min=180, is_kept=True)
    plan = plans.storm(
        job.shape, job.seed, job.events_per_s, job.coverage, job.failing, calm_min=job.calm_min
    )
    events = weeks.simulate(plan, job.seed).events
    end = START + timedelta(minutes=182)
    calm = events.filter(pc.less(events["occurred_s"], (end - START).total_seconds()))
    with asked(job, [calm], end) as (connection, _):
        [(has_effects,)] = connection.execute(
            "SELECT has_effects FROM _kept_minutes($since, $until, INTERVAL 1 MINUTE)",
            {"since": START - timedelta(hours=3), "until": end},
        ).fetchall()
    assert has_effects
