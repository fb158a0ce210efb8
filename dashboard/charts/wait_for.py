"""The wait-for graph of a deadlock: who waits for whom, on what."""

from __future__ import annotations

import math
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard.charts import base
from dashboard.hostile import safe_plotly

MEMBERS_AT_MOST: Final = 24
"""Owners drawn; a larger knot is read from its table."""
_NODE_PX: Final = 46
_BEND: Final = 0.3
"""How far an arrow bows outwards, as a share of its length: two opposite ones stay apart."""

_LABEL_PX: Final = (48, 20)
"""How far a label stands outside its arrow."""


def members(table: pa.Table) -> list[str]:
    """The owners of a deadlock, in the order in which they wait for each other."""
    waits: dict[str, str | None] = {}
    for owner, holder in zip(
        base.column(table, "owner"), base.column(table, "blocked_by"), strict=True
    ):
        waits.setdefault(owner or "", holder)
    ordered: dict[str, None] = {}
    for start in waits:
        name: str | None = start
        while name is not None and name not in ordered:
            ordered[name] = None
            name = waits.get(name)
    return list(ordered)


def height(table: pa.Table) -> int:
    """Pixels the graph needs: two members stand side by side."""
    return 210 if len(members(table)) <= 2 else 340  # noqa: PLR2004


def graph(table: pa.Table) -> go.Figure:
    """Members on a circle, an arrow from who waits to who holds; rows of `deadlock_edges`."""
    names = members(table)[:MEMBERS_AT_MOST]
    places = _circle(names)
    victims = {
        owner
        for owner, is_victim in zip(
            base.column(table, "owner"), base.column(table, "is_victim"), strict=True
        )
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
        text=[f"<b>{safe_plotly(name, 12)}</b>" for name in names],
        textfont={"size": 12, "color": "#ffffff"},
        hovertext=[_hover(name, table, name in victims) for name in names],
        hovertemplate="%{hovertext}<extra></extra>",
        customdata=names,
        cliponaxis=False,
        marker={
            "size": _NODE_PX,
            "color": ["#c2410c" if name in victims else "#33669f" for name in names],
            "line": {"width": 0},
        },
    )
    for name in names:
        if name in victims:
            x, y = places[name]
            figure.add_annotation(
                x=x, y=y, yshift=-_NODE_PX / 2 - 10, text="victim", showarrow=False,
                font={"size": 11, "color": base.RED},
            )  # fmt: skip
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(
        uirevision="wait-for",
        margin={"l": 8, "r": 8, "t": 26, "b": 34},
        xaxis={**hidden, "range": [-1.9, 1.9]},
        yaxis={**hidden, "range": [-1.35, 1.35] if len(names) > 2 else [-0.75, 0.75]},  # noqa: PLR2004
    )
    return figure


def _circle(names: list[str]) -> dict[str, tuple[float, float]]:
    turn = 2 * math.pi / max(len(names), 1)
    start = math.pi if len(names) == 2 else math.pi / 2  # noqa: PLR2004 - two stand side by side
    return {
        name: (math.cos(start - at * turn) * 1.15, math.sin(start - at * turn))
        for at, name in enumerate(names)
    }


def _arrow(figure: go.Figure, edge: dict[str, Any], places: dict[str, tuple[float, float]]) -> None:
    start, end = places[edge["owner"]], places[edge["blocked_by"]]
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    normal = (end[1] - start[1], start[0] - end[0])
    bow = (middle[0] - normal[0] * _BEND, middle[1] - normal[1] * _BEND)
    curve = [_bezier(start, bow, end, step / 20) for step in range(21)]
    figure.add_scatter(
        x=[point[0] for point in curve], y=[point[1] for point in curve], mode="lines",
        line={"color": base.GREY, "width": 2}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_annotation(
        x=curve[-1][0], y=curve[-1][1], ax=curve[-8][0], ay=curve[-8][1],
        xref="x", yref="y", axref="x", ayref="y", text="", showarrow=True,
        arrowhead=2, arrowsize=1.3, arrowwidth=2, arrowcolor=base.GREY, standoff=_NODE_PX / 2 + 2,
    )  # fmt: skip
    length = math.hypot(*normal) or 1
    figure.add_annotation(
        x=curve[10][0], y=curve[10][1], text=_lock(edge), showarrow=False, font={"size": 11},
        xshift=-normal[0] / length * _LABEL_PX[0], yshift=-normal[1] / length * _LABEL_PX[1],
    )  # fmt: skip


def _bezier(
    start: tuple[float, float], bow: tuple[float, float], end: tuple[float, float], at: float
) -> tuple[float, float]:
    rest = 1 - at
    weights = (rest * rest, 2 * rest * at, at * at)
    # The control point lies twice as far out as the middle of the curve shall.
    x = start[0] * weights[0] + bow[0] * weights[1] + end[0] * weights[2]
    y = start[1] * weights[0] + bow[1] * weights[1] + end[1] * weights[2]
    return x, y


def _lock(edge: dict[str, Any]) -> str:
    parts = [safe_plotly(edge[name], 30) for name in ("mode", "resource") if edge[name]]
    return "<br>".join(parts) or "waits for"


def _hover(name: str, table: pa.Table, is_victim: bool) -> str:
    lines = [f"<b>{safe_plotly(name)}</b>{' was rolled back' if is_victim else ''}"]
    for edge in table.to_pylist():
        if edge["owner"] == name:
            holder = safe_plotly(edge["blocked_by"] or "unknown")
            lines.append(f"waits for {holder}: {_lock(edge).replace('<br>', ' on ')}")
            if edge["statement"]:
                lines.append(safe_plotly(edge["statement"], 90))
    return "<br>".join(lines)
