"""A loop of event types: which causes which, and which edges make it as strong as it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard.charts import base, circle
from dashboard.hostile import safe_plotly

TYPES_AT_MOST: Final = 12
"""Types drawn; a larger loop is read from its table."""
_NODE_PX: Final = 18
_WIDTH_PX: Final = (1.5, 8)
"""Of an edge without a share of the gain, and of one that has all of it."""
_AMPLIFYING_FROM: Final = 1.0
"""Effects per cause from which an edge makes more of what comes in."""
_BEND: Final = 0.16
_RING: Final = 0.16
_HEAD_AT: Final = 12
_LABEL_AT: Final = 7
_LABEL_PX: Final = (18, 9)
"""How far a label stands from its arrow: outside beside it, inside above or below it, where no name is."""
_HALF_AT_LEAST: Final = 1.45
"""Half of the width drawn, in radii of the circle: rings and labels of arrows have room."""
_NAME_LENGTH: Final = 28
_NAME_PX: Final = 7.5
_SAME_HEIGHT: Final = 0.15
_UNIT_PX_AT_LEAST: Final = 70


def width(table: pa.Table, *, loop_key: str) -> int:
    """Pixels without which names side by side would run into each other, or out of the picture."""
    places = _places(_edges(table, loop_key))
    return round(2 * _half(places) * _unit_px(places))


def _name_px(names: Iterable[str]) -> float:
    """Of the longest name."""
    return min(max(map(len, names), default=0), _NAME_LENGTH) * _NAME_PX + _NODE_PX


def _unit_px(places: Mapping[str, circle.Place]) -> float:
    """Pixels of a radius at which names at the same height stand apart."""
    apart = [
        abs(one[0] - other[0])
        for one, other in combinations(places.values(), 2)
        if abs(one[1] - other[1]) < _SAME_HEIGHT
    ]
    return max(_name_px(places) / min(apart, default=2), _UNIT_PX_AT_LEAST)


def _half(places: Mapping[str, circle.Place]) -> float:
    """Half of the width drawn, in radii, in which every name fits."""
    longest = _name_px(places) / _unit_px(places)
    ends = (abs(x) + longest / (2 if abs(y) > circle.HIGH else 1) for x, y in places.values())
    return max([_HALF_AT_LEAST, *ends])


def _edges(table: pa.Table, loop_key: str) -> list[dict[str, Any]]:
    return [edge for edge in table.to_pylist() if edge["loop_key"] == loop_key]


def _places(edges: Sequence[Mapping[str, Any]]) -> dict[str, circle.Place]:
    names = dict.fromkeys(edge[end] for edge in edges for end in ("cause_type", "effect_type"))
    return circle.places(list(names)[:TYPES_AT_MOST])


def graph(table: pa.Table, *, loop_key: str) -> go.Figure:
    """Types on a circle, an arrow from cause to effect, the wider the more of the gain; rows of `loop_edges`.

    Red: one cause has one effect or more, so that this edge lets nothing die out.
    """
    edges = _edges(table, loop_key)
    places = _places(edges)
    figure = go.Figure(layout=base.layout(dragmode=False))
    for edge in edges:
        if edge["cause_type"] in places and edge["effect_type"] in places:
            _arrow(figure, edge, places)
    figure.add_scatter(
        x=[x for x, _ in places.values()], y=[y for _, y in places.values()], mode="markers+text",
        text=[f"<b>{safe_plotly(name, _NAME_LENGTH)}</b>" for name in places],
        textposition=[circle.beside(place) for place in places.values()],
        hoverinfo="skip", cliponaxis=False, marker={"size": _NODE_PX, "color": base.BLUE},
    )  # fmt: skip
    hidden, half = {"visible": False, "fixedrange": True}, _half(places)
    figure.update_layout(
        uirevision="loop", margin={"l": 8, "r": 8, "t": 24, "b": 24},
        xaxis={**hidden, "range": [-half, half]}, yaxis={**hidden, "range": [-1.35, 1.35]},
    )  # fmt: skip
    return figure


def _arrow(figure: go.Figure, edge: Mapping[str, Any], places: Mapping[str, circle.Place]) -> None:
    ends = places[edge["cause_type"]], places[edge["effect_type"]]
    curve = _curve(*ends)
    is_amplifying = edge["effects_per_cause"] >= _AMPLIFYING_FROM
    colour = base.RED if is_amplifying else base.GREY
    least, most = _WIDTH_PX
    width = least + (most - least) * edge["gain_share"]
    said = (
        f"one {safe_plotly(edge['cause_type'])} causes {edge['effects_per_cause']:.2f} "
        f"{safe_plotly(edge['effect_type'])}<br>{edge['gain_share']:.0%} of the gain"
    )
    figure.add_scatter(
        x=[x for x, _ in curve], y=[y for _, y in curve], mode="lines+markers",
        line={"color": colour, "width": width}, hovertext=said, hovertemplate="%{hovertext}<extra></extra>",
        customdata=[edge["first_event_id"]] * len(curve),
        marker={
            "symbol": "arrow", "angleref": "previous", "color": colour, "opacity": 1, "line": {"width": 0},
            "size": [10 + width if step == _HEAD_AT else 0 for step in range(len(curve))],
        },
    )  # fmt: skip
    x, y = curve[_LABEL_AT]
    out = circle.outward(*ends)
    figure.add_annotation(
        x=x, y=y, text=f"{edge['effects_per_cause']:.2f}", showarrow=False,
        xshift=_LABEL_PX[0] * out[0], yshift=-_LABEL_PX[1] * out[1],
        font={"size": 11, "color": colour},
    )  # fmt: skip


def _curve(start: circle.Place, end: circle.Place) -> Sequence[circle.Place]:
    if start != end:
        return circle.curve(start, end, _BEND)
    # A type that causes itself: a small ring outside of the circle.
    x, y = start[0] * (1 + _RING), start[1] * (1 + _RING)
    turns = (2 * math.pi * step / circle.STEPS for step in range(circle.STEPS + 1))
    return [(x + _RING * math.sin(turn), y + _RING * math.cos(turn)) for turn in turns]
