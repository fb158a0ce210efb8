"""Clocks and dates that are wrong: no rule is blind because of them, and no receiver is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stormwatch.alerts import delivery
from stormwatch.alerts.config import Route
from stormwatch.alerts.delivery import Delivery
from stormwatch.alerts.ledger import wall_now
from stormwatch.storage import Store
from tests.cli.receiver import Receiver

from .outbox import queue
from .planted import MINUTE, START
from .watched import Site, burst, calm, settle, tells


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("jump", [timedelta(hours=3), -timedelta(days=1)])
def test_a_wall_clock_that_jumps_is_no_silence_and_hides_none(site: Site, jump: timedelta) -> None:
    """As when the machine slept, or its clock was set."""
    alerts = site.alerts(lambda name: name == "log_silent")
    write_for_hours(site)
    settle(alerts)
    site.now += jump
    settle(alerts)
    assert site.fired() == set()
    if jump < timedelta(0):
        write_for_hours(site)
    silent_min = 0
    while not site.fired() and silent_min < 60:
        site.now += MINUTE
        silent_min += 1
        settle(alerts)
    assert (site.fired(), 5 <= silent_min <= 20) == ({"all logs"}, True), silent_min


def write_for_hours(site: Site) -> None:
    """Write a line every four minutes, as many as a silence is judged by."""
    for _ in range(40):
        site.now += 4 * MINUTE
        site.commit([site.now])


@pytest.mark.slow
@pytest.mark.parametrize("is_down", [True, False])
def test_a_receiver_that_failed_before_the_clock_was_set_back_is_tried_again(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, *, is_down: bool
) -> None:
    route = Route("hook", "webhook", receiver.url)
    queue(store, route)
    sender = Delivery(store, {"hook": route})
    if is_down:
        receiver.down()
    receiver.status = 500
    with monkeypatch.context() as ahead:
        ahead.setattr(delivery, "wall_now", lambda: wall_now() + timedelta(days=1))
        assert sender.deliver() == 0
    if is_down:
        receiver.up()
    receiver.status = 200
    assert sender.deliver() == 1


def test_an_alertmanager_is_told_again_after_the_clock_was_set_back(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = Route("manager", "alertmanager", receiver.url)
    queue(store, route)
    sender = Delivery(store, {"manager": route})
    with monkeypatch.context() as ahead:
        ahead.setattr(delivery, "wall_now", lambda: wall_now() + timedelta(days=1))
        sender.deliver()
    known = len(receiver.got)
    sender.deliver()
    assert len(receiver.got) == known + 1
