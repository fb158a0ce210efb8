"""What sets selected events apart: how many times as likely, with its interval."""

from __future__ import annotations

import math
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import differences, formatting
from dashboard.charts import base
from dashboard.hostile import safe_plotly

ROWS_AT_MOST: Final = 12
_ROW_PX, _FRAME_PX = 34, 70
_STEPS: Final = (((1, 1.5, 2, 3, 5), 10), ((1, 2, 5), 50), ((1, 3), 1_000))
"""Ticks of a decade, and up to which end of the axis these."""
_ROOM: Final = 2.0
"""Intervals without an upper end go on for so many times the greatest end that is known."""


def height(rows: int) -> int:
    """Pixels the chart needs."""
    return _FRAME_PX + max(min(rows, ROWS_AT_MOST), 3) * _ROW_PX


def ranked(table: pa.Table, *, picked: int | None = None) -> go.Figure:
    """A mark and its interval per row, the best explanation on top; rows of `explain_difference`.

    `customdata` of a mark is the number of its row. A hollow mark has no upper end: nothing was
    selected outside of the group.
    """
    rows = table.slice(0, ROWS_AT_MOST).to_pylist()
    figure = go.Figure(layout=base.layout(dragmode=False))
    bounds = [
        row["risk_ratio_low" if row["risk_ratio"] is None else "risk_ratio_high"] for row in rows
    ]  # fmt: skip
    ends = [_ends(row, _ROOM * max(bounds, default=1)) for row in rows]
    figure.add_scatter(
        x=[at for _, at, _ in ends],
        y=list(range(len(rows))),
        mode="markers",
        error_x={
            "type": "data", "symmetric": False, "thickness": 1.6, "width": 5, "color": base.GREY,
            "array": [high - at for _, at, high in ends], "arrayminus": [at - low for low, at, _ in ends],
        },
        marker={
            "size": [10 + 14 * max(min(row["attributable_fraction"], 1), 0) for row in rows],
            "color": base.ORANGE,
            "symbol": ["circle-open" if row["risk_ratio"] is None else "circle" for row in rows],
            "line": {"width": [3 if number == picked else 1.5 for number in range(len(rows))]},
        },
        customdata=list(range(len(rows))),
        hovertext=[_describe(row) for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )  # fmt: skip
    figure.update_layout(
        uirevision="ratios",
        margin={"l": 8, "r": 14, "t": 24, "b": 4},
        xaxis={
            "type": "log", "fixedrange": True, "ticksuffix": " ×", "tickangle": 0, "zeroline": False,
            "tickvals": _ticks(max((high for _, _, high in ends), default=1)),
            "title": {"text": "times as likely, 99 % interval", "font": {"size": 11}},
        },
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [_tick(row) for row in rows],
            "range": [max(len(rows), 3) - 0.5, -0.5],
            "fixedrange": True, "showgrid": False, "zeroline": False,
        },
    )  # fmt: skip
    base.cut_at(figure, 1.0, "as likely as elsewhere", base.GREY)
    return figure


def _ticks(most: float) -> list[float]:
    """Up to `most`, few enough to stand side by side on a phone."""
    steps = next((steps for steps, until in _STEPS if most <= until), (1,))
    decades = range(math.ceil(math.log10(max(most, 1))) + 1)
    return [step * 10**decade for decade in decades for step in steps]


def _tick(row: dict[str, Any]) -> str:
    parts = [f"{safe_plotly(row['attribute'], 16)} <b>{safe_plotly(row['value'], 26)}</b>"]
    if row["other_attribute"] is not None:
        parts.append(
            f"{safe_plotly(row['other_attribute'], 16)} <b>{safe_plotly(row['other_value'], 26)}</b>"
        )
    return "<br>".join(parts)


def _ends(row: dict[str, Any], most: float) -> tuple[float, float, float]:
    """Lower end, mark and upper end as they are drawn."""
    low = row["risk_ratio_low"]
    at = low if row["risk_ratio"] is None else row["risk_ratio"]
    high = min(row["risk_ratio_high"], max(most, at))
    return low, at, high


def _describe(row: dict[str, Any]) -> str:
    ratio = "–" if row["risk_ratio"] is None else f"{row['risk_ratio']:.1f}"
    return (
        f"<b>{safe_plotly(differences.label(row), 90)}</b><br>"
        f"{formatting.count(row['selected_count'])} of {formatting.count(row['group_count'])} selected<br>"
        f"ratio {ratio}, {row['risk_ratio_low']:.1f} to {row['risk_ratio_high']:.1f} (99 %)<br>"
        f"attributable share {formatting.percent(row['attributable_fraction'])}<br>"
        "<i>click for its records</i>"
    )
