"""The chain of an event: as a tree of causes and effects, and as lanes over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting, zone
from dashboard.charts import base, tree_layout
from dashboard.charts.tree_layout import Layout, Node
from dashboard.hostile import safe_plotly

_ROW_PX: Final = 30
_COLUMN_PX: Final = 150
_FRAME_PX: Final = 84
_HEIGHTS_PX: Final = (170, 760)
_BEND: Final = 0.16
"""How far before an effect, in steps, its line leaves the stem."""
_LABEL_COLUMNS: Final = 7
"""With more columns than this, labels would run into the next column."""


def tree_height(rows: int) -> int:
    """Pixels a tree of so many rows needs; a taller one is drawn denser."""
    return min(max(_FRAME_PX + rows * _ROW_PX, _HEIGHTS_PX[0]), _HEIGHTS_PX[1])


def tree_width(layout: Layout) -> int:
    """Pixels below which the labels of a tree would run into each other."""
    columns = len({node.depth for node in layout.nodes})
    return columns * _COLUMN_PX if columns <= _LABEL_COLUMNS else 0


def colours(services: Sequence[str | None]) -> dict[str, str]:
    """A colour per service, the same in all pictures of the chain."""
    names = sorted({service or "" for service in services})
    return {name: base.CATEGORIES[at % len(base.CATEGORIES)] for at, name in enumerate(names)}


def tree(table: pa.Table, *, event: str) -> go.Figure:
    """Causes to the left, effects to the right; rows of `causal_chain`.

    `customdata` of a node is its event id.
    """
    layout = tree_layout.arrange(table.to_pylist())
    palette = colours(base.column(table, "service"))
    depths = sorted({node.depth for node in layout.nodes}) or [0]
    figure = go.Figure(layout=base.layout(dragmode="pan"))
    figure.add_scatter(
        **_connections(layout), mode="lines", hoverinfo="skip",
        line={"color": base.GREY, "width": 1}, showlegend=False,
    )  # fmt: skip
    has_labels = len(depths) <= _LABEL_COLUMNS and layout.row_count * _ROW_PX <= _HEIGHTS_PX[1]
    for service, colour in palette.items():
        own = [node for node in layout.nodes if (node.service or "") == service]
        if own:
            marks = _nodes(own, layout, event, colour, has_labels=has_labels)
            figure.add_scatter(**marks, name=safe_plotly(service or "unnamed service"))
    figure.update_layout(
        uirevision=event,
        showlegend=len(palette) > 1,
        legend=_legend(),
        xaxis={
            "range": [depths[0] - 0.25, depths[-1] + 0.95],
            "tickvals": _ticks(depths),
            "title": {
                "text": "steps from the picked event: causes below 0, effects above",
                "font": {"size": 11},
            },
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={"visible": False, "range": [layout.row_count - 0.4, -0.6]},
    )
    return figure


def _ticks(depths: list[int]) -> list[int]:
    step = -(-len(depths) // 20)
    return [depth for depth in depths if depth % step == 0]


def _legend() -> dict[str, Any]:
    return {
        "orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "font": {"size": 11},
        "itemclick": False, "itemdoubleclick": False,
    }  # fmt: skip


def _connections(layout: Layout) -> dict[str, list[float | None]]:
    """From each cause a stem to where its effects branch off, and on to them; broken by None."""
    x: list[float | None] = []
    y: list[float | None] = []
    at_depth = {node.event_id: node.depth for node in layout.nodes}
    for node in layout.nodes:
        cause = node.cause_id
        if cause is None or cause not in layout.rows:
            continue
        start, end = at_depth[cause], node.depth
        bend = end - _BEND if end > start else end + _BEND
        stem, branch = layout.rows[cause], layout.rows[node.event_id]
        x += [start, bend, bend, end, None]
        y += [stem, stem, branch, branch, None]
    return {"x": x, "y": y}


def _nodes(nodes: list[Node], layout: Layout, event: str, colour: str, *, has_labels: bool) -> dict[str, Any]:
    return {
        "x": [node.depth for node in nodes],
        "y": [layout.rows[node.event_id] for node in nodes],
        "mode": "markers+text" if has_labels else "markers",
        "text": [_label(node) for node in nodes],
        "textposition": "top right",
        "textfont": {"size": 11},
        "customdata": [node.event_id for node in nodes],
        "hovertext": [_hover(node) for node in nodes],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
        "marker": {
            "size": [15 if node.event_id == event else 10 for node in nodes],
            "color": colour,
            "opacity": 1,
            "symbol": ["circle-open-dot" if node.is_ghost else "circle" for node in nodes],
            "line": {"width": [3 if node.event_id == event else 0 for node in nodes], "color": base.RED},
        },
    }


def _label(node: Node) -> str:
    name = safe_plotly(node.event_type or node.event_id, 24)
    many = f" <b>× {formatting.count(node.count)}</b>" if node.count > 1 else ""
    return f" {'<i>not found</i>' if node.is_ghost else name}{many}"


def _hover(node: Node) -> str:
    lines = [
        f"<b>{safe_plotly(node.event_type or 'unknown type')}</b>",
        safe_plotly(node.event_id),
    ]
    if node.is_ghost:
        lines.append("named as a cause, not found")
    if node.service:
        lines.append(f"by {safe_plotly(node.service)}")
    if node.occurred_at:
        lines.append(f"{formatting.precise(node.occurred_at)} {zone.name()}")
    if node.count > 1:
        lines.append(f"and {formatting.count(node.count - 1)} more like it")
    return "<br>".join(lines)


def lanes(table: pa.Table, *, event: str) -> go.Figure:
    """A lane per service, time to the right, a line from each cause to its effect.

    At least one event of the chain must have a time.
    """
    layout = tree_layout.arrange(table.to_pylist())
    timed = [node for node in layout.nodes if node.occurred_at is not None]
    times = sorted(node.occurred_at for node in timed if node.occurred_at is not None)
    services = sorted({node.service or "" for node in timed})
    at_lane = {service: lane for lane, service in enumerate(services)}
    palette = colours(base.column(table, "service"))
    figure = go.Figure(layout=base.layout(dragmode="pan"))
    figure.add_scatter(
        **_messages(timed, at_lane), mode="lines", hoverinfo="skip",
        line={"color": base.GREY, "width": 1},
    )  # fmt: skip
    figure.add_scatter(
        x=[node.occurred_at for node in timed],
        y=[at_lane[node.service or ""] for node in timed],
        mode="markers",
        customdata=[node.event_id for node in timed],
        hovertext=[_hover(node) for node in timed],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "size": [15 if node.event_id == event else 10 for node in timed],
            "color": [palette[node.service or ""] for node in timed],
            "opacity": 1,
            "line": {"width": [3 if node.event_id == event else 0 for node in timed], "color": base.RED},
        },
    )
    figure.update_layout(
        uirevision=event,
        xaxis={**base.time_axis(*_with_margin(times)), "showgrid": True},
        yaxis={
            "tickvals": list(range(len(services))),
            "ticktext": [safe_plotly(service or "unknown service", 28) for service in services],
            "range": [len(services) - 0.4, -0.6],
            "fixedrange": True,
            "zeroline": False,
        },
    )
    return figure


def _with_margin(times: Sequence[datetime]) -> tuple[datetime, datetime]:
    """From the first to the last instant with room for the marks at both ends."""
    room = max((times[-1] - times[0]) * 0.04, timedelta(milliseconds=1))
    return times[0] - room, times[-1] + room


def _messages(nodes: list[Node], at_lane: dict[str, int]) -> dict[str, list[Any]]:
    known = {node.event_id: node for node in nodes}
    x: list[datetime | None] = []
    y: list[int | None] = []
    for node in nodes:
        cause = known.get(node.cause_id or "")
        if cause is not None:
            x += [cause.occurred_at, node.occurred_at, None]
            y += [at_lane[cause.service or ""], at_lane[node.service or ""], None]
    return {"x": x, "y": y}
