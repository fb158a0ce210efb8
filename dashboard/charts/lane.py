"""The change lane: what was changed, started, stopped or crashed, under a chart over time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting
from dashboard.charts import base
from dashboard.hostile import safe_plotly

LANE_PX: Final = 26
SLOTS: Final = 120
"""Pieces of the window; changes of one piece share a mark."""
_LINES_AT_MOST: Final = 40
_SUBJECTS_SHOWN: Final = 6
_FRAME_PX: Final = 56
"""What the time axis and the margins take of a chart's height."""
_MARKS: Final = {
    "crash": ("x", base.RED), "stop": ("triangle-down", base.GREY),
    "change": ("diamond", base.VIOLET), "start": ("triangle-up", base.GREEN),
}  # fmt: skip
"""Kind of change -> symbol and colour; a mark of several looks like the first of these that is in it."""
_LINED: Final = ("crash", "change")
"""Kinds that are drawn through the chart as well: whole fleets start and stop."""
PREFIX: Final = "change:"
"""How `customdata` of a mark begins; the place of its newest record follows, FILE:OFFSET:NUMBER."""


def under(
    table: pa.Table,
    changes: pa.Table,
    *,
    make: Callable[..., go.Figure],
    height: int,
    is_selecting: bool,
    since: datetime,
    until: datetime,
    **options: Any,
) -> go.Figure:
    """The figure that `make` draws, `height` pixels high, with the lane below it; rows of `changes`.

    Without a change there is no lane. `is_selecting`: dragging draws a box instead of zooming.
    """
    figure = make(table, since=since, until=until, **options)
    if is_selecting:
        figure.update_layout(dragmode="select", selectdirection=_direction(figure))
        figure.update_layout(newselection={"line": {"color": base.BLUE, "width": 2, "dash": "solid"}})
    marks = _marks(changes, since, until)
    if marks:
        _add(figure, marks, height)
    return figure


def height_of(height: int, changes: pa.Table) -> int:
    """Pixels of a chart that is `height` high without its lane."""
    return height + (LANE_PX if changes.num_rows else 0)


def _direction(figure: go.Figure) -> str:
    """A box may leave out rows of a heat map; of other charts it takes all of their height."""
    return "any" if any(trace.type == "heatmap" for trace in figure.data) else "h"


def _marks(changes: pa.Table, since: datetime, until: datetime) -> list[list[dict[str, Any]]]:
    """The changes of each piece of the window that has some."""
    slots: dict[int, list[dict[str, Any]]] = {}
    length = max((until - since) / SLOTS, timedelta(microseconds=1))
    for row in changes.to_pylist():
        if row["occurred_at"] is not None:
            slots.setdefault((row["occurred_at"] - since) // length, []).append(row)
    return list(slots.values())


def _add(figure: go.Figure, marks: list[list[dict[str, Any]]], height: int) -> None:
    share = LANE_PX / max(height + LANE_PX - _FRAME_PX, 2 * LANE_PX)
    kinds = [next((kind for kind in _MARKS if any(row["kind"] == kind for row in mark)), "change")
             for mark in marks]  # fmt: skip
    figure.add_scatter(
        x=[mark[-1]["occurred_at"] for mark in marks],
        y=[0.5] * len(marks),
        yaxis="y9",
        mode="markers",
        name="changes",
        showlegend=False,
        cliponaxis=False,
        marker={
            "size": [9 if len(mark) == 1 else 12 for mark in marks],
            "symbol": [_MARKS[kind][0] for kind in kinds],
            "color": [_MARKS[kind][1] for kind in kinds],
            "line": {"width": 0},
        },
        customdata=[
            f"{PREFIX}{mark[-1]['file_id']}:{mark[-1]['byte_offset']}:{mark[-1]['record_no']}"
            for mark in marks
        ],
        hovertext=[_describe(mark) for mark in marks],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    lined = [mark for mark, kind in zip(marks, kinds, strict=True) if kind in _LINED]
    for mark in lined[-_LINES_AT_MOST:]:
        at = mark[-1]["occurred_at"]
        figure.add_shape(
            type="line", xref="x", x0=at, x1=at, yref="paper", y0=share * 0.6, y1=1, layer="below",
            line={"color": base.VIOLET, "width": 1, "dash": "dot"}, opacity=0.7,
        )  # fmt: skip
    figure.update_layout(
        yaxis={"domain": [share, 1]},
        yaxis9={
            "domain": [0, share], "range": [0, 1], "anchor": "x", "fixedrange": True, "showgrid": False,
            "zeroline": False, "ticks": "outside", "ticklen": 8, "tickcolor": "rgba(0,0,0,0)",
            "tickvals": [0.5], "ticktext": ["changes"],
        },
        xaxis={"anchor": "y9"},
    )  # fmt: skip


def _describe(mark: list[dict[str, Any]]) -> str:
    lines = [
        f"{formatting.clock(row['occurred_at'])} <b>{safe_plotly(row['kind'])}</b> "
        f"{safe_plotly(row['service'] or formatting.NONE, 24)}: {safe_plotly(row['subject'] or '', 60)}"
        for row in mark[-_SUBJECTS_SHOWN:]
    ]
    if len(mark) > _SUBJECTS_SHOWN:
        lines.insert(0, f"{formatting.count(len(mark))} changes, the last {_SUBJECTS_SHOWN}:")
    return "<br>".join([*lines, "<i>click for the record</i>"])
