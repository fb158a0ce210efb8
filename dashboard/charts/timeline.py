"""Charts over time: event rate, deadlocks per hour, ingest rate."""

from __future__ import annotations

from datetime import datetime, timedelta

import plotly.graph_objects as go
import pyarrow as pa

from dashboard.charts import base

STORMY_DEADLOCKS_PER_HOUR = 12
"""Drawn as a reference line: one deadlock every five minutes, for an hour."""

_BAR_HOURS = (1, 2, 3, 6, 12, 24, 48, 168, 336, 672)
_BARS_AT_MOST = 400


def event_rate(
    table: pa.Table, *, since: datetime, until: datetime, bucket: timedelta
) -> go.Figure:
    """Events per second, those that report an error on top; rows of `event_rate`."""
    starts = base.grid(since, until, bucket)
    seconds = bucket / timedelta(seconds=1)
    events = base.filled(starts, table, "bucket_start", "event_count")
    errors = base.filled(starts, table, "bucket_start", "error_count")
    figure = go.Figure(layout=base.layout())
    for name, colour, counts in (
        ("other", base.BLUE, [all_ - bad for all_, bad in zip(events, errors, strict=True)]),
        ("errors", base.RED, errors),
    ):
        figure.add_bar(
            x=[start + bucket / 2 for start in starts],
            y=[value / seconds for value in counts],
            width=bucket / timedelta(milliseconds=1) * 0.86,
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            customdata=counts,
            hovertemplate="%{x|%H:%M:%S}<br>%{customdata:,} " + name + "<br>%{y:,.3~r} per s<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        uirevision=f"{since}{until}",
        xaxis=base.time_axis(since, until),
        yaxis=base.value_axis("events per s", tickformat="~s"),
    )
    return figure


def deadlocks_per_hour(
    table: pa.Table, *, since: datetime, until: datetime, picked: datetime | None = None
) -> go.Figure:
    """A bar per hour, hours without deadlocks included; rows of `deadlocks_per_hour`."""
    size = _hours_per_bar(since, until)
    hours, counts = _folded(table, size)
    unit = "hour" if size == 1 else f"{size} hours"
    limit = STORMY_DEADLOCKS_PER_HOUR * size
    half = timedelta(hours=size) / 2
    figure = go.Figure(layout=base.layout())
    figure.add_bar(
        x=[hour + half for hour in hours],
        y=counts,
        width=timedelta(hours=size) / timedelta(milliseconds=1) * 0.86,
        marker={
            "color": [base.RED if count >= limit else base.ORANGE for count in counts],
            "opacity": [1 if picked in (None, hour) else 0.45 for hour in hours],
        },
        customdata=[hour.isoformat() for hour in hours],
        hovertemplate="%{customdata|%Y-%m-%d %H:%M}<br>%{y} in the " + unit + "<extra></extra>",
    )
    first = min(since, hours[0]) if hours else since
    last = max(until, hours[-1] + 2 * half) if hours else until
    figure.update_layout(
        uirevision=f"{since}{until}",
        xaxis=base.time_axis(first, last),
        yaxis=base.value_axis(f"deadlocks per {unit}", tickformat="d"),
    )
    if counts and max(counts) >= limit / 2:
        _reference(figure, limit, f"{limit} per {unit}")
    return figure


def _hours_per_bar(since: datetime, until: datetime) -> int:
    hours = (until - since) / timedelta(hours=1)
    return next((size for size in _BAR_HOURS if hours / size <= _BARS_AT_MOST), _BAR_HOURS[-1])


def _folded(table: pa.Table, size: int) -> tuple[list[datetime], list[int]]:
    """Bars of `size` hours on a grid of their own, and the deadlocks in each."""
    bars: dict[datetime, int] = {}
    width = timedelta(hours=size)
    for hour, count in zip(
        base.column(table, "hour_start"), base.column(table, "deadlock_count"), strict=True
    ):
        start = base.ORIGIN + (hour - base.ORIGIN) // width * width
        bars[start] = bars.get(start, 0) + count
    return list(bars), list(bars.values())


def _reference(figure: go.Figure, level: float, text: str) -> None:
    figure.add_shape(
        type="line", xref="paper", x0=0, x1=1, y0=level, y1=level,
        line={"color": base.RED, "width": 1, "dash": "dot"},
    )  # fmt: skip
    figure.add_annotation(
        xref="paper", x=1, y=level, text=text, showarrow=False,
        xanchor="right", yanchor="bottom", font={"size": 11, "color": base.RED},
    )  # fmt: skip


def ingest_rate(
    table: pa.Table, *, since: datetime, until: datetime, bucket: timedelta
) -> go.Figure:
    """Events committed per second of wall-clock time; rows of `ingest_rate`."""
    starts = base.grid(since, until, bucket)
    seconds = bucket / timedelta(seconds=1)
    counts = base.filled(starts, table, "bucket_start", "event_count")
    figure = go.Figure(layout=base.layout())
    figure.add_scatter(
        x=[start + bucket / 2 for start in starts],
        y=[value / seconds for value in counts],
        mode="lines",
        line={"color": base.GREEN, "width": 1.6, "shape": "hvh"},
        fill="tozeroy",
        fillcolor="rgba(31,166,127,0.16)",
        customdata=counts,
        hovertemplate="%{x|%H:%M:%S}<br>%{customdata:,} events<br>%{y:,.3~r} per s<extra></extra>",
    )
    figure.update_layout(
        uirevision=f"{since}{until}",
        xaxis=base.time_axis(since, until),
        yaxis=base.value_axis("events per s", tickformat="~s"),
    )
    return figure
