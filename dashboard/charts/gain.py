"""The gain of loops over time, with its bounds and the levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting
from dashboard.charts import base
from dashboard.hostile import safe_plotly
from dashboard.loops import LINES, Row, Track, tracks

LOOPS_AT_MOST: Final = 6
LEVELS: Final = tuple(
    (line, f"{line:g} {name}", colour)
    for (name, line), colour in zip(LINES.items(), (base.GREY, base.ORANGE, base.RED, base.RED), strict=True)
)
_DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_COLOURS: Final = (base.BLUE, base.GREEN, base.PINK, base.VIOLET, base.SKY, "#b8a12f")
"""Without those of the levels."""
_LEAST_TOP, _GREATEST_TOP = 1.2, 3.0


def over_time(
    table: pa.Table,
    *,
    since: datetime,
    until: datetime,
    bucket: timedelta,
    picked: str | None = None,
    moment: datetime | None = None,
) -> go.Figure:
    """A line per loop with a band from gain_lower to gain_upper; rows of `loop_gain`.

    The loop that is named `picked` stands out; `moment` is marked.
    """
    figure = go.Figure(layout=base.layout())
    shown = tracks(table.to_pylist())[:LOOPS_AT_MOST]
    for number, track in enumerate(shown):
        is_faint = picked is not None and picked not in track.names
        _band(figure, track, bucket, colour=_COLOURS[number], opacity=0.08 if is_faint else 0.22)
        _line(figure, track, bucket, number=number, opacity=0.55 if is_faint else 1)
    for level, text, colour in LEVELS:
        base.reference(figure, level, text, colour, is_solid=level == 1, is_outside=True)
    if moment is not None:
        figure.add_shape(
            type="line", yref="paper", y0=0, y1=1, x0=moment, x1=moment,
            line={"color": base.GREY, "width": 1.2},
        )  # fmt: skip
    figure.update_layout(
        uirevision=f"{since}{until}",
        margin={"l": 8, "r": 68, "t": 10, "b": 4},
        showlegend=len(shown) > 1,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        xaxis=base.time_axis(since, until),
        yaxis=base.value_axis("more events per event", range=[0, _top(shown)], nticks=7),
    )
    return figure


def _top(shown: Sequence[Track]) -> float:
    highest = max((row["gain_upper"] for track in shown for row in track.rows), default=0)
    return float(min(max(1.05 * highest, _LEAST_TOP), _GREATEST_TOP))


def _pieces(track: Track, bucket: timedelta) -> Iterator[list[Row]]:
    """Rows without a bucket missing between them."""
    piece: list[Row] = []
    for row in track.rows:
        if piece and row["bucket_start"] - piece[-1]["bucket_start"] > bucket:
            yield piece
            piece = []
        piece.append(row)
    yield piece


def _known_at(row: Row, bucket: timedelta) -> datetime:
    """A row says what was known when its bucket ended."""
    at: datetime = row["bucket_start"] + bucket
    return at


def _band(figure: go.Figure, track: Track, bucket: timedelta, *, colour: str, opacity: float) -> None:
    x: list[Any] = []
    y: list[Any] = []
    for piece in _pieces(track, bucket):
        times = [_known_at(row, bucket) for row in piece]
        x += [*times, *reversed(times), None]
        y += [row["gain_upper"] for row in piece] + [row["gain_lower"] for row in reversed(piece)] + [None]
    figure.add_scatter(
        x=x, y=y, mode="none", fill="toself", fillcolor=colour, opacity=opacity,
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _line(figure: go.Figure, track: Track, bucket: timedelta, *, number: int, opacity: float) -> None:
    x: list[Any] = []
    y: list[Any] = []
    texts: list[str] = []
    picks: list[str | None] = []
    for piece in _pieces(track, bucket):
        x += [*(_known_at(row, bucket) for row in piece), None]
        y += [*(row["gain"] for row in piece), None]
        texts += [*(_describe(row, bucket) for row in piece), ""]
        picks += [*(f"{row['bucket_start'].isoformat()}|{row['loop']}" for row in piece), None]
    figure.add_scatter(
        x=x, y=y, mode="lines+markers", name=safe_plotly(track.name, 70), opacity=opacity,
        line={"color": _COLOURS[number], "width": 2, "dash": _DASHES[number]},
        marker={"size": 4, "color": _COLOURS[number]},
        customdata=picks, hovertext=texts, hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


def _describe(row: Row, bucket: timedelta) -> str:
    bounds = f"{row['gain_lower']:.2f} to {row['gain_upper']:.2f}"
    level = row["level"] or "level cannot be told"
    return (
        f"{formatting.instant(_known_at(row, bucket))}<br>{safe_plotly(row['loop'], 90)}<br>"
        f"gain {row['gain']:.2f} ({bounds}), {level}"
    )
