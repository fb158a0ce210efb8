"""Changes of fields and conflicting writes over time: a mark each, a line per type or kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting
from dashboard.charts import base
from dashboard.hostile import safe_plotly

_ROW_PX, _FRAME_PX = 26, 78
_LINES_AT_MOST: Final = 30
_SHAPES: Final = {
    "appeared": ("triangle-up", base.GREEN), "vanished": ("triangle-down", base.RED),
    "type_changed": ("diamond", base.ORANGE),
    "lost_update": ("x", base.RED), "stale_write": ("diamond", base.ORANGE), "skip": ("circle", base.BLUE),
}  # fmt: skip


def height(lines: int) -> int:
    """Pixels for so many lines."""
    return _FRAME_PX + max(min(lines, _LINES_AT_MOST), 2) * _ROW_PX


def field_changes(table: pa.Table, *, since: datetime, until: datetime) -> go.Figure:
    """A line per event type, a mark per field that appeared, vanished or changed its type."""
    return _marks(table, "changed_at", "event_type", "change", _describe_field, since, until)


def conflicts(table: pa.Table, *, since: datetime, until: datetime) -> go.Figure:
    """A line per service, a mark per write in conflict; rows of `entity_conflicts`."""
    return _marks(table, "occurred_at", "service", "kind", _describe_conflict, since, until)


def _describe_field(row: Mapping[str, Any]) -> str:
    types = " → ".join(row["value_types"] or [])
    return (
        f"<b>{safe_plotly(row['field'])}</b> {row['change'].replace('_', ' ')}<br>"
        f"{safe_plotly(row['event_type'] or '')} {safe_plotly(row['operation'] or '')}<br>"
        f"{formatting.precise(row['changed_at'])}<br>"
        f"{formatting.count(row['with_count'])} of {formatting.count(row['event_count'])} have it, {types}"
    )


def _describe_conflict(row: Mapping[str, Any]) -> str:
    return (
        f"<b>{row['kind'].replace('_', ' ')}</b> of {safe_plotly(row['entity'] or '')}<br>"
        f"{formatting.precise(row['occurred_at'])} {safe_plotly(row['event_type'] or '')}<br>"
        f"expected {formatting.count(row['expected_version'])}, "
        f"made {formatting.count(row['entity_version'])}, "
        f"newest before {formatting.count(row['newest_before'])}<br><i>click for the record</i>"
    )


def _marks(
    table: pa.Table, at: str, line: str, kind: str, describe: Any, since: datetime, until: datetime
) -> go.Figure:
    figure = go.Figure(layout=base.layout())
    rows = [
        (number, row) for number, row in enumerate(table.slice(0, base.POINTS_AT_MOST).to_pylist()) if row[at]
    ]
    names = sorted({row[line] or formatting.NONE for _, row in rows})[:_LINES_AT_MOST]
    at_line = {name: number for number, name in enumerate(names)}
    for below, (name, (symbol, colour)) in enumerate(_SHAPES.items()):
        of_kind = [
            (number, row)
            for number, row in rows
            if row[kind] == name and (row[line] or formatting.NONE) in at_line
        ]
        if not of_kind:
            continue
        figure.add_scatter(
            x=[row[at] for _, row in of_kind],
            y=[at_line[row[line] or formatting.NONE] for _, row in of_kind],
            mode="markers",
            zorder=-below,  # the rarer and more serious lies above
            name=name.replace("_", " "),
            marker={"symbol": symbol, "color": colour, "size": 10, "opacity": 0.8, "line": {"width": 0}},
            customdata=[number for number, _ in of_kind],
            hovertext=[describe(row) for _, row in of_kind],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.update_layout(
        uirevision=f"{since}{until}",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        xaxis=base.time_axis(since, until),
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [safe_plotly(name, 30) for name in names],
            "range": [max(len(names), 2) - 0.5, -0.5],
            "fixedrange": True,
            "zeroline": False,
        },
    )
    return figure
