"""A sparkline: how a number of a tile came about over the window, as bars of a few pixels without axes.

Source: E. Tufte, "Beautiful Evidence", 2006: data-intense, design-simple, word-sized graphics.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final
from urllib.parse import quote

from dashboard.charts.base import BLUE
from dashboard.window import Window

_SLOTS: Final = 48
BUCKETS: Final = 3 * _SLOTS + 2
"""What `Window.bucket` is asked for, so that no bar lacks a bucket: each length is up to thrice the next."""
_WIDTH, _HEIGHT = 240, 24
_BAR: Final = 3.5
_COLOUR: Final = BLUE
"""Seen on light and on dark."""
_GROUND: Final = f'<path d="M0 {_HEIGHT - 0.5}H{_WIDTH}" stroke="#8a949e" stroke-opacity="0.45"/>'
"""What the bars stand on: of a number that was 0 all the time nothing else is seen."""


def over(
    shown: Window,
    counted: Iterable[tuple[datetime | None, float]],
    together: Callable[[float, float], float] = operator.add,
) -> list[float]:
    """Of each of as many equal parts of the window as there are bars, the values in it put together."""
    found = [0.0] * _SLOTS
    for at, value in counted:
        if at is None:
            continue
        place = int((at - shown.since) / shown.span * _SLOTS)
        place = min(max(place, 0), _SLOTS - 1)  # an hour may begin before the window does
        found[place] = together(found[place], value)
    return found


def image(values: Sequence[float], what: str) -> str:
    """An image in HTML; `what` it shows is said to who cannot see it."""
    top = max(values, default=0.0) or 1.0
    step = _WIDTH / len(values)
    bars = "".join(
        f"M{number * step + step / 2:.1f} {_HEIGHT}V{_HEIGHT - max(value / top * _HEIGHT, 1):.1f}"
        for number, value in enumerate(values)
        if value > 0
    )
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" preserveAspectRatio="none"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}">{_GROUND}'
        f'<path d="{bars}" stroke="{_COLOUR}" stroke-width="{_BAR}"/></svg>'
    )
    # Streamlit takes SVG out of HTML, but not out of the address of an image.
    return (
        f'<img alt="{escape(what)}" src="data:image/svg+xml,{quote(drawn)}"'
        ' style="display:block;width:100%;height:1.5rem;margin-top:0.4rem">'
    )
