"""The wait-for graph of a deadlock: who waits for whom, on what."""

from __future__ import annotations

import math
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard.charts import base, circle
from dashboard.hostile import safe_plotly

MEMBERS_AT_MOST: Final = 24
"""Owners drawn; a larger knot is read from its table."""
_NODE_PX: Final = 20
_BEND: Final = {2: 0.3}
_FLAT_BEND: Final = 0.1
"""How far an arrow bows outwards, as a share of its length, by the number of members: two opposite ones stay
apart, and of more none runs through a name."""
_HEAD_PX: Final = 14
_HEAD_AT: Final = 11
"""Point of the curve, of 20, on which the tip of the arrow lies."""
_LABEL_PX: Final = (8, 20)
"""How far a label stands from its arrow: outside beside it, inside above or below it."""
_STEEP: Final = 0.3
"""From this slope on, a label stands beside its arrow."""
_HALF: Final = 1.9
"""From the middle of the circle, whose radius is 1, to the edge of the picture."""
_FARTHEST: Final = 0.95
"""How far out names and labels begin that stand farthest out."""
_NAME_LENGTH, _LOCK_LENGTH = 20, 30
"""Characters that are written of a name and of a lock."""
_NAME_PX, _LOCK_PX = 7.5, 6.2
"""About how wide a character of them is."""


def members(table: pa.Table) -> list[str]:
    """The owners of a deadlock, in the order in which they wait for each other."""
    waits: dict[str, str | None] = {}
    for owner, holder in zip(base.column(table, "owner"), base.column(table, "blocked_by"), strict=True):
        waits.setdefault(owner or "", holder)
    ordered: dict[str, None] = {}
    for start in waits:
        name: str | None = start
        while name is not None and name not in ordered:
            ordered[name] = None
            name = waits.get(name)
    return list(ordered)


def height(table: pa.Table) -> int:
    """Pixels the graph needs."""
    return 320 if len(members(table)) <= 3 else 400  # noqa: PLR2004 - a triangle needs less


def width(table: pa.Table) -> int:
    """Pixels without which a name or a lock would be cut."""
    names = members(table)[:MEMBERS_AT_MOST]
    longest = min(max((len(name) for name in names), default=0), _NAME_LENGTH)
    locks = [edge[name] or "" for edge in table.to_pylist() for name in ("mode", "resource")]
    lock = min(max(map(len, locks), default=0), _LOCK_LENGTH)
    is_beside = any(abs(y) <= circle.HIGH for _, y in circle.places(names).values())
    outside = max(
        longest * _NAME_PX * (1 if is_beside else 0.5) + (_NODE_PX if is_beside else 0),
        lock * _LOCK_PX + _LABEL_PX[0],
    )
    return round(2 * _HALF * outside / (_HALF - _FARTHEST)) + 16


def graph(table: pa.Table) -> go.Figure:
    """Members on a circle, an arrow from who waits to who holds; rows of `deadlock_edges`."""
    names = members(table)[:MEMBERS_AT_MOST]
    places = circle.places(names)
    victims = {
        owner
        for owner, is_victim in zip(base.column(table, "owner"), base.column(table, "is_victim"), strict=True)
        if is_victim
    }
    figure = go.Figure(layout=base.layout(dragmode=False))
    for edge in table.to_pylist():
        if edge["owner"] in places and edge["blocked_by"] in places:
            _arrow(figure, edge, places)
    figure.add_scatter(
        x=[places[name][0] for name in names],
        y=[places[name][1] for name in names],
        mode="markers+text",
        text=[_name(name, is_victim=name in victims) for name in names],
        textposition=[circle.beside(place) for place in places.values()],
        textfont={"size": 12},
        hovertext=[_hover(name, table, is_victim=name in victims) for name in names],
        hovertemplate="%{hovertext}<extra></extra>",
        customdata=names,
        cliponaxis=False,
        marker={
            "size": _NODE_PX,
            "color": [base.RED if name in victims else base.BLUE for name in names],
            "symbol": ["x" if name in victims else "circle" for name in names],
            "line": {"width": 0},
        },
    )
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(
        uirevision="wait-for",
        margin={"l": 8, "r": 8, "t": 30, "b": 40},
        xaxis={**hidden, "range": [-_HALF, _HALF]},
        yaxis={**hidden, "range": [-1.25, 1.25]},
    )
    return figure


def _arrow(figure: go.Figure, edge: dict[str, Any], places: dict[str, circle.Place]) -> None:
    start, end = places[edge["owner"]], places[edge["blocked_by"]]
    curve = circle.curve(start, end, _BEND.get(len(places), _FLAT_BEND))
    figure.add_scatter(
        x=[point[0] for point in curve], y=[point[1] for point in curve], mode="lines+markers",
        line={"color": base.GREY, "width": 2, "backoff": 0}, hoverinfo="skip",
        # The head sits in the middle, where no node of whatever size on the screen covers it.
        marker={
            "symbol": "arrow", "angleref": "previous", "color": base.GREY, "line": {"width": 0}, "opacity": 1,
            "size": [_HEAD_PX if step == _HEAD_AT else 0 for step in range(len(curve))],
        },
    )  # fmt: skip
    outward = circle.outward(start, end)
    side = 0 if abs(outward[0]) < _STEEP else math.copysign(1, outward[0])
    x, y = curve[circle.STEPS // 2]
    figure.add_annotation(
        x=x, y=y, text=_lock(edge), showarrow=False, font={"size": 11},
        xanchor={-1: "right", 0: "center", 1: "left"}[int(side)],
        # Names stand outside, so what is above or below an arrow stands inside.
        xshift=side * _LABEL_PX[0], yshift=-outward[1] * _LABEL_PX[1],
    )  # fmt: skip


def _name(name: str, *, is_victim: bool) -> str:
    return f"<b>{safe_plotly(name, _NAME_LENGTH)}</b>{'<br>victim' if is_victim else ''}"


def _lock(edge: dict[str, Any]) -> str:
    parts = [safe_plotly(edge[name], _LOCK_LENGTH) for name in ("mode", "resource") if edge[name]]
    return "<br>".join(parts) or "waits for"


def _hover(name: str, table: pa.Table, *, is_victim: bool) -> str:
    lines = [f"<b>{safe_plotly(name)}</b>{' was rolled back' if is_victim else ''}"]
    for edge in table.to_pylist():
        if edge["owner"] == name:
            holder = safe_plotly(edge["blocked_by"] or "unknown")
            lines.append(f"waits for {holder}: {_lock(edge).replace('<br>', ' on ')}")
            if edge["statement"]:
                lines.append(safe_plotly(edge["statement"], 90))
    return "<br>".join(lines)
