"""Where the events of a chain stand: a column per depth, a row per leaf, repeats folded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

FOLD_ABOVE: Final = 5
"""Siblings of one type without effects of their own that are drawn singly; more become one."""
_LAST: Final = datetime.max  # noqa: DTZ901 - naive UTC throughout
NODES_AT_MOST: Final = 600
"""Nodes drawn; those nearest to the picked event come first."""


@dataclass(frozen=True)
class Node:
    """An event in the picture, or several alike."""

    event_id: str
    cause_id: str | None
    """The event it hangs on in the picture; None for the root."""
    depth: int
    event_type: str | None
    service: str | None
    occurred_at: datetime | None
    is_ghost: bool
    count: int = 1
    """Events it stands for."""


@dataclass(frozen=True)
class Layout:
    """Nodes with a row each; the column is the depth."""

    nodes: tuple[Node, ...]
    rows: Mapping[str, float]
    """Row of each node by event id; a cause stands in the middle of its effects."""
    left_out: int
    """Events that are not in the picture."""

    @property
    def row_count(self) -> int:
        """Rows the picture needs."""
        return int(max(self.rows.values(), default=0)) + 1


@dataclass
class _Branch:
    node: Node
    effects: list[_Branch] = field(default_factory=list)


def arrange(chain: Iterable[Mapping[str, Any]]) -> Layout:
    """Lay out the rows of `causal_chain`."""
    rows = sorted(chain, key=lambda row: (abs(row["depth"]), row["occurred_at"] or _LAST))
    kept = {row["event_id"]: _node(row) for row in rows[:NODES_AT_MOST]}
    branches = {event_id: _Branch(node) for event_id, node in kept.items()}
    roots = []
    for event_id, branch in branches.items():
        cause = branches.get(branch.node.cause_id or "")
        if cause is None or cause.node.depth >= branch.node.depth or cause.node.event_id == event_id:
            roots.append(branch)
        else:
            cause.effects.append(branch)
    for branch in branches.values():
        branch.effects = _folded(branch.effects)
    nodes: list[Node] = []
    places: dict[str, float] = {}
    next_row = 0.0
    for root in sorted(roots, key=lambda branch: branch.node.depth):
        next_row = _place(root, next_row, nodes, places)
    return Layout(tuple(nodes), places, left_out=max(len(rows) - NODES_AT_MOST, 0))


def _node(row: Mapping[str, Any]) -> Node:
    return Node(
        row["event_id"], row["cause_id"], row["depth"], row["event_type"],
        row["service"], row["occurred_at"], bool(row["is_ghost"]),
    )  # fmt: skip


def _folded(effects: list[_Branch]) -> list[_Branch]:
    alike: dict[tuple[str | None, str | None], list[_Branch]] = defaultdict(list)
    result = []
    for branch in effects:
        is_leaf = not branch.effects and not branch.node.is_ghost and branch.node.depth != 0
        if is_leaf:
            alike[(branch.node.event_type, branch.node.service)].append(branch)
        else:
            result.append(branch)
    for group in alike.values():
        if len(group) <= FOLD_ABOVE:
            result += group
            continue
        first = group[0].node
        result.append(
            _Branch(
                Node(
                    first.event_id, first.cause_id, first.depth, first.event_type,
                    first.service, first.occurred_at, first.is_ghost, count=len(group),
                )
            )
        )  # fmt: skip
    return sorted(result, key=lambda branch: branch.node.occurred_at or _LAST)


def _place(root: _Branch, first_row: float, nodes: list[Node], places: dict[str, float]) -> float:
    """Give rows to a branch and all below it; returns the next free row.

    Without recursion: a chain may be deeper than Python's stack.
    """
    row = first_row
    stack = [(root, False)]
    while stack:
        branch, is_done = stack.pop()
        if is_done:
            below = [places[effect.node.event_id] for effect in branch.effects]
            places[branch.node.event_id] = (below[0] + below[-1]) / 2
            continue
        nodes.append(branch.node)
        if not branch.effects:
            places[branch.node.event_id] = row
            row += 1
            continue
        stack.append((branch, True))
        stack.extend((effect, False) for effect in reversed(branch.effects))
    return row
