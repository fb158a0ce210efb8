"""Charts over time: event rate, deadlocks per hour, ingest rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting
from dashboard.charts import base

STORMY_DEADLOCKS_PER_HOUR = 12
"""Drawn as a reference line: one deadlock every five minutes, for an hour."""

_BAR_HOURS = (1, 2, 3, 6, 12, 24, 48, 168, 336, 672)
_BARS_AT_MOST = 400


def event_rate(
    table: pa.Table,
    *,
    since: datetime,
    until: datetime,
    bucket: timedelta,
    selected: tuple[datetime, datetime] | None = None,
) -> go.Figure:
    """Events per second, those that report an error on top; rows of `event_rate`.

    The selected piece of time stands out.
    """
    starts = base.grid(since, until, bucket)
    seconds = bucket / timedelta(seconds=1)
    events = base.filled(starts, table, "bucket_start", "event_count")
    errors = base.filled(starts, table, "bucket_start", "error_count")
    figure = go.Figure(layout=base.layout())
    for name, colour, counts in (
        ("other records", base.BLUE, [all_ - bad for all_, bad in zip(events, errors, strict=True)]),
        ("errors or worse", base.RED, errors),
    ):
        figure.add_bar(
            x=[start + bucket / 2 for start in starts],
            y=[value / seconds for value in counts],
            width=bucket / timedelta(milliseconds=1) * 0.86,
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            hovertext=[
                _rate_in_bucket(start, bucket, value, name)
                for start, value in zip(starts, counts, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        uirevision=f"{since}{until}",
        xaxis=base.time_axis(since, until),
        yaxis=base.value_axis("events per s", tickformat="~s"),
    )
    if selected is not None:
        base.highlight(figure, *selected)
    return figure


def _in_bucket(start: datetime, bucket: timedelta, count: float, what: str) -> str:
    return f"{start:%Y-%m-%d %H:%M:%S} for {formatting.span(bucket)}<br>{formatting.count(count)} {what}"


def _rate_in_bucket(start: datetime, bucket: timedelta, count: float, what: str) -> str:
    rate = formatting.per_second(count / (bucket / timedelta(seconds=1)))
    return f"{_in_bucket(start, bucket, count, what)}, {rate}"


def deadlocks_per_hour(
    table: pa.Table, *, since: datetime, until: datetime, picked: datetime | None = None
) -> go.Figure:
    """A bar per hour, hours without deadlocks included; rows of `deadlocks_per_hour`.

    In a long window a bar stands for several hours, and is as alarming as the worst of them.
    """
    size = hours_per_bar(since, until)
    bars = _folded(table, size)
    hours, counts = list(bars), [bar.total for bar in bars.values()]
    unit = "hour" if size == 1 else f"{size} hours"
    half = timedelta(hours=size) / 2
    figure = go.Figure(layout=base.layout())
    figure.add_bar(
        x=[hour + half for hour in hours],
        y=counts,
        width=timedelta(hours=size) / timedelta(milliseconds=1) * 0.86,
        marker={
            "color": [
                base.RED if bar.worst_hour >= STORMY_DEADLOCKS_PER_HOUR else base.ORANGE
                for bar in bars.values()
            ],
            "opacity": [1 if picked in (None, hour) else 0.45 for hour in hours],
        },
        customdata=[hour.isoformat() for hour in hours],
        hovertext=[_describe(hour, bar, size) for hour, bar in bars.items()],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    first = min(since, hours[0]) if hours else since
    last = max(until, hours[-1] + 2 * half) if hours else until
    figure.update_layout(
        uirevision=f"{since}{until}",
        xaxis=base.time_axis(first, last),
        yaxis=base.value_axis(f"deadlocks per {unit}", tickformat="d"),
    )
    if size == 1 and max(counts, default=0) >= STORMY_DEADLOCKS_PER_HOUR / 2:
        base.reference(figure, STORMY_DEADLOCKS_PER_HOUR, f"{STORMY_DEADLOCKS_PER_HOUR} per hour", base.RED)
    return figure


def deadlocks_over_time(
    table: pa.Table,
    *,
    since: datetime,
    until: datetime,
    bucket: timedelta,
    picked: datetime | None = None,
) -> go.Figure:
    """A bar per bucket of a window of a few hours; rows of `deadlock_rate`.

    A bar is red when its clock hour is stormy.
    """
    starts = base.grid(since, until, bucket)
    counts = base.filled(starts, table, "bucket_start", "deadlock_count")
    per_hour: dict[datetime, float] = {}
    for start, count in zip(starts, counts, strict=True):
        hour = start.replace(minute=0, second=0)
        per_hour[hour] = per_hour.get(hour, 0) + count
    stormy = {hour for hour, count in per_hour.items() if count >= STORMY_DEADLOCKS_PER_HOUR}
    figure = go.Figure(layout=base.layout())
    figure.add_bar(
        x=[start + bucket / 2 for start in starts],
        y=counts,
        width=bucket / timedelta(milliseconds=1) * 0.86,
        marker={
            "color": [
                base.RED if start.replace(minute=0, second=0) in stormy else base.ORANGE for start in starts
            ],
            "opacity": [1 if picked in (None, start) else 0.45 for start in starts],
        },
        customdata=[start.isoformat() for start in starts],
        hovertext=[
            _in_bucket(start, bucket, count, "deadlocks") for start, count in zip(starts, counts, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure.update_layout(
        uirevision=f"{since}{until}",
        xaxis=base.time_axis(since, until),
        yaxis=base.value_axis(
            f"deadlocks per {formatting.span(bucket)}", tickformat="d", range=[0, max(*counts, 3) * 1.08]
        ),
    )
    return figure


def hours_per_bar(since: datetime, until: datetime) -> int:
    """Hours that one bar stands for, so that bars stay apart on the screen."""
    hours = (until - since) / timedelta(hours=1)
    return next((size for size in _BAR_HOURS if hours / size <= _BARS_AT_MOST), _BAR_HOURS[-1])


@dataclass(frozen=True)
class _Bar:
    total: int
    worst_hour: int


def _folded(table: pa.Table, size: int) -> dict[datetime, _Bar]:
    """Bars of `size` hours on a grid of their own, by their start."""
    bars: dict[datetime, _Bar] = {}
    width = timedelta(hours=size)
    for hour, count in zip(
        base.column(table, "hour_start"), base.column(table, "deadlock_count"), strict=True
    ):
        start = base.ORIGIN + (hour - base.ORIGIN) // width * width
        before = bars.get(start, _Bar(0, 0))
        bars[start] = _Bar(before.total + count, max(before.worst_hour, count))
    return bars


def _describe(start: datetime, bar: _Bar, size: int) -> str:
    text = formatting.plural(bar.total, "deadlock")
    if size == 1:
        return f"{start:%Y-%m-%d %H:%M} – {start + timedelta(hours=1):%H:%M}<br>{text}"
    until = start + timedelta(hours=size)
    worst = f", at most {formatting.count(bar.worst_hour)} in an hour" if bar.total else ""
    return f"{start:%Y-%m-%d %H:%M} – {until:%m-%d %H:%M}<br>{text}{worst}"


def ingest_rate(table: pa.Table, *, since: datetime, until: datetime, bucket: timedelta) -> go.Figure:
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
        hovertext=[
            _rate_in_bucket(start, bucket, value, "events")
            for start, value in zip(starts, counts, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure.update_layout(
        uirevision="ingest_rate",  # slides with every commit; a zoomed part shall stay in view
        xaxis=base.time_axis(since, until),
        yaxis=base.value_axis("events per s", tickformat="~s"),
    )
    return figure
