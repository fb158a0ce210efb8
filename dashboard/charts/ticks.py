"""Ticks of a time axis in another zone than UTC: they stand at UTC and say what clocks of the zone show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from dashboard import zone

_AT_MOST: Final = 8
_SECOND, _MINUTE, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
_STEPS: Final = (
    *(timedelta(milliseconds=step) for step in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(timedelta(seconds=step) for step in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=step) for step in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=step) for step in (1, 2, 3, 6, 12)),
    *(timedelta(days=step) for step in (1, 2, 7, 14)),
)
"""Distances between two ticks that clocks make round."""


def of(since: datetime, until: datetime) -> dict[str, Any]:
    """The ticks of a window (UTC) as settings of its axis: at most nine, at round times of the zone.

    A time that clocks skip has no tick, and of one that comes twice the first has it.
    """
    step = _step(until - since)
    shown = zone.local(since)
    midnight = shown.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + -(-(shown - midnight) // step) * step
    values, texts, day = [], [], None
    while (instant := zone.utc(at)) <= until:
        if instant >= since and zone.local(instant) == at:
            values.append(instant.isoformat())
            texts.append(_text(at, step, is_new_day=at.date() != day))
            day = at.date()
        at += step
    return {"tickmode": "array", "tickvals": values, "ticktext": texts}


def _step(span: timedelta) -> timedelta:
    whole_days = (-(-span // (_AT_MOST * _DAY))) * _DAY
    return next((step for step in _STEPS if span <= _AT_MOST * step), whole_days)


def _text(at: datetime, step: timedelta, *, is_new_day: bool) -> str:
    if step >= _DAY:
        return f"{at:%m-%d}<br>{at:%Y}"
    if step >= _MINUTE:
        text = f"{at:%H:%M}"
    elif step >= _SECOND:
        text = f"{at:%H:%M:%S}"
    else:
        text = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"
    return f"{text}<br>{at:%Y-%m-%d}" if is_new_day else text
