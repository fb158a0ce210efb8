"""Where the events of a chain stand: a column per depth, a row per leaf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dashboard.charts.branches import Branch, walk

_LAST: Final = datetime.max  # noqa: DTZ901 - naive UTC throughout
NODES_AT_MOST: Final = 600
"""Nodes drawn; those nearest to the picked event come first."""


@dataclass(frozen=True)
class Layout:
    """Branches with a row each; the column is the depth."""

    nodes: tuple[Branch, ...]
    rows: Mapping[str, float]
    """Row of each node by event id; a cause stands in the middle of its effects."""
    left_out: int
    """Events that found no room in the picture."""

    @property
    def row_count(self) -> int:
        """Rows the picture needs."""
        return int(max(self.rows.values(), default=0)) + 1

    @property
    def depths(self) -> list[int]:
        """The columns there are."""
        return sorted({node.depth for node in self.nodes}) or [0]


def arrange(roots: Sequence[Branch]) -> Layout:
    """Lay out the nearest branches; those beyond are hidden below what they hang on."""
    everything = list(walk(roots))
    nearest = sorted(everything, key=lambda branch: (abs(branch.depth), branch.occurred_at or _LAST))
    kept = {branch.event_id for branch in nearest[:NODES_AT_MOST]}
    left_out = sum(branch.count for branch in everything if branch.event_id not in kept)
    for branch in everything:
        far = [effect for effect in branch.effects if effect.event_id not in kept]
        if far and branch.event_id in kept:
            branch.hidden += sum(effect.event_total for effect in far)
            branch.effects = [effect for effect in branch.effects if effect.event_id in kept]
    nodes: list[Branch] = []
    places: dict[str, float] = {}
    next_row = 0.0
    for root in _tops(everything, roots, kept):
        next_row = _place(root, next_row, nodes, places)
    return Layout(tuple(nodes), places, left_out)


def _tops(everything: Iterable[Branch], roots: Iterable[Branch], kept: set[str]) -> list[Branch]:
    """Kept branches that hang on nothing that is kept."""
    all_roots = {root.event_id for root in roots}
    return [
        branch
        for branch in everything
        if branch.event_id in kept and (branch.event_id in all_roots or branch.cause_id not in kept)
    ]


def _place(root: Branch, first_row: float, nodes: list[Branch], places: dict[str, float]) -> float:
    """Give rows to a branch and all below it; returns the next free row.

    Without recursion: a chain may be deeper than Python's stack.
    """
    row = first_row
    stack = [(root, False)]
    while stack:
        branch, is_done = stack.pop()
        if is_done:
            below = [places[effect.event_id] for effect in branch.effects]
            places[branch.event_id] = (below[0] + below[-1]) / 2
            continue
        nodes.append(branch)
        if not branch.effects:
            places[branch.event_id] = row
            row += 1
            continue
        stack.append((branch, True))
        stack.extend((effect, False) for effect in reversed(branch.effects))
    return row
