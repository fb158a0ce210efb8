"""How far back events are kept, as people write it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stormwatch.errors import ConfigError
from stormwatch.retention.ages import age_of, age_text, retention_of


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("30d", timedelta(days=30)),
        (" 36 h ", timedelta(hours=36)),
        ("4w", timedelta(weeks=4)),
        ("90min", timedelta(minutes=90)),
        ("1 day", timedelta(days=1)),
        ("2 weeks", timedelta(weeks=2)),
    ],
)
def test_ages_that_are_understood(text: str, age: timedelta) -> None:
    assert age_of(text, "x") == age
    assert age_of(age_text(age), "x") == age


@pytest.mark.parametrize(
    "text", ["", "30", "30m", "3 months", "-1d", "1.5d", "59min", "0d", "9999999d", "40000d", "d", "30 d d"]
)
def test_what_could_be_anything_deletes_nothing(text: str) -> None:
    with pytest.raises(ConfigError, match="--retention"):
        age_of(text, "--retention")


@pytest.mark.parametrize("text", [None, "", "off", " OFF "])
def test_without_an_age_everything_is_kept(text: str | None) -> None:
    assert retention_of(text, "x") is None
