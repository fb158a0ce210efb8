"""The lanes under a chart over time: what was changed, started, stopped, crashed or noted, and alerts."""

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
    "crash": ("x", base.RED), "note": ("square", base.SKY), "stop": ("triangle-down", base.GREY),
    "change": ("diamond", base.VIOLET), "start": ("triangle-up", base.GREEN),
}  # fmt: skip
"""Kind of change -> symbol and colour; a mark of several looks like the first of these that is in it."""
_LINED: Final = {"crash": base.VIOLET, "change": base.VIOLET, "note": base.SKY}
"""Kinds that are drawn through the chart as well, and in which colour: whole fleets start and stop."""
_SEVERITIES: Final = {"watch": base.BLUE, "warn": base.ORANGE, "page": base.RED, "storm": "#b3274f"}
RECORD, NOTE, ALERT = "change:", "note:", "alert:"
"""How `customdata` of a mark begins. The place of its newest record follows, FILE:OFFSET:NUMBER, or the
number of the note or of the episode."""
_TARGETS: Final = {RECORD: ("events", "at"), NOTE: ("overview", "note"), ALERT: ("alerts", "episode")}
"""Page, and what the rest is called in its address."""


def under(
    table: pa.Table,
    changes: pa.Table,
    alerts: pa.Table,
    *,
    make: Callable[..., go.Figure],
    height: int,
    is_selecting: bool,
    since: datetime,
    until: datetime,
    **options: Any,
) -> go.Figure:
    """The figure that `make` draws, `height` pixels high, with lanes below it.

    They hold rows of `changes` and of `alert_marks`; a lane without any is not there.
    `is_selecting`: dragging draws a box instead of zooming.
    """
    figure = make(table, since=since, until=until, **options)
    if is_selecting:
        figure.update_layout(dragmode="select", selectdirection=_direction(figure))
        figure.update_layout(newselection={"line": {"color": base.BLUE, "width": 2, "dash": "solid"}})
    marks = _marks(changes, since, until)
    lanes = [name for name, rows in (("alerts", alerts.num_rows), ("changes", len(marks))) if rows]
    if lanes:
        share = LANE_PX / max(height + len(lanes) * LANE_PX - _FRAME_PX, 2 * len(lanes) * LANE_PX)
        _make_room(figure, lanes, share)
        if marks:
            _add_changes(figure, marks, lanes.index("changes"), share)
        if alerts.num_rows:
            _add_alerts(figure, alerts.to_pylist(), since, until)
    return figure


def height_of(height: int, changes: pa.Table, alerts: pa.Table) -> int:
    """Pixels of a chart that is `height` high without its lanes."""
    return height + LANE_PX * (bool(changes.num_rows) + bool(alerts.num_rows))


def in_words(changes: pa.Table, alerts: pa.Table) -> str:
    """What the lanes hold, for those who do not see them; empty without lanes."""
    kinds = [row["kind"] for row in changes.select(["kind"]).to_pylist()] if changes.num_rows else []
    notes = kinds.count("note")
    parts = [
        formatting.plural(count, noun)
        for count, noun in ((len(kinds) - notes, "change"), (notes, "note"), (alerts.num_rows, "alert"))
        if count
    ]
    return f"; below it {', '.join(parts)}" if parts else ""


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


def _make_room(figure: go.Figure, lanes: list[str], share: float) -> None:
    """Move the figure up, and name the lanes below it, the first of them at the bottom."""
    figure.update_layout(
        yaxis={"domain": [share * len(lanes), 1]},
        yaxis9={
            "domain": [0, share * len(lanes)], "range": [0, len(lanes)], "anchor": "x", "fixedrange": True,
            "showgrid": False, "zeroline": False, "ticks": "outside", "ticklen": 8,
            "tickcolor": "rgba(0,0,0,0)", "tickvals": [number + 0.5 for number in range(len(lanes))],
            "ticktext": lanes,
        },
        xaxis={"anchor": "y9"},
    )  # fmt: skip


def _add_changes(figure: go.Figure, marks: list[list[dict[str, Any]]], lane: int, share: float) -> None:
    kinds = [next((kind for kind in _MARKS if any(row["kind"] == kind for row in mark)), "change")
             for mark in marks]  # fmt: skip
    figure.add_scatter(
        x=[mark[-1]["occurred_at"] for mark in marks],
        y=[lane + 0.5] * len(marks),
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
        customdata=[target_of(mark[-1]) for mark in marks],
        hovertext=[_describe(mark) for mark in marks],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    lined = [(mark, _LINED[kind]) for mark, kind in zip(marks, kinds, strict=True) if kind in _LINED]
    for mark, colour in lined[-_LINES_AT_MOST:]:
        at = mark[-1]["occurred_at"]
        figure.add_shape(
            type="line", xref="x", x0=at, x1=at, yref="paper", y0=share * (lane + 0.6), y1=1, layer="below",
            line={"color": colour, "width": 1, "dash": "dot"}, opacity=0.7,
        )  # fmt: skip


def target_of(row: dict[str, Any]) -> str:
    """What a mark of a row of `changes` carries."""
    if row["note_id"] is not None:
        return f"{NOTE}{row['note_id']}"
    return f"{RECORD}{row['file_id']}:{row['byte_offset']}:{row['record_no']}"


def place_of(mark: object) -> tuple[str, dict[str, str]] | None:
    """Page that the `customdata` of a mark leads to, and what is picked there; None for other points."""
    kind, colon, number = mark.partition(":") if isinstance(mark, str) else ("", "", "")
    target = _TARGETS.get(kind + colon)
    return None if target is None else (target[0], {target[1]: number})


def _add_alerts(figure: go.Figure, rows: list[dict[str, Any]], since: datetime, until: datetime) -> None:
    """A filled mark where an alert began, an open one where it was over, a line between them."""
    for row in rows[-_LINES_AT_MOST:]:
        figure.add_shape(
            type="line", xref="x", x0=max(row["onset_at"], since), x1=min(row["resolved_at"] or until, until),
            yref="y9", y0=0.5, y1=0.5, line={"color": _colour(row), "width": 2}, opacity=0.6,
        )  # fmt: skip
    ends = [
        (row[name], row, symbol)
        for row in rows
        for name, symbol in (("onset_at", "star"), ("resolved_at", "circle-open"))
        if row[name] is not None and since <= row[name] < until
    ]
    figure.add_scatter(
        x=[at for at, _, _ in ends],
        y=[0.5] * len(ends),
        yaxis="y9",
        mode="markers",
        name="alerts",
        showlegend=False,
        cliponaxis=False,
        marker={
            "size": [11 if symbol == "star" else 8 for _, _, symbol in ends],
            "symbol": [symbol for _, _, symbol in ends],
            "color": [_colour(row) for _, row, _ in ends],
            "line": {"width": [0 if symbol == "star" else 2 for _, _, symbol in ends]},
        },
        customdata=[f"{ALERT}{row['episode_id']}" for _, row, _ in ends],
        hovertext=[
            f"{formatting.clock(at)} <b>{row['severity']}</b> {safe_plotly(row['rule'], 40)} "
            f"{'began' if symbol == 'star' else 'was over'}<br>{safe_plotly(row['sentence'], 100)}"
            "<br><i>click for the alert</i>"
            for at, row, symbol in ends
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _colour(alert: dict[str, Any]) -> str:
    return _SEVERITIES.get(alert["severity"], base.GREY)


def _describe(mark: list[dict[str, Any]]) -> str:
    lines = [
        f"{formatting.clock(row['occurred_at'])} <b>{safe_plotly(row['kind'])}</b> "
        f"{safe_plotly(row['service'] or formatting.NONE, 24)}: {safe_plotly(row['subject'] or '', 60)}"
        for row in mark[-_SUBJECTS_SHOWN:]
    ]
    if len(mark) > _SUBJECTS_SHOWN:
        lines.insert(0, f"{formatting.count(len(mark))} changes, the last {_SUBJECTS_SHOWN}:")
    what = "note" if mark[-1]["note_id"] is not None else "record"
    return "<br>".join([*lines, f"<i>click for the {what}</i>"])
