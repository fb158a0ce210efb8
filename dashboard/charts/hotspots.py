"""The heat map of order: consumer and stream against time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting
from dashboard.charts import base
from dashboard.hostile import safe_plotly

ROWS_AT_MOST: Final = 150
CELLS_AT_MOST: Final = 300
"""Columns of the heat map."""
_ROW_PX: Final = 28
_FRAME_PX: Final = 72


@dataclass(frozen=True)
class Measure:
    """What the colour of a cell means."""

    column: str
    axis: str
    """Unit on the colour bar."""
    scale: float


MEASURES: Final = {
    "share": Measure("reordered_ratio", "%", 100),
    "count": Measure("reordered_count", "events", 1),
    "lateness": Measure("late_time_p99_ms", "ms (p99)", 1),
    "extent": Measure("extent_max", "arrivals", 1),
}
"""By their name in the address."""


def measures(table: pa.Table) -> list[str]:
    """Names of the measures that cells have: what is counted every five minutes has fewer."""
    return [name for name, measure in MEASURES.items() if measure.column in table.column_names]


def row_names(table: pa.Table) -> list[tuple[str, str]]:
    """(consumer, stream) of the rows of the picture, worst first, at most `ROWS_AT_MOST`."""
    sums = table.group_by(["consumer", "stream"]).aggregate([("reordered_count", "sum")])
    reordered: dict[tuple[str, str], int] = defaultdict(int)
    for total in sums.to_pylist():
        reordered[(total["consumer"] or "", total["stream"] or "")] += total["reordered_count_sum"] or 0
    worst = sorted(reordered, key=lambda row: (-reordered[row], row))
    return worst[:ROWS_AT_MOST]


def label(consumer: str, stream: str) -> str:
    """A row's name: one word where stream and consumer are named alike."""
    if not stream or stream == consumer:
        return consumer or stream or formatting.NONE
    return f"{stream} → {consumer}" if consumer else stream


def height(rows: int) -> int:
    """Pixels the heat map needs."""
    return _FRAME_PX + max(rows, 3) * _ROW_PX


def heat_map(
    table: pa.Table,
    *,
    since: datetime,
    until: datetime,
    bucket: timedelta,
    measure: str,
    picked: tuple[str, str, datetime, timedelta] | None = None,
) -> go.Figure:
    """A cell per (consumer, stream) and bucket; no colour where nothing arrived.

    `picked` is (consumer, stream, start, length): a cell keeps its frame when cells change length.

    `customdata` of a cell is [consumer, stream, bucket start], None where nothing arrived; rows of
    `reorder_hotspots` or `reorder_history`.
    """
    chosen = MEASURES[measure]
    rows = row_names(table)
    starts = base.grid(since, until, bucket)[:CELLS_AT_MOST]
    at_row = {row: number for number, row in enumerate(rows)}
    at_start = {start: number for number, start in enumerate(starts)}
    values: list[list[float | None]] = [[None] * len(starts) for _ in rows]
    texts = [[""] * len(starts) for _ in rows]
    targets: list[list[list[str] | None]] = [[None] * len(starts) for _ in rows]
    for cell in table.to_pylist():
        row = at_row.get((cell["consumer"] or "", cell["stream"] or ""))
        place = at_start.get(cell["bucket_start"])
        if row is None or place is None:
            continue
        value = cell[chosen.column]
        values[row][place] = 0 if value is None else value * chosen.scale
        texts[row][place] = _describe(cell)
        targets[row][place] = [*rows[row], starts[place].isoformat()]
    figure = go.Figure(layout=base.layout())
    figure.add_heatmap(
        x=[start + bucket / 2 for start in starts],
        y=list(range(len(rows))),
        z=values,
        text=texts,
        customdata=targets,
        xgap=1,
        ygap=2,
        zmin=0,
        # Where all is in order the scale must not stretch over nothing.
        zmax=max((value for row in values for value in row if value), default=0) or 1,
        hoverongaps=False,
        colorbar=_colour_bar(chosen.axis),
        hovertemplate="%{text}<extra></extra>",
    )
    figure.update_layout(
        uirevision=f"{since}{until}",
        xaxis=base.time_axis(since, until),
        yaxis=_row_axis(rows),
    )
    if picked is not None:
        _frame(figure, picked, at_row)
    return figure


def _describe(cell: dict[str, Any]) -> str:
    name = safe_plotly(label(cell["consumer"] or "", cell["stream"] or ""))
    arrivals = formatting.plural(cell["arrival_count"], "arrival")
    share = formatting.percent(cell["reordered_ratio"])
    lines = [
        f"<b>{name}</b>  {formatting.instant(cell['bucket_start'])}",
        f"{formatting.count(cell['reordered_count'])} of {arrivals} out of order ({share})",
    ]
    if cell["reordered_count"] and "extent_max" in cell:
        lines.append(
            f"late by {formatting.milliseconds(cell['late_time_p99_ms'])} (p99), "
            f"extent up to {formatting.count(cell['extent_max'])}"
        )
    if cell["reordered_count"]:
        lines.append("<i>click for the pairs</i>")
    return "<br>".join(lines)


def _colour_bar(title: str) -> dict[str, Any]:
    return {
        "title": {"text": title, "side": "right", "font": {"size": 11}},
        "thickness": 8,
        "len": 1,
        "ypad": 2,
        "xpad": 8,
        "outlinewidth": 0,
        "tickfont": {"size": 10},
        "nticks": 4,
        "tickformat": ",.3~r",
    }


def _row_axis(rows: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "tickvals": list(range(len(rows))),
        "ticktext": [safe_plotly(label(*row), 34) for row in rows],
        "range": [max(len(rows), 3) - 0.5, -0.5],
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
    }


def _frame(
    figure: go.Figure,
    picked: tuple[str, str, datetime, timedelta],
    at_row: dict[tuple[str, str], int],
) -> None:
    consumer, stream, start, length = picked
    row = at_row.get((consumer, stream))
    if row is not None:
        figure.add_shape(
            type="rect", x0=start, x1=start + length, y0=row - 0.5, y1=row + 0.5,
            line={"color": base.BLUE, "width": 2},
        )  # fmt: skip
