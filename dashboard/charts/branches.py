"""The events of a chain as branches of a tree: filtered, with what is alike folded, and collapsed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

FOLDS: Final = ("leaves", "types", "nothing")
"""What is folded into one: many alike without effects, all alike of one cause, nothing. In the address."""
FOLD_ABOVE: Final = 5
"""Siblings of one type without effects of their own that are drawn singly; more become one."""
_LAST: Final = datetime.max  # noqa: DTZ901 - naive UTC throughout
_SEARCHED: Final = ("event_id", "event_type", "service", "node", "stream")
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Choice:
    """What somebody wants to see of a chain."""

    fold: str = FOLDS[0]
    collapsed: tuple[str, ...] = ()
    """Ids of events whose effects are not drawn."""
    text: str = ""
    """Only events with this in a name or id, and what connects them."""
    types: tuple[str, ...] = ()
    """Only events of these types, and what connects them; none: of any."""

    @property
    def is_filtered(self) -> bool:
        """Whether some events are asked for."""
        return bool(self.text or self.types)


@dataclass(slots=True)
class Branch:
    """An event, or several alike, with what it caused."""

    event_id: str
    cause_id: str | None
    """The event it hangs on; None for a root."""
    depth: int
    event_type: str | None
    service: str | None
    node: str | None
    occurred_at: datetime | None
    is_ghost: bool
    is_asked: bool = True
    """False: it only connects events that are asked for."""
    count: int = 1
    """Events it stands for."""
    step_ms: float = 0.0
    """Time from its cause to it; of several the sum."""
    hidden: int = 0
    """Events below it that are not drawn."""
    effects: list[Branch] = field(default_factory=list)
    event_total: int = 0
    """Events that are asked for, itself and all below."""
    step_total_ms: float = 0.0
    """The same of `step_ms`."""

    @property
    def is_cause(self) -> bool:
        """Whether it is the picked event or a cause of it."""
        return self.depth <= 0


def asked(table: pa.Table, choice: Choice) -> pa.ChunkedArray | None:
    """Which rows of `causal_chain` are asked for; None: all."""
    found = None
    if choice.types:
        found = pc.is_in(table.column("event_type"), value_set=pa.array(choice.types))
    if choice.text:
        named = pa.chunked_array([pa.array([False] * table.num_rows)])
        for name in _SEARCHED:
            held = pc.match_substring(table.column(name), choice.text, ignore_case=True)
            named = pc.or_(named, pc.fill_null(held, False))
        found = named if found is None else pc.and_(found, named)
    return found


def grow(table: pa.Table, choice: Choice) -> list[Branch]:
    """The roots of the branches of `causal_chain`, causes first."""
    order = _linked(table, asked(table, choice))
    if choice.is_filtered:
        order = _connected(order)
    roots = [branch for branch in order if branch.cause_id is None]
    if choice.fold == "types":
        _fold_types(roots)
    elif choice.fold == "leaves":
        for branch in order:
            branch.effects = _with_leaves_folded(branch.effects)
    _add_up(roots)
    for branch in walk(roots):
        if branch.event_id in choice.collapsed:
            branch.hidden = sum(effect.event_total for effect in branch.effects)
            branch.effects = []
    return roots


def walk(roots: Iterable[Branch]) -> Iterator[Branch]:
    """All branches, each before its effects; without recursion, as a chain may be deeper than the stack."""
    stack = list(roots)[::-1]
    while stack:
        branch = stack.pop()
        yield branch
        stack.extend(reversed(branch.effects))


def _linked(table: pa.Table, wanted: pa.ChunkedArray | None) -> list[Branch]:
    """A branch per event, each behind its cause."""
    names = ("event_id", "cause_id", "depth", "event_type", "service", "node", "occurred_at", "is_ghost")
    columns: list[list[Any]] = [table.column(name).to_pylist() for name in names]
    flags = [True] * table.num_rows if wanted is None else pc.fill_null(wanted, False).to_pylist()
    order = [Branch(*values) for values in zip(*columns, flags, strict=True)]
    order.sort(key=_turn)
    known = {branch.event_id: branch for branch in order}
    for branch in order:
        cause = known.get(branch.cause_id or "")
        if cause is None or cause.depth >= branch.depth:
            branch.cause_id = None
            continue
        cause.effects.append(branch)
        if branch.occurred_at is not None and cause.occurred_at is not None:
            branch.step_ms = max((branch.occurred_at - cause.occurred_at) / _MILLISECOND, 0.0)
    return order


def _turn(branch: Branch) -> tuple[int, datetime]:
    return branch.depth, branch.occurred_at or _LAST


def _connected(order: list[Branch]) -> list[Branch]:
    """Those that are asked for, the picked one, and the causes that lead to them."""
    kept: set[str] = set()
    for branch in reversed(order):
        if branch.is_asked or branch.depth == 0 or any(effect.event_id in kept for effect in branch.effects):
            kept.add(branch.event_id)
        branch.effects = [effect for effect in branch.effects if effect.event_id in kept]
    return [branch for branch in order if branch.event_id in kept]


def _with_leaves_folded(effects: list[Branch]) -> list[Branch]:
    result, alike = [], defaultdict[tuple[object, ...], list[Branch]](list)
    for branch in effects:
        if branch.effects or branch.is_ghost or branch.is_cause:
            result.append(branch)
        else:
            alike[_likeness(branch)].append(branch)
    for group in alike.values():
        result += [_merged(group)] if len(group) > FOLD_ABOVE else group
    return sorted(result, key=lambda branch: branch.occurred_at or _LAST)


def _fold_types(roots: list[Branch]) -> None:
    """Make one of all effects of a cause that are alike, and one of these causes' effects in turn."""
    for branch in walk(roots):
        alike = defaultdict[tuple[object, ...], list[Branch]](list)
        for effect in branch.effects:
            alike[(effect.event_id,) if effect.is_cause else _likeness(effect)].append(effect)
        branch.effects = [_merged(group) for group in alike.values()]


def _likeness(branch: Branch) -> tuple[object, ...]:
    return branch.event_type, branch.service, branch.is_ghost, branch.is_asked


def _merged(group: list[Branch]) -> Branch:
    """The first of them, standing for all, with the effects of all."""
    first = group[0]
    if len(group) > 1:
        first.count = len(group)
        first.step_ms = sum(branch.step_ms for branch in group)
        below = [effect for branch in group for effect in branch.effects]
        first.effects = sorted(below, key=lambda branch: branch.occurred_at or _LAST)
        for effect in first.effects:
            effect.cause_id = first.event_id
    return first


def _add_up(roots: list[Branch]) -> None:
    for branch in reversed(list(walk(roots))):
        own = branch.count if branch.is_asked else 0
        branch.event_total = own + sum(effect.event_total for effect in branch.effects)
        branch.step_total_ms = branch.step_ms + sum(effect.step_total_ms for effect in branch.effects)
