"""Ages that people write: how far back events are kept."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from stormwatch.errors import ConfigError

OFF: Final = "off"
_AGE: Final = re.compile(r"(\d{1,6})\s*(min|minutes?|h|hours?|d|days?|w|weeks?)")
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
"""By their first letter, which alone could be minutes or months where it is an m."""
_LEAST: Final = timedelta(hours=1)
_MOST: Final = timedelta(days=36_600)
_WRITTEN: Final = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))


def age_of(text: object, what: str) -> timedelta:
    """The age that a text such as `30d`, `36h`, `4 weeks` or `90min` means; `what` is who says so.

    Raises:
        ConfigError: it means none, or less than an hour.
    """
    found = _AGE.fullmatch(str(text).strip())
    if found is None:
        raise ConfigError(f"{what} {text}: expected an age such as 30d, 36h, 4w or 90min")
    age = int(found[1]) * _UNITS[found[2][0]]
    if not _LEAST <= age <= _MOST:
        raise ConfigError(f"{what} {text}: expected an hour at least, and at most a hundred years")
    return age


def retention_of(text: object, what: str) -> timedelta | None:
    """The same, where `off` means that everything is kept: None.

    Raises:
        ConfigError: as `age_of`.
    """
    return None if text is None or str(text).strip().lower() in {"", OFF} else age_of(text, what)


def age_text(age: timedelta) -> str:
    """An age as it can be written, in the largest unit that divides it."""
    name, unit = next((name, unit) for name, unit in _WRITTEN if not age % unit)
    return f"{age // unit}{name}"
