"""What pictures of space and time share: a lane for each place, time to the right, arrows between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from dashboard.charts import base
from dashboard.hostile import safe_plotly

LANES_AT_MOST: Final = 40
_LANE_PX, _FRAME_PX, _MOST_PX = 42, 110, 900
_ROOM: Final = 0.04
"""Share of the time between the first and the last mark that is left free at both ends."""


@dataclass(frozen=True)
class Arrow:
    """From a lane at an instant to a lane at another; or at places in an order."""

    from_lane: int
    from_at: datetime | int
    to_lane: int
    to_at: datetime | int


def height(lanes: int) -> int:
    """Pixels for so many lanes."""
    return min(_FRAME_PX + _LANE_PX * max(lanes, 1), _MOST_PX)


def time_axis(times: Iterable[datetime]) -> dict[str, Any]:
    """From the first to the last instant, of which there is at least one, with room for their marks."""
    ordered = sorted(times)
    room = max((ordered[-1] - ordered[0]) * _ROOM, timedelta(milliseconds=1))
    return {**base.time_axis(ordered[0] - room, ordered[-1] + room), "showgrid": True}


def lane_axis(names: Sequence[str]) -> dict[str, Any]:
    """The lanes by name, the first on top."""
    return {
        "tickvals": list(range(len(names))),
        "ticktext": [safe_plotly(name, 28) for name in names],
        "range": [len(names) - 0.4, -0.6],
        "fixedrange": True,
        "zeroline": False,
    }


def arrows(found: Sequence[Arrow], *, colour: str, width: float = 1.0, dash: str = "solid") -> dict[str, Any]:
    """A trace of arrows, broken by None, with their heads at the end."""
    x: list[datetime | int | None] = []
    y: list[int | None] = []
    for arrow in found:
        x += [arrow.from_at, arrow.to_at, None]
        y += [arrow.from_lane, arrow.to_lane, None]
    return {
        "x": x, "y": y, "mode": "lines+markers", "hoverinfo": "skip", "showlegend": False,
        "line": {"color": colour, "width": width, "dash": dash},
        "marker": {
            "symbol": "arrow", "angleref": "previous", "color": colour, "opacity": 1,
            "size": [0, 7 + 2 * width, 0] * len(found), "standoff": 5, "line": {"width": 0},
        },
    }  # fmt: skip
