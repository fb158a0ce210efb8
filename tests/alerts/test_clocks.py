"""Clocks and dates that are wrong: no rule is blind because of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from .planted import MINUTE, START
from .watched import Site, burst, calm, settle, tells


@pytest.mark.parametrize("ahead", [timedelta(minutes=50), timedelta(days=200)])
def test_lines_of_a_later_date_blind_no_rule(site: Site, ahead: timedelta) -> None:
    alerts = calm(site)
    site.now += 400 * timedelta(days=1)  # the log is one of the past: the wall clock tells nothing
    site.commit([START + ahead] * 5)
    settle(alerts)
    assert site.evaluated()["counted"][0] <= START
    assert f"says {START + ahead}" in str(alerts.problem)
    assert tells(site, alerts, START + 3 * MINUTE)


def test_a_service_whose_clock_is_ahead_blinds_no_rule(site: Site) -> None:
    alerts = calm(site)
    site.commit([START + 58 * MINUTE] * 30, "ahead", file_id=2)
    settle(alerts)
    site.now += 4 * MINUTE
    site.commit([START + 62 * MINUTE] * 30, "ahead", file_id=2)
    assert tells(site, alerts, START + 3 * MINUTE)
    assert site.fired() == {"shop"}
    # All are ahead: the one that is so by less.
    site.commit([*burst(START + 9 * MINUTE, 30), START + 9.5 * MINUTE])
    settle(alerts)
    assert site.evaluated()["counted"][0] == START + 9 * MINUTE


def test_after_a_pause_the_log_is_believed_once_most_lines_agree(site: Site) -> None:
    alerts = calm(site)
    site.now += timedelta(days=2)
    assert tells(site, alerts, START + timedelta(days=1))
    assert alerts.problem is None


def test_a_log_that_jumps_back_is_evaluated_from_there(site: Site) -> None:
    alerts = calm(site)
    assert tells(site, alerts, START - timedelta(days=1))
    assert "went back from" in site.evaluated()["counted"][1]


def test_a_wall_clock_that_is_set_back_stops_nothing(site: Site) -> None:
    site.now += timedelta(hours=2)
    site.rule("counted")
    alerts = site.alerts(lambda name: name in {"counted", "log_silent"})
    site.commit([START - number * MINUTE for number in range(20, 0, -1)])
    settle(alerts)
    site.now = START + 4 * MINUTE
    assert tells(site, alerts, START + 3 * MINUTE)
    assert site.evaluated()["log_silent"][0] == START + 4 * MINUTE
