"""What a back-test says of crashes, and up to where it plays by default."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stormwatch.alerts.requests import play_again
from stormwatch.errors import ConfigError

from .planted import MINUTE, START
from .watched import Site


def _played(site: Site, **body: object) -> dict[str, Any]:
    """The back-test of a rule over a log that ends, too busy, half a minute after START."""
    site.rule("counted")
    site.commit(
        [
            *[START - number * MINUTE for number in range(20, 0, -1)],
            *[START + number * MINUTE / 20 for number in range(10)],
        ]
    )
    with site.store.cursor() as cursor:
        return play_again(cursor, site.own().config, {"rule": "counted", **body})


def test_what_a_log_ends_with_is_played_as_it_was_evaluated_when_it_was_quiet(site: Site) -> None:
    [fired] = _played(site)["fired"]
    assert (fired["fired_at"], fired["resolved_at"]) == ("2026-11-20T00:01:00Z", None)


def test_a_log_that_is_ahead_of_the_clock_is_played_as_it_is_evaluated(site: Site) -> None:
    site.now -= timedelta(days=365)
    [fired] = _played(site)["fired"]
    assert fired["fired_at"] == "2026-11-20T00:01:00Z"


@pytest.mark.parametrize("seconds", [60, 90, 3600])
def test_a_crash_after_the_last_line_is_announced_by_what_still_fires(site: Site, seconds: int) -> None:
    crash = START + seconds * MINUTE / 60
    played = _played(site, crashes=[crash.isoformat()])
    assert (played["false_alarms"], played["missed"]) == (0, [])
    assert [one["lead_min"] for one in played["fired"]] == [seconds / 60 - 1]


def test_of_a_crash_outside_of_what_is_played_nothing_is_said(site: Site) -> None:
    until = (START + 5 * MINUTE).isoformat()
    for crash in ("2026-11-19", "2026-11-21"):
        with pytest.raises(ConfigError, match=f"nothing can be said of a crash at {crash}"):
            _played(site, until=until, crashes=[crash])
