"""Deadlocks over time: by the clock hour, or finer in a window of a few hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from dashboard import controls, data
from dashboard.charts import timeline
from dashboard.data import Answer
from dashboard.live_plotly import live_plotly
from dashboard.window import Window

_FINER_BELOW: Final = timedelta(hours=6)
"""Window in which bars of an hour would tell next to nothing."""
_BARS: Final = 122


def load(version: int, shown: Window) -> Answer:
    """What the bars of this window are drawn from."""
    if shown.span < _FINER_BELOW:
        return data.load("deadlock_rate", version, **shown.edges, bucket=shown.bucket(_BARS))
    return data.load("deadlocks_per_hour", version, **shown.edges)


def untimed_count(version: int) -> int:
    """Deadlocks of which nobody knows when they were, and which no bar counts."""
    if not data.load("log_coverage", version).rows[0]["untimed_count"]:
        return 0
    return int(data.load("deadlocks", version).table.column("occurred_at").null_count)


def length(shown: Window) -> timedelta:
    """Time that one bar stands for."""
    if shown.span < _FINER_BELOW:
        return shown.bucket(_BARS)
    return timedelta(hours=timeline.hours_per_bar(shown.since, shown.until))


def draw(
    answer: Answer,
    shown: Window,
    *,
    key: str,
    height: int,
    picked: datetime | None = None,
    on_click: Callable[[], None] | None = None,
) -> None:
    """The bars; `customdata` of a bar is when it starts."""
    edges = {**shown.edges, "picked": picked}
    if answer.name == "deadlock_rate":
        figure = data.figure(timeline.deadlocks_over_time, answer, **edges, bucket=answer.arguments["bucket"])
    else:
        figure = data.figure(timeline.deadlocks_per_hour, answer, **edges)
    live_plotly(
        figure, key=key, alt="Deadlocks over time", height=height,
        on_click=on_click, on_zoom=controls.zoom_to_drag(key),
    )  # fmt: skip
