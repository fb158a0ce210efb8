"""Whose turn it is where rules take long: the most urgent is asked often, and every other in the end."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from stormwatch.alerts import service
from stormwatch.alerts.rules import Rule
from stormwatch.alerts.service import Alerts

from .planted import START
from .watched import Site

_HOURS = 2


class Clock:
    """Passes only when it is told to."""

    def __init__(self) -> None:
        self.s = 1000.0

    def monotonic(self) -> float:
        return self.s


@pytest.mark.slow
@pytest.mark.parametrize("slow", [{"dear", "dearer"}, {"storm_ahead", "backlog_growing", "work_repeated"}])
def test_rules_that_take_long_keep_no_other_from_being_asked(
    site: Site, slow: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("dear", "dearer"):
        site.rule(name)
    site.commit([START])
    alerts, clock = site.alerts(), Clock()
    asked, minutes = Counter[str](), dict[str, float]()
    monkeypatch.setattr(service, "time", clock)

    def take(_: Alerts, rule: Rule, __: object) -> bool:
        """A new instant every minute."""
        if minutes.get(rule.name) == clock.s // 60:
            return False
        minutes[rule.name] = clock.s // 60
        asked[rule.name] += 1
        clock.s += 10.0 if rule.name in slow else 0.1
        return True

    monkeypatch.setattr(Alerts, "evaluate_rule", take)
    began = clock.s
    while clock.s - began < _HOURS * 3600:
        before = clock.s
        is_busy = alerts.evaluate_due()
        clock.s += service.rest_s(clock.s - before, is_busy=is_busy, is_reading=True)
        site.now = START + timedelta(seconds=clock.s - began)
    assert asked.keys() == alerts.config.rules.keys()
    assert min(asked.values()) >= _HOURS * 4, asked
    assert asked["storm_ahead"] == max(asked[name] for name in {"storm_ahead", *slow})


def test_what_took_long_has_all_rules_rest_long_only_while_something_is_read() -> None:
    assert service.rest_s(30, is_busy=True, is_reading=True) == 90
    assert service.rest_s(30, is_busy=True, is_reading=False) == 30
    assert service.rest_s(1, is_busy=True, is_reading=True) == 1
    assert service.rest_s(0, is_busy=False, is_reading=False) == service._LOOK_S
