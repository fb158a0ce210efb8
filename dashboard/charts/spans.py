"""Bars along time: versions in flight, loops while they turned, queues before a lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting
from dashboard.charts import base
from dashboard.hostile import safe_plotly

ROWS_AT_MOST: Final = 30
_ROW_PX, _FRAME_PX = 24, 70
_LEAST_SHARE: Final = 0.004
"""Length of a bar as a share of the window, so that an instant can be seen and hit."""
_LEVELS: Final = {"stop": base.RED, "watch": base.ORANGE, "allowed": base.GREY}


@dataclass(frozen=True)
class _Bar:
    row: int
    """Number of the row of the table: `customdata`."""
    name: str
    """Bars of one name share a line."""
    start: datetime
    end: datetime
    colour: str
    hover: str
    text: str = ""
    is_hatched: bool = False


def height(names: int) -> int:
    """Pixels for so many lines."""
    return _FRAME_PX + max(min(names, ROWS_AT_MOST), 2) * _ROW_PX


def version_names(table: pa.Table) -> list[str]:
    """The lines of `versions`, types with several versions first."""
    known = dict(zip(base.column(table, "event_type"), base.column(table, "version_count"), strict=True))
    return sorted(known, key=lambda name: (-known[name], name or ""))


def versions(table: pa.Table, *, since: datetime, until: datetime) -> go.Figure:
    """A line per event type with a bar per version, first to last seen; rows of `schema_versions`.

    Where an older version went on, that piece is hatched.
    """
    order = version_names(table)[:ROWS_AT_MOST]
    found = []
    shades: dict[str, int] = {}
    for number, row in enumerate(table.to_pylist()):
        name = row["event_type"]
        if name not in order:
            continue
        shade = shades[name] = shades.get(name, -1) + 1
        colour = base.CATEGORIES[shade % (len(base.CATEGORIES) - 1)]
        hover = (
            f"<b>{safe_plotly(name or '')}</b> version {safe_plotly(row['schema_version'], 24)}<br>"
            f"{formatting.plural(row['event_count'], 'record')} of "
            f"{formatting.plural(row['node_count'], 'node')}<br>"
            f"{formatting.precise(row['first_at'])} – {formatting.precise(row['last_at'])}"
        )
        mixed = timedelta(milliseconds=row["mixed_ms"] or 0)
        if row["older_version"] is not None:
            hover += (
                f"<br>version {safe_plotly(row['older_version'], 24)} went on for {formatting.span(mixed)}"
            )
        label = f"v{safe_plotly(row['schema_version'], 12)}" if row["version_count"] > 1 else ""
        found.append(_Bar(number, name or "", row["first_at"], row["last_at"], colour, hover, label))
        if mixed:
            found.append(
                _Bar(
                    number, name or "", row["first_at"], row["first_at"] + mixed, base.RED, hover,
                    is_hatched=True,
                )
            )  # fmt: skip
    return _draw(found, [name or "" for name in order], since, until)


def loops(table: pa.Table, *, since: datetime, until: datetime) -> go.Figure:
    """A line per loop from its first to its newest visit; rows of `causal_loops`."""
    found = [
        _Bar(
            number, _loop_name(row), row["started_at"], row["last_at"], _LEVELS[row["level"]],
            f"<b>{safe_plotly(row['event_type'] or '')}</b> of {safe_plotly(row['entity'] or '')}<br>"
            f"{formatting.plural(row['turns'], 'turn')} over "
            f"{formatting.span(row['last_at'] - row['started_at'])}, {row['level']}<br>"
            "<i>click for the chain of its first event</i>",
            f"{formatting.count(row['turns'])} ×",
        )
        for number, row in enumerate(table.slice(0, ROWS_AT_MOST).to_pylist())
        if row["started_at"] is not None
    ]  # fmt: skip
    return _draw(found, list(dict.fromkeys(bar.name for bar in found)), since, until)


def _loop_name(row: dict[str, Any]) -> str:
    return f"{row['entity']} · {row['event_type']}"


def convoys(table: pa.Table, *, since: datetime, until: datetime) -> go.Figure:
    """A line per lock with a bar while somebody queued for it; rows of `lock_convoys`."""
    found = [
        _Bar(
            number, row["resource"] or "", row["began_at"], row["ended_at"], base.ORANGE,
            f"<b>{safe_plotly(row['resource'] or '')}</b><br>"
            f"{formatting.plural(row['owner_count'], 'owner')} queued for "
            f"{formatting.span(row['ended_at'] - row['began_at'])}<br>"
            f"one of them {formatting.milliseconds(row['wait_max_ms'])}",
            f"{formatting.count(row['owner_count'])} owners",
        )
        for number, row in enumerate(table.slice(0, ROWS_AT_MOST).to_pylist())
    ]  # fmt: skip
    return _draw(found, list(dict.fromkeys(bar.name for bar in found)), since, until)


def _draw(bars: Iterable[_Bar], names: list[str], since: datetime, until: datetime) -> go.Figure:
    """The bars, clipped to the window."""
    figure = go.Figure(layout=base.layout(barmode="overlay"))
    line = {name: number for number, name in enumerate(names)}
    kept = [bar for bar in bars if bar.name in line and bar.start < until and bar.end >= since]
    least = (until - since) * _LEAST_SHARE
    starts = [max(bar.start, since) for bar in kept]
    lengths = [max(min(bar.end, until) - start, least) for bar, start in zip(kept, starts, strict=True)]
    figure.add_bar(
        orientation="h",
        base=starts,
        x=[length / timedelta(milliseconds=1) for length in lengths],
        y=[line[bar.name] for bar in kept],
        width=0.62,
        marker={
            "color": [bar.colour for bar in kept],
            "pattern": {"shape": ["/" if bar.is_hatched else "" for bar in kept], "fillmode": "overlay",
                        "size": 6, "solidity": 0.4},
            "line": {"width": 0},
            "opacity": [0.9 if bar.is_hatched else 0.75 for bar in kept],
        },
        text=[bar.text for bar in kept],
        textposition="auto",
        insidetextanchor="start",
        constraintext="none",
        textangle=0,
        textfont={"size": 11},
        customdata=[bar.row for bar in kept],
        hovertext=[bar.hover for bar in kept],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        uirevision=f"{since}{until}",
        xaxis=base.time_axis(since, until),
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [safe_plotly(name, 30) for name in names],
            "range": [max(len(names), 2) - 0.5, -0.5],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
    )
    return figure
