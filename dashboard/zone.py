"""The time zone that times are shown in. What is stored, asked and exported stays UTC.

A choice of the person who looks: `use` takes it before anything is drawn, and words, tables and axes
follow it. Pictures stand on UTC and only name their hours in the zone, so that an hour that comes
twice, or never, is as long as any other.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

DEFAULT: Final = "UTC"
BROWSER: Final = "browser"
"""The zone of whoever looks, as their browser tells it."""
_NOT_PLACES: Final = ("Etc/", "SystemV/", "US/", "posix/", "right/")
"""Older names of zones that have one of the form Area/Place."""
_used: ContextVar[ZoneInfo | None] = ContextVar("zone", default=None)


@cache
def choices() -> tuple[str, ...]:
    """What can be chosen: UTC, the browser's, every zone of the IANA database by its place."""
    places = sorted(
        name for name in available_timezones() if "/" in name and not name.startswith(_NOT_PLACES)
    )
    return (DEFAULT, BROWSER, *places)


def use(chosen: str | None, of_browser: str | None = None) -> None:
    """Show times in this zone from here on; one that this machine does not know is UTC."""
    wanted = of_browser if chosen == BROWSER else chosen
    _used.set(None if wanted in (None, DEFAULT) else _known(str(wanted)))


def _known(wanted: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(wanted)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def name() -> str:
    """What the zone is called: 'UTC', 'Europe/Berlin'."""
    used = _used.get()
    return DEFAULT if used is None else used.key


def place() -> str:
    """The same in a word, for heads of columns: 'UTC', 'Berlin'."""
    return name().rpartition("/")[2].replace("_", " ")


def is_utc() -> bool:
    """Whether times are shown as they are stored."""
    return _used.get() is None


def local(instant: datetime) -> datetime:
    """What clocks of the zone show at an instant (UTC without zone); without zone as well."""
    used = _used.get()
    if used is None:
        return instant
    try:
        return instant.replace(tzinfo=UTC).astimezone(used).replace(tzinfo=None)
    except OverflowError:  # at the very ends of the calendar
        return instant


def utc(shown: datetime) -> datetime:
    """The instant at which clocks of the zone show this, the first of two; UTC without zone.

    What clocks skip is as long after the skip as it is after its begin.
    """
    used = _used.get()
    if used is None:
        return shown
    try:
        return shown.replace(tzinfo=used, fold=0).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return shown


def written(instant: datetime) -> str:
    """An instant as the address holds it, to the millisecond, with its offset unless that is UTC."""
    used = _used.get()
    if used is None:
        return instant.isoformat(timespec="milliseconds")
    return instant.replace(tzinfo=UTC).astimezone(used).isoformat(timespec="milliseconds")
