"""Numbers, sizes, spans and instants as people read them; instants in the zone that is shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from dashboard import zone

_STEPS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BYTE_STEPS: Final = ((1024**4, "TiB"), (1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
NONE: Final = "–"
"""Shown where there is no value."""
_SPACE: Final = "\u00a0"
_SECOND_US: Final = 1_000_000


def _digits(value: float) -> str:
    """Three significant digits, no trailing zeros."""
    if abs(value) >= 100:  # noqa: PLR2004 - as many digits as help
        return f"{value:.0f}"
    return f"{value:.1f}".rstrip("0").rstrip(".") if abs(value) >= 10 else f"{value:.2g}"  # noqa: PLR2004 - as many digits as help


def count(value: float | None) -> str:
    """1234 -> '1,234'; 28379 -> '28.4 k'; None -> an en dash."""
    if value is None:
        return NONE
    if abs(value) < 10_000:  # noqa: PLR2004 - as many digits as help
        return f"{value:,.0f}" if value == int(value) else _digits(value)
    for size, suffix in _STEPS:
        if abs(value) >= size * 0.9995:
            return f"{_digits(value / size)}{_SPACE}{suffix}"
    return f"{value:,.0f}"


def per_second(value: float | None) -> str:
    """41300 -> '41.3 k/s'."""
    if value is None:
        return NONE
    return f"{count(round(value))}/s" if value >= 100 else f"{_digits(value)}/s"  # noqa: PLR2004 - as many digits as help


def rate(per_s: float) -> str:
    """A rate in the unit that reads best: '1.4 k/s', '6.4/min', '0.5/h'."""
    for length, unit in ((1, "s"), (60, "min"), (3600, "h")):
        if per_s * length >= 1 or unit == "h":
            break
    return f"{per_second(per_s * length).removesuffix('/s')}/{unit}"


def size(value: float | None) -> str:
    """Bytes in binary units: 1536 -> '1.5 KiB'."""
    if value is None:
        return NONE
    for step, suffix in _BYTE_STEPS:
        if abs(value) >= step:
            return f"{_digits(value / step)}{_SPACE}{suffix}"
    return f"{value:.0f}{_SPACE}B"


def percent(ratio: float | None) -> str:
    """0.0712 -> '7.1 %'; small shares keep two significant digits, 0 is '0 %'."""
    if ratio is None:
        return NONE
    value = ratio * 100
    if value == 0:
        return f"0{_SPACE}%"
    if value < 0.01:  # noqa: PLR2004 - as many digits as help
        return f"<{_SPACE}0.01{_SPACE}%"
    text = f"{value:.1f}" if value >= 1 else f"{value:.2g}"
    return f"{text.removesuffix('.0')}{_SPACE}%"


def milliseconds(value: float | None) -> str:
    """35.2 -> '35 ms'; 1234 -> '1.2 s'; 90000 -> '1 min 30 s'."""
    if value is None:
        return NONE
    if value < 1000:  # noqa: PLR2004 - as many digits as help
        return f"{_digits(value)}{_SPACE}ms"
    if value < 60_000:  # noqa: PLR2004 - as many digits as help
        return f"{_digits(value / 1000)}{_SPACE}s"
    return span(timedelta(milliseconds=value))


def span(value: timedelta) -> str:
    """The two largest units of a span: '2 d 3 h', '1 min 30 s', '4 s'."""
    total = int(value.total_seconds())
    if total < 60:  # noqa: PLR2004 - as many digits as help
        seconds = value / timedelta(seconds=1)
        return f"{_digits(seconds) if seconds else '0'}{_SPACE}s"
    for unit, length, lower, lower_length in (
        ("d", 86_400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if total >= length:
            rest = total % length // lower_length
            first = f"{total // length}{_SPACE}{unit}"
            return f"{first} {rest}{_SPACE}{lower}" if rest else first
    return NONE


def instant(value: datetime | None) -> str:
    """An instant to the second: '2026-11-23 09:18:26'."""
    return NONE if value is None else f"{zone.local(value):%Y-%m-%d %H:%M:%S}"


def minute(value: datetime) -> str:
    """An instant to the minute: '2026-11-23 09:18'."""
    return f"{zone.local(value):%Y-%m-%d %H:%M}"


def clock(value: datetime | None) -> str:
    """The time of day of an instant: '09:18:26'."""
    return NONE if value is None else f"{zone.local(value):%H:%M:%S}"


def precise(value: datetime | None) -> str:
    """An instant to the millisecond."""
    return NONE if value is None else f"{zone.local(value):%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"


def interval(since: datetime, until: datetime) -> str:
    """A half-open interval in the fewest words: the date is not said twice."""
    first, last = zone.local(since), zone.local(until)
    if first.date() == last.date():
        return f"{first:%Y-%m-%d} {first:%H:%M:%S} – {last:%H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M}"


def plural(number: float | None, noun: str, nouns: str | None = None) -> str:
    """'1 deadlock', '2,448 deadlocks'."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"
