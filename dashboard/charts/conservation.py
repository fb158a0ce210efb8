"""Where every byte of the log files went."""

from __future__ import annotations

from typing import Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting
from dashboard.charts import base
from dashboard.hostile import safe_plotly

FILES_AT_MOST: Final = 16
PARTS: Final = (
    ("stored_bytes", "stored", base.GREEN),
    ("inherited_bytes", "read under another name", base.SKY),
    ("pruned_bytes", "pruned", base.VIOLET),
    ("blank_bytes", "blank", base.GREY),
    ("quarantined_bytes", "quarantined", base.RED),
    ("backlog_bytes", "not read yet", base.ORANGE),
)
_ROW_PX: Final = 22
_FRAME_PX: Final = 84


def height(files: int) -> int:
    """Pixels the chart needs."""
    return _FRAME_PX + _ROW_PX * max(min(files, FILES_AT_MOST), 2)


def by_file(table: pa.Table) -> go.Figure:
    """A bar per file, largest first, cut into its parts; rows of `ingest_health`."""
    files = sorted(table.to_pylist(), key=lambda row: -row["size_bytes"])[:FILES_AT_MOST]
    figure = go.Figure(layout=base.layout(barmode="stack"))
    names = [safe_plotly(row["path"], 36) for row in files]
    for column, name, colour in PARTS:
        sizes = [row[column] for row in files]
        if not any(sizes):
            continue
        figure.add_bar(
            x=sizes,
            y=list(range(len(files))),
            orientation="h",
            name=name,
            marker={"color": colour},
            hovertext=[
                f"{path}<br>{formatting.size(size)} {name}" for path, size in zip(names, sizes, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.update_layout(
        uirevision="conservation",
        bargap=0.35,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis=_size_axis(max((row["size_bytes"] for row in files), default=0)),
        yaxis={
            "tickvals": list(range(len(files))),
            "ticktext": names,
            "range": [max(len(files), 2) - 0.4, -0.6],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
    )
    return figure


def _size_axis(largest: float) -> dict[str, object]:
    """Ticks at round numbers of binary units, which Plotly does not know."""
    step = 1.0
    while largest / step > 6:  # noqa: PLR2004 - ticks on the axis
        step *= 2
    ticks = [step * number for number in range(int(largest / step) + 1)]
    return {
        "tickvals": ticks,
        "ticktext": [formatting.size(tick) if tick else "0" for tick in ticks],
        "fixedrange": True,
        "zeroline": False,
        "title": {"text": "bytes", "font": {"size": 11}, "standoff": 6},
    }
