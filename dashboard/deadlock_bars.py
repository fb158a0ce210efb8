"""Deadlocks over time: by the clock hour, or finer in a window of a few hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import plotly.graph_objects as go

from dashboard import data, time_chart, zone
from dashboard.charts import timeline
from dashboard.data import Answer
from dashboard.time_chart import Hand
from dashboard.window import Window

_FINER_BELOW: Final = timedelta(hours=6)
"""Window in which bars of an hour would tell next to nothing."""
_BARS: Final = 122


def load(version: int, shown: Window, service: str | None = None) -> Answer:
    """What the bars of this window are drawn from: of all deadlocks, or those that one service reported."""
    if shown.span < _FINER_BELOW:
        bucket = shown.bucket(_BARS)
        return data.load("deadlock_rate", version, **shown.edges, bucket=bucket, **_of(shown, service))
    return hourly(version, shown, service)


def hourly(version: int, shown: Window, service: str | None = None) -> Answer:
    """Deadlocks by the hours of the zone; those that nobody reported where all of the window is read."""
    return data.load("deadlocks_per_hour", version, **shown.edges, zone=zone.name(), **_of(shown, service))


def untimed_count(version: int, service: str | None = None) -> int:
    """Deadlocks of which nobody knows when they were, and which no bar counts."""
    if not data.load("log_coverage", version).rows[0]["untimed_count"]:
        return 0
    found = data.load("deadlocks", version).only(service=service)
    return int(found.table.column("occurred_at").null_count)


def unreported_count(hours: Answer) -> int:
    """How many of these nobody reported."""
    return sum(hours.table.column("unreported_count").to_pylist())


def _of(shown: Window, service: str | None) -> dict[str, Any]:
    if service:
        return {"of_service": service}
    return {"unreported": False} if shown.near.is_part else {}


def draw(
    answer: Answer,
    shown: Window,
    *,
    key: str,
    height: int,
    picked: datetime | None = None,
    on_click: Callable[[Any], None] | None = None,
) -> None:
    """The bars; a click gives a bar as `timeline.place_of` writes it."""
    options: dict[str, Any] = {"picked": picked}
    make: Callable[..., go.Figure] = timeline.deadlocks_per_hour
    if answer.name == "deadlock_rate":
        make = timeline.deadlocks_over_time
        options["bucket"] = answer.arguments["bucket"]
    time_chart.draw(
        make, answer, shown, key=key, alt="Deadlocks over time", height=height,
        hand=Hand(on_click, lambda _: "deadlocks"), **options,
    )  # fmt: skip
