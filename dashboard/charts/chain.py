"""The chain of an event: as a tree of causes and effects, and as lanes over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting, zone
from dashboard.charts import base, branches, space_time, tree_layout
from dashboard.charts.branches import Branch, Choice
from dashboard.charts.space_time import Arrow
from dashboard.charts.tree_layout import Layout
from dashboard.hostile import safe_plotly

LANES: Final = ("service", "node")
"""What has a lane over time. In the address."""
Facts = dict[str, int]
"""What the page has to know of a picture."""

_ROW_PX: Final = 30
_COLUMN_PX: Final = 150
_FRAME_PX: Final = 84
_HEIGHTS_PX: Final = (170, 760)
_BEND: Final = 0.16
"""How far before an effect, in steps, its line leaves the stem."""
_LABEL_COLUMNS: Final = 7
"""With more columns than this, labels would run into the next column."""
_FAINT: Final = 0.35
"""Of what only connects the events that are asked for."""


def colours(names: Iterable[str | None]) -> dict[str, str]:
    """A colour per service, the same in all pictures of the chain."""
    known = sorted({name or "" for name in names})
    return {name: base.CATEGORIES[at % len(base.CATEGORIES)] for at, name in enumerate(known)}


def tree(table: pa.Table, *, event: str, choice: Choice) -> tuple[go.Figure, Facts]:
    """Causes to the left, effects to the right; rows of `causal_chain`.

    `customdata` of a node is its event id.
    """
    layout = tree_layout.arrange(branches.grow(table, choice))
    palette = colours(base.column(table, "service"))
    depths = layout.depths
    figure = go.Figure(layout=base.layout(dragmode="pan"))
    figure.add_scatter(
        **_connections(layout), mode="lines", hoverinfo="skip",
        line={"color": base.GREY, "width": 1}, showlegend=False,
    )  # fmt: skip
    has_labels = len(depths) <= _LABEL_COLUMNS and layout.row_count * _ROW_PX <= _HEIGHTS_PX[1]
    for service, colour in palette.items():
        own = [node for node in layout.nodes if (node.service or "") == service]
        if own:
            marks = _nodes(own, event, colour)
            marks |= {
                "x": [node.depth for node in own],
                "y": [layout.rows[node.event_id] for node in own],
                "mode": "markers+text" if has_labels else "markers",
                "text": [_label(node) for node in own],
                "textposition": "top right",
                "textfont": {"size": 11},
            }
            figure.add_scatter(**marks, name=safe_plotly(service or "unnamed service"))
    figure.update_layout(
        uirevision=event,
        showlegend=len(palette) > 1,
        legend=legend(),
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
    height = min(max(_FRAME_PX + layout.row_count * _ROW_PX, _HEIGHTS_PX[0]), _HEIGHTS_PX[1])
    width = len(depths) * _COLUMN_PX if len(depths) <= _LABEL_COLUMNS else 0
    return figure, {"height": height, "min_width": width, "left_out": layout.left_out}


def _ticks(depths: list[int]) -> list[int]:
    step = -(-len(depths) // 20)
    return [depth for depth in depths if depth % step == 0]


def legend() -> dict[str, Any]:
    """Names of services above a picture; a click must not take their events away."""
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
        bend = end - _BEND
        stem, branch = layout.rows[cause], layout.rows[node.event_id]
        x += [start, bend, bend, end, None]
        y += [stem, stem, branch, branch, None]
    return {"x": x, "y": y}


def _nodes(nodes: Sequence[Branch], event: str, colour: str | list[str]) -> dict[str, Any]:
    return {
        "customdata": [node.event_id for node in nodes],
        "hovertext": [hover(node) for node in nodes],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
        "marker": {
            "size": [15 if node.event_id == event else 10 for node in nodes],
            "color": colour,
            "opacity": [1 if node.is_asked or node.event_id == event else _FAINT for node in nodes],
            "symbol": ["circle-open-dot" if node.is_ghost else _symbol(node) for node in nodes],
            "line": {"width": [3 if node.event_id == event else 0 for node in nodes], "color": base.RED},
        },
    }


def _symbol(node: Branch) -> str:
    """A cross in the mark says that there is more below it."""
    return "circle-cross" if node.hidden else "circle"


def name_of(node: Branch, limit: int = 24) -> str:
    """Type and number of events, and how many more are below; for Plotly."""
    name = safe_plotly(node.event_type or node.event_id, limit)
    many = f" <b>× {formatting.count(node.count)}</b>" if node.count > 1 else ""
    more = f" <b>+{formatting.count(node.hidden)}</b>" if node.hidden else ""
    return f"{'<i>not found</i>' if node.is_ghost else name}{many}{more}"


def _label(node: Branch) -> str:
    return f" {name_of(node)}"


def hover(node: Branch) -> str:
    """What is known of a node; for Plotly."""
    lines = [
        f"<b>{safe_plotly(node.event_type or 'unknown type')}</b>",
        safe_plotly(node.event_id),
    ]
    if node.is_ghost:
        lines.append("named as a cause, not found")
    if node.service:
        at = f" at {safe_plotly(node.node)}" if node.node and node.node != node.service else ""
        lines.append(f"by {safe_plotly(node.service)}{at}")
    if node.occurred_at:
        lines.append(f"{formatting.precise(node.occurred_at)} {zone.name()}")
    if node.count > 1:
        lines.append(f"and {formatting.count(node.count - 1)} more like it")
    if node.hidden:
        lines.append(f"{formatting.plural(node.hidden, 'event')} below it not drawn")
    return "<br>".join(lines)


def lanes(
    table: pa.Table,
    *,
    event: str,
    choice: Choice,
    lane: str = LANES[0],
    hidden: tuple[str, ...] = (),
) -> tuple[go.Figure, Facts]:
    """A lane per service or node that is not hidden, time to the right, an arrow from cause to effect.

    Where a hidden lane lies between the two, the arrow is dotted.
    """
    layout = tree_layout.arrange(branches.grow(table, choice))
    timed = [node for node in layout.nodes if node.occurred_at is not None]
    counts = Counter(_place_of(node, lane) for node in timed)
    offered = [name for name, _ in counts.most_common() if name not in hidden]
    names = sorted(offered[: space_time.LANES_AT_MOST])
    at_lane = {name: number for number, name in enumerate(names)}
    drawn = [node for node in timed if _place_of(node, lane) in at_lane]
    facts = {
        "height": space_time.height(len(names)), "min_width": 0, "left_out": layout.left_out,
        "lanes": len(names), "lanes_left_out": len(offered) - len(names),
    }  # fmt: skip
    figure = go.Figure(layout=base.layout(dragmode="pan"))
    if not drawn:
        return figure, facts
    direct, across = _messages(layout, drawn, at_lane, lane)
    figure.add_scatter(**space_time.arrows(direct, colour=base.GREY))
    figure.add_scatter(**space_time.arrows(across, colour=base.GREY, dash="dot"))
    palette = colours(base.column(table, "service"))
    figure.add_scatter(
        **_nodes(drawn, event, [palette[node.service or ""] for node in drawn]),
        x=[node.occurred_at for node in drawn],
        y=[at_lane[_place_of(node, lane)] for node in drawn],
        mode="markers",
    )
    figure.update_layout(
        uirevision=event,
        xaxis=space_time.time_axis(node.occurred_at for node in drawn if node.occurred_at),
        yaxis=space_time.lane_axis([name or f"unknown {lane}" for name in names]),
    )
    return figure, facts


def _place_of(node: Branch, lane: str) -> str:
    name: str | None = getattr(node, lane)
    return name or ""


def _messages(
    layout: Layout, drawn: Sequence[Branch], at_lane: Mapping[str, int], lane: str
) -> tuple[list[Arrow], list[Arrow]]:
    """From the nearest cause that is drawn to each event: the direct one, or one behind a hidden lane."""
    known = {node.event_id: node for node in layout.nodes}
    shown = {node.event_id for node in drawn}
    direct: list[Arrow] = []
    across: list[Arrow] = []
    for node in drawn:
        cause = known.get(node.cause_id or "")
        found = direct
        while cause is not None and cause.event_id not in shown:
            cause, found = known.get(cause.cause_id or ""), across
        if cause is not None and cause.occurred_at is not None and node.occurred_at is not None:
            ends = at_lane[_place_of(cause, lane)], cause.occurred_at
            found.append(Arrow(*ends, at_lane[_place_of(node, lane)], node.occurred_at))
    return direct, across
