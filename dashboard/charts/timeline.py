"""Charts over time: event rate, deadlocks per hour, ingest rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting, zone
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
        yaxis=base.value_axis(
            "events per s", tickformat=base.number_format(value / seconds for value in events)
        ),
    )
    if selected is not None:
        base.highlight(figure, *selected)
    return figure


def _in_bucket(start: datetime, bucket: timedelta, count: float, what: str) -> str:
    return f"{formatting.instant(start)} for {formatting.span(bucket)}<br>{formatting.count(count)} {what}"


def _rate_in_bucket(start: datetime, bucket: timedelta, count: float, what: str) -> str:
    rate = formatting.per_second(count / (bucket / timedelta(seconds=1)))
    return f"{_in_bucket(start, bucket, count, what)}, {rate}"


def deadlocks_per_hour(
    table: pa.Table, *, since: datetime, until: datetime, picked: datetime | None = None
) -> go.Figure:
    """A bar per hour of the zone, hours without deadlocks included; rows of `deadlocks_per_hour`.

    In a long window a bar stands for several hours, and is as alarming as the worst of them. As
    `customdata` it has its start, UTC, and its seconds: START|SECONDS.
    """
    size = hours_per_bar(since, until)
    bars = _folded(table, size)
    unit = "hour" if size == 1 else f"{size} hours"
    figure = go.Figure(layout=base.layout())
    figure.add_bar(
        x=[bar.start + bar.length / 2 for bar in bars],
        y=[bar.total for bar in bars],
        width=[bar.length / timedelta(milliseconds=1) * 0.86 for bar in bars],
        marker={
            "color": [
                base.RED if bar.worst_hour >= STORMY_DEADLOCKS_PER_HOUR else base.ORANGE for bar in bars
            ],
            "opacity": [1 if picked in (None, bar.start) else 0.45 for bar in bars],
        },
        customdata=[place_of(bar.start, bar.length) for bar in bars],
        hovertext=[_describe(bar, size) for bar in bars],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    first = min(since, bars[0].start) if bars else since
    last = max(until, bars[-1].start + bars[-1].length) if bars else until
    figure.update_layout(
        uirevision=f"{since}{until}",
        xaxis=base.time_axis(first, last),
        yaxis=base.value_axis(f"deadlocks per {unit}", tickformat="d"),
    )
    most = max((bar.total for bar in bars), default=0)
    if size == 1 and most >= STORMY_DEADLOCKS_PER_HOUR / 2:
        base.reference(figure, STORMY_DEADLOCKS_PER_HOUR, f"{STORMY_DEADLOCKS_PER_HOUR} per hour", base.RED)
    return figure


def place_of(start: datetime, length: timedelta) -> str:
    """A bar as the address holds it: its start, UTC, and its seconds."""
    return f"{start.isoformat()}|{length / timedelta(seconds=1):g}"


def deadlocks_over_time(
    table: pa.Table,
    *,
    since: datetime,
    until: datetime,
    bucket: timedelta,
    picked: datetime | None = None,
) -> go.Figure:
    """A bar per bucket of a window of a few hours; rows of `deadlock_rate`.

    A bar is red when its clock hour, of the zone, is stormy. `customdata` as above.
    """
    starts = base.grid(since, until, bucket)
    counts = base.filled(starts, table, "bucket_start", "deadlock_count")
    per_hour: dict[datetime, float] = {}
    for start, count in zip(starts, counts, strict=True):
        hour = _hour_of(start)
        per_hour[hour] = per_hour.get(hour, 0) + count
    stormy = {hour for hour, count in per_hour.items() if count >= STORMY_DEADLOCKS_PER_HOUR}
    figure = go.Figure(layout=base.layout())
    figure.add_bar(
        x=[start + bucket / 2 for start in starts],
        y=counts,
        width=bucket / timedelta(milliseconds=1) * 0.86,
        marker={
            "color": [base.RED if _hour_of(start) in stormy else base.ORANGE for start in starts],
            "opacity": [1 if picked in (None, start) else 0.45 for start in starts],
        },
        customdata=[place_of(start, bucket) for start in starts],
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


def _hour_of(instant: datetime) -> datetime:
    """Start of the hour that clocks of the zone show then, UTC."""
    shown = zone.local(instant)
    return instant - (shown - shown.replace(minute=0, second=0, microsecond=0))


@dataclass(frozen=True)
class _Bar:
    start: datetime
    """UTC, as what it was counted from."""
    length: timedelta
    total: int
    worst_hour: int


def _folded(table: pa.Table, size: int) -> list[_Bar]:
    """Bars of `size` hours of the zone on a grid of their own; shorter or longer where clocks are set."""
    bars: dict[datetime, _Bar] = {}
    for row in table.to_pylist():
        start, length = row["hour_start"], timedelta(hours=1)
        if size > 1:
            width = timedelta(hours=size)
            shown = base.ORIGIN + (zone.local(start) - base.ORIGIN) // width * width
            start = zone.utc(shown)
            length = zone.utc(shown + width) - start
        before = bars.get(start, _Bar(start, length, 0, 0))
        count = row["deadlock_count"]
        bars[start] = _Bar(start, length, before.total + count, max(before.worst_hour, count))
    return list(bars.values())


def _describe(bar: _Bar, size: int) -> str:
    text = formatting.plural(bar.total, "deadlock")
    first, last = zone.local(bar.start), zone.local(bar.start + bar.length)
    if size == 1:
        return f"{first:%Y-%m-%d %H:%M} – {last:%H:%M}<br>{text}"
    worst = f", at most {formatting.count(bar.worst_hour)} in an hour" if bar.total else ""
    return f"{first:%Y-%m-%d %H:%M} – {last:%m-%d %H:%M}<br>{text}{worst}"


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
        yaxis=base.value_axis(
            "events per s", tickformat=base.number_format(count / seconds for count in counts)
        ),
    )
    return figure
