"""Two messages that changed places on their way, with those around them: who sent them, who received them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting, zone
from dashboard.charts import base, space_time
from dashboard.charts.space_time import Arrow
from dashboard.hostile import safe_plotly

Row = Mapping[str, Any]
Place = tuple[bool, str]
"""Whether messages arrive there, and its name."""
DISTANCES: Final = ("order", "time")
"""What the distance of two marks means: which came first, or also how long before. In the address."""
ROLES: Final = {
    "around": ("around them", base.GREY, 1.0),
    "overtaking": ("overtaking", base.BLUE, 3.0),
    "late": ("late", base.RED, 3.0),
}
"""Role -> what it is called, colour, width of its arrows; the last is drawn on top."""
MIN_WIDTH_PX: Final = 520
"""Below this the numbers would run into each other."""


@dataclass(frozen=True)
class _End:
    """A sending or an arrival in the picture."""

    row: Row
    lane: int
    at: datetime | int


def draw(table: pa.Table, *, distance: str) -> tuple[go.Figure, dict[str, int]]:
    """A lane per node, those that sent on top, an arrow from each sending to its arrival, with the number.

    Rows of `crossing_messages`, at least one; `customdata` of a mark is the event id.
    """
    rows = table.to_pylist()
    at = [row["occurred_at"] if distance == "time" else number for number, row in enumerate(rows)]
    lanes = _lanes(rows)
    at_lane = {place: number for number, place in enumerate(lanes)}
    ends = [_End(row, at_lane[_place_of(row)], when) for row, when in zip(rows, at, strict=True)]
    figure = go.Figure(layout=base.layout(dragmode="pan"))
    for role, (called, colour, width) in ROLES.items():
        own = [end for end in ends if end.row["role"] == role]
        figure.add_scatter(
            **space_time.arrows(_arrows(own), colour=colour, width=width), name=f"way of {called}"
        )
        figure.add_scatter(**_marks(own, colour, is_bold=width > 1), name=called)
    figure.update_layout(
        uirevision=f"{rows[0]['event_id']}{len(rows)}{distance}",
        showlegend=True,
        legend={
            "orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 11},
            "itemclick": False, "itemdoubleclick": False, "traceorder": "reversed",
        },
        xaxis=_time_axis(rows) if distance == "time" else _order_axis(rows),
        yaxis=space_time.lane_axis(_names(lanes)),
    )  # fmt: skip
    # Numbers stand above and below the lanes.
    height = space_time.height(len(lanes)) + space_time.height(len(lanes)) // 4
    return figure, {"height": height, "min_width": MIN_WIDTH_PX}


def _place_of(row: Row) -> Place:
    return bool(row["is_arrival"]), row["node"] or row["service"] or ""


def _lanes(rows: Sequence[Row]) -> list[Place]:
    """Those that send above those that receive; the two ends of the late message next to each other.

    Only then do the arrows of the two always cross where the messages did.
    """
    first = {(row["role"], row["is_arrival"]): _place_of(row) for row in reversed(rows)}

    def distance(place: Place) -> tuple[int, str]:
        roles = [first.get((role, place[0])) for role in ("late", "overtaking")]
        return (roles.index(place) if place in roles else len(roles)), place[1]

    places = {_place_of(row) for row in rows}
    senders = sorted((place for place in places if not place[0]), key=distance, reverse=True)
    return [*senders, *sorted((place for place in places if place[0]), key=distance)]


def _names(lanes: Sequence[Place]) -> list[str]:
    """What lanes are called; a node that sends and receives has two."""
    names = [name for _, name in lanes]
    return [
        f"{name or 'unknown node'}{_doing(arrives) if names.count(name) > 1 else ''}"
        for arrives, name in lanes
    ]


def _doing(arrives: bool) -> str:  # noqa: FBT001 - half of a place
    return ", receiving" if arrives else ", sending"


def _time_axis(rows: Sequence[Row]) -> dict[str, Any]:
    return space_time.time_axis(row["occurred_at"] for row in rows)


def _order_axis(rows: Sequence[Row]) -> dict[str, Any]:
    """A place for each record; the first and the last say when."""
    last = len(rows) - 1
    ends = sorted({0, last})
    return {
        "range": [-0.7, last + 0.7],
        "tickvals": ends,
        "ticktext": [formatting.precise(rows[number]["occurred_at"]).partition(" ")[2] for number in ends],
        "title": {"text": f"one after the other, not to scale, {zone.name()}", "font": {"size": 11}},
        "showgrid": False,
        "zeroline": False,
    }


def _arrows(ends: Sequence[_End]) -> list[Arrow]:
    """From the last sending before each arrival, else from the first of all."""
    sendings = defaultdict[str, list[_End]](list)
    for end in ends:
        if not end.row["is_arrival"]:
            sendings[end.row["event_id"]].append(end)
    found = []
    for end in ends:
        sent = sendings[end.row["event_id"]]
        if end.row["is_arrival"] and sent:
            before = [one for one in sent if one.row["occurred_at"] <= end.row["occurred_at"]]
            start = before[-1] if before else sent[0]
            found.append(Arrow(start.lane, start.at, end.lane, end.at))
    return found


def _marks(ends: Sequence[_End], colour: str, *, is_bold: bool) -> dict[str, Any]:
    numbers = [end.row["sequence"] for end in ends]
    return {
        "x": [end.at for end in ends],
        "y": [end.lane for end in ends],
        "mode": "markers+text",
        "text": [f"<b>{number}</b>" if is_bold else str(number) for number in numbers],
        "textposition": ["bottom center" if end.row["is_arrival"] else "top center" for end in ends],
        "textfont": {"size": 13 if is_bold else 10},
        "customdata": [end.row["event_id"] for end in ends],
        "hovertext": [_hover(end.row) for end in ends],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
        "marker": {"color": colour, "size": 13 if is_bold else 8, "opacity": 1},
    }


def _hover(row: Row) -> str:
    verb = "arrived at" if row["is_arrival"] else "sent by"
    place = safe_plotly(row["node"] or row["service"] or "unknown")
    return (
        f"<b>{safe_plotly(row['event_type'] or 'unknown type')}</b> number {row['sequence']}<br>"
        f"{safe_plotly(row['event_id'])}<br>{verb} {place}<br>"
        f"{formatting.precise(row['occurred_at'])} {zone.name()}<br><i>click for its chain</i>"
    )
