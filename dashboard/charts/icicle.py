"""The chain of an event as an icicle: below each event what it caused, the wider the more there is of it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import formatting
from dashboard.charts import base, branches, chain
from dashboard.charts.branches import Branch, Choice
from dashboard.hostile import safe_plotly

WIDTHS: Final = ("events", "time")
"""What the width of a cell means. In the address."""
CELLS_AT_MOST: Final = 1200
ROWS_AT_MOST: Final = 24
"""Rows below the picked event; what is deeper is a click away."""
_CAUSES_AT_MOST: Final = 6
"""Rows above it."""
_LEAST_SHARE: Final = 1 / 500
"""Of the width of the picture; narrower cells of one cause become one."""
_ROW_PX, _FRAME_PX = 28, 56
_GAP: Final = 0.06
_EDGE: Final = 0.0006
"""Share of the width between two cells."""
_FAINT: Final = 0.5
"""Of what only connects the events that are asked for."""
_INK: Final = "#10151c"
"""Of texts in cells: can be read on each of the colours, whatever the theme."""
_TEXT_PX: Final = 9
"""The smallest text; where it does not fit there is none."""


@dataclass(frozen=True)
class Cell:
    """A part of a row."""

    branch: Branch | None
    """None: several that are too narrow, or too many, to be drawn."""
    target: str
    """The event that a click picks."""
    row: int
    start: float
    width: float
    events: int
    """Events it stands for, all below included."""


def draw(table: pa.Table, *, event: str, choice: Choice, width: str) -> tuple[go.Figure, chain.Facts]:
    """Causes on top, at full width, then the picked event, then what it caused; rows of `causal_chain`.

    `customdata` of a cell is the id of the event that a click picks.
    """
    found = _Icicle(branches.grow(table, choice), event, width).cells()
    rows = max((cell.row for cell in found), default=0) + 1
    figure = go.Figure(layout=base.layout(barmode="overlay", dragmode="pan"))
    palette = chain.colours(base.column(table, "service"))
    for service, colour in palette.items():
        own = [cell for cell in found if cell.branch and (cell.branch.service or "") == service]
        if own:
            _add(figure, own, colour, safe_plotly(service or "unnamed service"))
    folded = [cell for cell in found if cell.branch is None]
    if folded:
        _add(figure, folded, base.GREY, "more, folded")
    figure.update_layout(
        uirevision=event,
        showlegend=len(palette) > 1,
        legend=chain.legend(),
        # Texts that would have to be smaller than this are left out, not squeezed.
        uniformtext={"minsize": _TEXT_PX, "mode": "hide"},
        xaxis={"visible": False, "fixedrange": True, "range": [0, 1]},
        yaxis={"visible": False, "fixedrange": True, "range": [rows - 0.5, -0.5]},
    )
    for cell in found:
        if cell.branch is not None and cell.branch.event_id == event:
            figure.add_shape(
                type="rect", x0=cell.start, x1=cell.start + cell.width, y0=cell.row - 0.5, y1=cell.row + 0.5,
                line={"color": base.RED, "width": 3},
            )  # fmt: skip
    hidden = sum(cell.events for cell in folded)
    return figure, {
        "height": _FRAME_PX + rows * _ROW_PX,
        "min_width": 0,
        "folded": hidden,
        "cells": len(found),
    }


def _add(figure: go.Figure, cells: Sequence[Cell], colour: str, name: str) -> None:
    figure.add_bar(
        orientation="h",
        base=[cell.start for cell in cells],
        x=[max(cell.width - _EDGE, cell.width / 2) for cell in cells],
        y=[cell.row for cell in cells],
        width=1 - _GAP,
        marker={
            "color": colour,
            "opacity": [1 if cell.branch is None or cell.branch.is_asked else _FAINT for cell in cells],
            "pattern": {"shape": ["/" if cell.branch is None else "" for cell in cells],
                        "fillmode": "overlay", "size": 6, "solidity": 0.3},
            "line": {"width": 0},
        },
        text=[_text(cell) for cell in cells],
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        textfont={"size": 11, "color": _INK},
        customdata=[cell.target for cell in cells],
        hovertext=[_hover(cell) for cell in cells],
        hovertemplate="%{hovertext}<extra></extra>",
        name=name,
    )  # fmt: skip


def _text(cell: Cell) -> str:
    return f"+{formatting.count(cell.events)} more" if cell.branch is None else chain.name_of(cell.branch, 34)


def _hover(cell: Cell) -> str:
    if cell.branch is None:
        return f"{formatting.plural(cell.events, 'event')} more<br><i>click to see more of them</i>"
    below = cell.branch.event_total - (cell.branch.count if cell.branch.is_asked else 0)
    spent = formatting.milliseconds(cell.branch.step_total_ms)
    return (
        f"{chain.hover(cell.branch)}<br>caused {formatting.plural(below, 'event')}, directly or not"
        f"<br>{spent} from causes to effects, added up"
    )


class _Icicle:
    """Cells of a chain: the widest are cut into their effects first, as long as there is room for more."""

    def __init__(self, roots: Iterable[Branch], event: str, width: str) -> None:
        self._by_time = width == "time"
        self._everything = {branch.event_id: branch for branch in branches.walk(roots)}
        self._picked = self._everything.get(event)
        self._found: list[Cell] = []

    def cells(self) -> list[Cell]:
        """All of them; none where nothing has a width."""
        if self._picked is None or not self._weight(self._picked):
            return []
        top = self._add_causes(self._picked)
        first = Cell(self._picked, self._picked.event_id, top, 0.0, 1.0, self._picked.event_total)
        self._found.append(first)
        waiting = [(-first.width, 0, first)]
        numbers = count(1)
        while waiting:
            _, _, cell = heapq.heappop(waiting)
            for effect in self._cut(cell, is_full=cell.row - top >= ROWS_AT_MOST):
                self._found.append(effect)
                if effect.branch is not None and effect.branch.effects:
                    heapq.heappush(waiting, (-effect.width, next(numbers), effect))
        return self._found

    def _weight(self, branch: Branch) -> float:
        return branch.step_total_ms if self._by_time else branch.event_total

    def _add_causes(self, picked: Branch) -> int:
        """The causes of the picked event at full width; returns its row."""
        causes: list[Branch] = []
        above = self._everything.get(picked.cause_id or "")
        while above is not None:
            causes.append(above)
            above = self._everything.get(above.cause_id or "")
        causes.reverse()
        if len(causes) > _CAUSES_AT_MOST:
            between = causes[1 : len(causes) - _CAUSES_AT_MOST + 2]
            self._found.append(Cell(None, between[-1].event_id, 1, 0.0, 1.0, len(between)))
            causes = [causes[0], *causes[len(between) + 1 :]]
            rows = [0, *range(2, len(causes) + 1)]
        else:
            rows = list(range(len(causes)))
        self._found += [
            Cell(cause, cause.event_id, row, 0.0, 1.0, cause.event_total)
            for row, cause in zip(rows, causes, strict=True)
        ]
        return rows[-1] + 1 if rows else 0

    def _cut(self, cell: Cell, *, is_full: bool) -> list[Cell]:
        """The cells below a cell, the widest first; those that are too narrow become one."""
        branch = cell.branch
        if branch is None or not branch.effects:
            return []
        scale = cell.width / self._weight(branch) if self._weight(branch) else 0.0
        effects = sorted(branch.effects, key=self._weight, reverse=True)
        room = 0 if is_full else max(CELLS_AT_MOST - len(self._found) - 1, 0)
        wide = [effect for effect in effects if self._weight(effect) * scale >= _LEAST_SHARE][:room]
        start, found = cell.start, list[Cell]()
        for effect in wide:
            width = self._weight(effect) * scale
            found.append(Cell(effect, effect.event_id, cell.row + 1, start, width, effect.event_total))
            start += width
        rest = effects[len(wide) :]
        if rest:
            width = sum(self._weight(effect) for effect in rest) * scale
            events = sum(effect.event_total for effect in rest)
            target = rest[0].event_id if branch is self._picked else branch.event_id
            found.append(Cell(None, target, cell.row + 1, start, width, events))
        return found
