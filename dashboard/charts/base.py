"""What all figures share: colours, axes, and how much of a table a picture may carry."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import zone
from dashboard.charts import ticks

POINTS_AT_MOST: Final = 2000
"""Points of one series; more cannot be told apart on a screen."""

BLUE: Final = "#4a97d2"
ORANGE: Final = "#e69f00"
GREEN: Final = "#1fa67f"
PINK: Final = "#cc79a7"
RED: Final = "#e0602c"
SKY: Final = "#56b4e9"
VIOLET: Final = "#8c7ae6"
GREY: Final = "#8593a3"
CATEGORIES: Final = (BLUE, ORANGE, GREEN, PINK, VIOLET, SKY, "#b8a12f", GREY)
"""Okabe and Ito's set in shades that stand on light and dark ground; red is kept for trouble."""

_SI_FROM: Final = 1000
"""From this greatest value on no tick lies below 1."""
_SECOND_MS, _DAY_MS = 1000, 86_400_000
_TIME_TICKS: Final = [
    {"dtickrange": [None, _SECOND_MS - 1], "value": "%H:%M:%S.%3f\n%Y-%m-%d"},
    {"dtickrange": [_SECOND_MS, 60 * _SECOND_MS - 1], "value": "%H:%M:%S\n%Y-%m-%d"},
    {"dtickrange": [60 * _SECOND_MS, _DAY_MS - 1], "value": "%H:%M\n%Y-%m-%d"},
    {"dtickrange": [_DAY_MS, "M1"], "value": "%m-%d\n%Y"},
    {"dtickrange": ["M1", "M12"], "value": "%Y-%m"},
    {"dtickrange": ["M12", None], "value": "%Y"},
]
"""Dates as everywhere else in the dashboard, by the distance between two ticks."""

ORIGIN: Final = datetime(2000, 1, 3)  # noqa: DTZ001 - naive UTC throughout
"""Where DuckDB's `time_bucket` counts from, unless buckets are whole months."""


def layout(**changes: Any) -> go.Layout:
    """A layout with our defaults."""
    margin = {"l": 8, "r": 8, "t": 10, "b": 4}
    return go.Layout(showlegend=False, margin=margin, bargap=0.12, **changes)


def time_axis(since: datetime, until: datetime) -> dict[str, Any]:
    """The x axis of a window: its range is the window even where there is no data."""
    return {
        "type": "date",
        "range": [since.isoformat(), until.isoformat()],
        "showgrid": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickformatstops": _TIME_TICKS,
        "nticks": 9,
        "title": {"text": f"time, {zone.name()}", "font": {"size": 11}, "standoff": 6},
        **({} if zone.is_utc() else ticks.of(since, until)),
    }


def value_axis(title: str, **changes: Any) -> dict[str, Any]:
    """A y axis from zero, with its unit in the title and no dragging."""
    return {
        "title": {"text": title, "font": {"size": 11}, "standoff": 8},
        "rangemode": "tozero",
        "fixedrange": True,
        "zeroline": False,
        "nticks": 5,
        **changes,
    }


def number_format(values: Iterable[float | None]) -> str:
    """How values stand on their axis: 12k, but never 600m for 0.6, which reads as millions."""
    return "~s" if max((abs(value) for value in values if value), default=0) >= _SI_FROM else "~g"


def column(table: pa.Table, name: str) -> list[Any]:
    """A column as Python values."""
    values: list[Any] = table.column(name).to_pylist()
    return values


def grid(since: datetime, until: datetime, bucket: timedelta) -> list[datetime]:
    """Starts of all buckets that touch the window, on the grid that `time_bucket` uses."""
    start = ORIGIN + (since - ORIGIN) // bucket * bucket
    starts: list[datetime] = []
    while start < until and len(starts) < POINTS_AT_MOST:
        starts.append(start)
        start += bucket
    return starts


def filled(starts: Iterable[datetime], table: pa.Table, at: str, value: str) -> list[float]:
    """One value per bucket start; 0 where the table has no row."""
    known = dict(zip(column(table, at), column(table, value), strict=True))
    return [known.get(start) or 0 for start in starts]


def reference(
    figure: go.Figure,
    level: float,
    text: str,
    colour: str,
    *,
    is_solid: bool = False,
    is_outside: bool = False,
) -> None:
    """A line across the figure, named at its right end: above it, or beside the figure."""
    figure.add_shape(
        type="line", xref="paper", x0=0, x1=1, y0=level, y1=level,
        line={"color": colour, "width": 1, "dash": "solid" if is_solid else "dot"},
    )  # fmt: skip
    figure.add_annotation(
        xref="paper", x=1, y=level, text=text, showarrow=False, font={"size": 11, "color": colour},
        xanchor="left" if is_outside else "right", yanchor="middle" if is_outside else "bottom",
    )  # fmt: skip


def cut_at(figure: go.Figure, value: float, text: str, colour: str) -> None:
    """A dotted line through the height of the figure at a value of a logarithmic x axis."""
    figure.add_shape(
        type="line", yref="paper", y0=0, y1=1, x0=value, x1=value, layer="below",
        line={"color": colour, "width": 1, "dash": "dot"},
    )  # fmt: skip
    figure.add_annotation(
        x=math.log10(value), yref="paper", y=1, text=text, showarrow=False, xanchor="left", yanchor="bottom",
        font={"size": 11, "color": colour}, xshift=2,
    )  # fmt: skip


def highlight(figure: go.Figure, since: datetime, until: datetime) -> None:
    """A band over a piece of the time axis."""
    figure.add_shape(
        type="rect", yref="y domain", y0=0, y1=1, x0=since, x1=until, fillcolor=BLUE, opacity=0.16,
        line={"width": 0}, layer="above",
    )  # fmt: skip
    for edge in (since, until):
        figure.add_shape(
            type="line", yref="y domain", y0=0, y1=1, x0=edge, x1=edge, line={"color": BLUE, "width": 1.5}
        )
