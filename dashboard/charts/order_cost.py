"""What order costs: how much stays late against how long early events are held back."""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting
from dashboard.charts import base, hotspots
from dashboard.hostile import safe_plotly

PLACES_AT_MOST: Final = 6
_SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "x", "star")


def curve(table: pa.Table) -> go.Figure:
    """A line per consumer and stream that loses order at all, most late first; rows of `order_cost`."""
    figure = go.Figure(layout=base.layout())
    places = by_place(table)
    for number, ((consumer, stream), rows) in enumerate(places):
        name = safe_plotly(hotspots.label(consumer, stream), 40)
        figure.add_scatter(
            x=[formatting.milliseconds(row["hold_ms"]) if row["hold_ms"] else "none" for row in rows],
            y=[100 * row["late_ratio"] for row in rows],
            mode="lines+markers",
            name=name,
            cliponaxis=False,
            line={"color": base.CATEGORIES[number], "width": 2},
            marker={"size": 8, "symbol": _SYMBOLS[number]},
            hovertext=[_describe(name, row) for row in rows],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.update_layout(
        uirevision="order_cost",
        showlegend=len(places) > 1,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        xaxis={
            "type": "category", "showgrid": False, "fixedrange": True,
            "title": {"text": "early events are held back for at most", "font": {"size": 11}},
        },
        yaxis=base.value_axis("still out of order", ticksuffix=" %"),
    )  # fmt: skip
    return figure


def by_place(table: pa.Table) -> list[tuple[tuple[str, str], list[dict[str, Any]]]]:
    """The rows of each consumer and stream that loses order, by hold; most late first."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        found.setdefault((row["consumer"] or "", row["stream"] or ""), []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row["hold_ms"])
    late = [place for place in found.items() if place[1][0]["late_count"]]
    return sorted(late, key=lambda place: -place[1][0]["late_count"])[:PLACES_AT_MOST]


def _describe(name: str, row: dict[str, Any]) -> str:
    late = (
        f"{formatting.percent(row['late_ratio'])} late, {formatting.plural(row['held_count'], 'event')} wait"
    )
    added = formatting.milliseconds(row["added_latency_p99_ms"])
    return f"{name}<br>{late}<br>adds {added} (99th percentile)"
