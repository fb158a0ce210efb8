"""A first picture of any result: pick two columns and look."""

from __future__ import annotations

from typing import Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard.charts import base
from dashboard.hostile import safe_plotly
from stormwatch.export import plain_value, values_of

KINDS: Final = ("bar", "line", "points")


def measures(table: pa.Table) -> list[str]:
    """Columns that can be a height."""
    return [field.name for field in table.schema if _is_number(field.type)]


def axis_of(table: pa.Table) -> str:
    """The column to lay the others out along: the first of times, else the first that is no number."""
    fields = list(table.schema)
    times = [field.name for field in fields if _is_instant(field.type)]
    others = [field.name for field in fields if not _is_number(field.type)]
    name: str = [*times, *others, *table.column_names][0]
    return name


def _is_instant(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def picture(table: pa.Table, *, x: str, y: str, kind: str) -> go.Figure:
    """`y` against `x` for the first rows of a table, in their order.

    An instant that has no place on an axis, as infinity, is left out.
    """
    shown = table.slice(0, base.POINTS_AT_MOST)
    values = [None if value is None else float(value) for value in base.column(shown, y)]
    is_time = _is_instant(shown.schema.field(x).type)
    places = values_of(shown.column(x))
    if is_time:
        places = [None if isinstance(place, str) else place for place in places]
    elif not _is_number(shown.schema.field(x).type):
        places = [safe_plotly(plain_value(place), 28) for place in places]
    figure = go.Figure(layout=base.layout())
    if kind == "bar":
        figure.add_bar(x=places, y=values, marker={"color": base.BLUE})
    else:
        mode = "lines" if kind == "line" else "markers"
        figure.add_scatter(x=places, y=values, mode=mode, line={"color": base.BLUE, "width": 1.6})
    axis_kind = {"type": "category"} if places and isinstance(places[0], str) else {}
    figure.update_layout(
        uirevision=f"{x}{y}{kind}",
        xaxis={"title": {"text": safe_plotly(x), "font": {"size": 11}}, "showgrid": False, **axis_kind},
        yaxis=base.value_axis(safe_plotly(y), tickformat=base.number_format(values)),
    )
    return figure
