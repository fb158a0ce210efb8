"""A causal chain as a tree of lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from stormwatch.cli.output import cell

_ALIKE: Final = 3
"""So many effects without effects of their own, alike in type and service, are shown; the rest is counted."""


@dataclass
class _Event:
    row: dict[str, Any]
    effects: list[_Event] = field(default_factory=list)


def chain_tree(rows: Iterable[dict[str, Any]], asked: str, *, is_whole: bool) -> Tree:
    """The rows of `causal_chain` as one tree; causes above, effects below.

    An event hangs under its nearest cause. Further causes of an event, and causes in a circle,
    begin a branch of their own. Unless `is_whole`, of many alike only the first are shown.
    """
    events = {row["event_id"]: _Event(row) for row in rows}
    tops, cuts = [], _cuts(events)
    for event_id, event in events.items():
        cause = events.get(event.row["cause_id"])
        if cause is None or event_id in cuts:
            tops.append(event)
        else:
            cause.effects.append(event)
    tree = Tree(Text(f"chain of {cell(asked)}: {len(events)} events"), guide_style="dim")
    open_branches = [(tree, tops)]
    while open_branches:
        branch, found = open_branches.pop()
        shown = found if is_whole else list(_folded(found, branch))
        for event in shown:
            twig = branch.add(_label(event.row, asked))
            open_branches.append((twig, event.effects))
    return tree


def _cuts(events: dict[str, _Event]) -> set[str]:
    """One event of every circle of causes: where the circle is cut to become a branch."""
    cuts, seen = set(), dict[str, str]()
    for start in events:
        current: str = start
        while current in events and current not in seen:
            seen[current] = start
            current = events[current].row["cause_id"]
        if current in events and seen[current] == start:
            cuts.add(current)
    return cuts


def _folded(found: list[_Event], branch: Tree) -> Iterator[_Event]:
    """The events to show; for the others the branch gets a line that counts them."""
    alike: dict[tuple[str | None, str | None], list[_Event]] = defaultdict(list)
    for event in found:
        if event.effects:
            yield event
        else:
            alike[event.row["event_type"], event.row["service"]].append(event)
    for (event_type, service), leaves in alike.items():
        shown = leaves if len(leaves) <= _ALIKE + 1 else leaves[:_ALIKE]
        yield from shown
        if rest := len(leaves) - len(shown):
            branch.add(Text(f"... {rest} more {cell(event_type) or 'events'} {cell(service)}", "dim"))


def _label(row: dict[str, Any], asked: str) -> Text:
    is_asked = row["event_id"] == asked
    label = Text(cell(row["event_type"]) or "event", "bold" if is_asked else "")
    label.append(f"  {cell(row['event_id'])}", "cyan")
    if row["is_ghost"]:
        label.append("  named as a cause, not found", "yellow")
    for name in ("service", "stream", "occurred_at"):
        if row[name] is not None:
            label.append(f"  {cell(row[name])}", "dim")
    if is_asked:
        label.append("  <- asked for", "bold")
    return label
