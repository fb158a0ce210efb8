"""From the shape of a record to a plan: which path fills which column, and what stays in attributes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

import pyarrow as pa

from ingest import composed, leftover
from ingest.deadlock_errors import may_be_told
from ingest.formats.base import JsonFormat, Shape
from ingest.names import ABOUT, ABOVE, CAUSES, HEADERS, ONE_SPELLING, ZERO_ID, Path
from ingest.vocabulary import GENERIC

LOCK_ROLES: Final = ("lock_owner", "lock_resource", "lock_mode", "lock_blocked_by")
LIST_ROLES: Final = ("links", "lock_edges")
"""Lists: further causes of an event, and the wait-for edges of a deadlock."""
# Stored as a normalised word or in another table, so the original stays in attributes.
_KEPT: Final = frozenset({"operation", "lock_state", *LOCK_ROLES, *LIST_ROLES})
UNREMOVED: Final = _KEPT | {"operation_hint", ZERO_ID}
"""Roles whose fields stay in attributes, unless another role takes them."""
OUTER_FIRST: Final = frozenset({"occurred_at", "service", "node", "severity", "message"})
"""What a log line says of itself goes before what an event within says: who received it, and when."""
_ON_AN_ENVELOPE: Final = frozenset(
    {
        "event_id", "occurred_at", "service", "node", "event_type", "stream_key", "epoch", "sequence",
        "causation_id", "parent_id", "correlation_id", "schema_version", "entity", "entity_version",
        "expected_version", "attempt", "is_redelivered",
    }
)  # fmt: skip
"""Roles that a header fills by its name."""
_OF_ENTITIES: Final = frozenset({"stream", "stream_key"})
"""Roles that a field may fill which the entity is taken from."""
_FEW: Final = 4_096
MOST_ALIKE: Final = 8
"""Statements for records of one kind whose keys stand in other orders, as languages write that sort none."""
# Each pair fills one column; the first that has a value wins.
_ALTERNATIVES: Final = (("sequence", "broker_sequence"), CAUSES)


@dataclass(frozen=True)
class Use:
    """Which fields fill which roles in the records of one shape, for people to see."""

    format: str
    mapping_no: int
    fields: Mapping[str, Path]
    """Role -> field from the top of the record."""
    fixed: frozenset[str]
    """Roles whose field the format names itself."""


@dataclass(frozen=True)
class Plan:
    """How the records of one shape are read."""

    format: JsonFormat
    envelope: Path
    mapping_no: int
    paths: Mapping[str, tuple[Path, ...]]
    """Role -> paths from the top of the record, best first."""
    patch: str
    """JSON merge patch (RFC 7396) that removes from a record what the columns hold."""
    patch_keeping_time: str
    """The same without removing the time."""
    choices: frozenset[object]
    """Decisions that the names alone do not tell: plans that differ in one need different SQL."""
    left: leftover.Tree | None
    """What the columns do not hold, where that can be said by paths; else the patch tells."""
    left_with_time: leftover.Tree | None
    """The same and the time."""
    removed: frozenset[Path]
    removed_but_time: frozenset[Path]
    absent: frozenset[str]
    """Inputs of the format that no record of the shape has."""
    has_one_spelling: bool
    """Whether UUIDs are read as if they were all written alike."""
    may_be_told: bool
    """Whether its records may say that a database told of a deadlock."""
    in_any_order: bool = False
    """Whether it serves keys in any order; what is left is put together in that of each record."""

    @cached_property
    def for_any_order(self) -> Plan:
        """The same for any order of the keys; the patch alone does not look at their order anyway."""
        if self.left is None:
            return self
        return replace(self, left=None, left_with_time=None, in_any_order=True)

    @cached_property
    def use(self) -> Use:
        """What of it may be told outside of the process."""
        firsts = {role: paths[0] for role, paths in self.paths.items() if role != ZERO_ID}
        known = self.format.fields
        inside = {role: path[len(self.envelope) :] for role, path in firsts.items()}
        fixed = frozenset(role for role, path in inside.items() if path in known.get(role, ()))
        return Use(self.format.name, self.mapping_no, firsts, fixed)


@dataclass
class PlanGroup:
    """Plans that one statement serves: same format, same envelope, same mapping."""

    format: JsonFormat
    envelope: Path
    left: leftover.Union | None
    """None: what is left is found by the patch of each plan."""
    left_with_time: leftover.Union | None
    absent: frozenset[str]
    """Inputs of the format that none of its records has: not looked up, nor anything made of them."""
    has_one_spelling: bool
    in_own_order: frozenset[Path] | None
    """What is taken off each of its records where their keys stand in any order; None: as plans say."""
    may_be_told: bool = False
    """Whether some of its records may say that a database told of a deadlock."""
    roles: dict[str, set[Path]] = field(default_factory=dict)

    def take(self, plan: Plan) -> bool:
        """Serve a plan as well; False when the statement would not be right for it."""
        lefts = [
            (self.left, plan.left, plan.removed),
            (self.left_with_time, plan.left_with_time, plan.removed_but_time),
        ]
        if not leftover.add_all(
            (union, tree, gone) for union, tree, gone in lefts if union and tree is not None
        ):
            return False
        self.absent &= plan.absent
        self.may_be_told |= plan.may_be_told
        for role, paths in plan.paths.items():
            self.roles.setdefault(role, set()).update(paths)
        return True


_Members: TypeAlias = list[tuple[int, Plan]]
"""Plans with their shapes."""


def grouped(plans: Iterable[tuple[int, Plan]], records: int) -> list[tuple[PlanGroup, _Members]]:
    """As few groups as serve all plans, given with their shapes; a shape is in one group.

    Of few records a statement costs more than what it does to them.
    """
    groups: dict[object, list[tuple[PlanGroup, _Members]]] = {}
    by_plan: dict[int, _Members] = {}
    for shape, plan in plans:
        if id(plan) in by_plan:  # one for many orders of keys
            by_plan[id(plan)].append((shape, plan))
            continue
        for way in (plan, plan.for_any_order):
            lefts = (way.left, way.left_with_time if records > _FEW else None)
            key = (
                plan.format.name, plan.envelope, plan.mapping_no, plan.choices, plan.has_one_spelling,
                tuple(left is None for left in lefts), plan.removed if way.in_any_order else None,
            )  # fmt: skip
            alike = groups.setdefault(key, [])
            taker = next((members for group, members in alike if group.take(way)), None)
            if taker is None and (len(alike) < MOST_ALIKE or way is plan.for_any_order):
                taker = []
                alike.append((_group_of(way, lefts), taker))
            if taker is not None:
                taker.append((shape, plan))
                by_plan[id(plan)] = taker
                break
    return [entry for alike in groups.values() for entry in alike]


def _group_of(plan: Plan, lefts: Iterable[leftover.Tree | None]) -> PlanGroup:
    left, with_time = (None if one is None else leftover.Union() for one in lefts)
    in_own_order = plan.removed if plan.in_any_order else None
    group = PlanGroup(
        plan.format, plan.envelope, left, with_time, plan.absent, plan.has_one_spelling, in_own_order
    )
    group.take(plan)
    return group


def numbered(groups: Sequence[tuple[PlanGroup, _Members]]) -> pa.Table:
    """The table `plans` of a statement: each shape with the number of its group, and what is its own."""
    members = [(number, *member) for number, (_, group) in enumerate(groups) for member in group]
    columns = {
        "shape": pa.array([shape for _, shape, _ in members], pa.uint64()),
        "group_no": pa.array([number for number, *_ in members], pa.int32()),
        "patch": pa.array([plan.patch for *_, plan in members], pa.string()),
        "patch_keeping_time": pa.array([plan.patch_keeping_time for *_, plan in members], pa.string()),
        "may_be_told": pa.array([plan.may_be_told for *_, plan in members], pa.bool_()),
    }
    return pa.table(columns)


def make_plan(
    shape: Shape, fmt: JsonFormat, envelope: Path, told: Mapping[str, Path], mapping_no: int
) -> Plan:
    """The plan for a shape; what is `told` (role -> path) goes before everything, if the shape has the path.

    An empty path says that no field fills the role.
    """
    mapping = {
        role: path
        for role, path in told.items()
        if role != ONE_SPELLING and (not path or composed.is_there(path, shape.paths))
    }
    zero_id = mapping.pop(ZERO_ID, None)
    around = _around(shape)
    own = [path for path in shape.paths if path[0] not in around]
    inside = [path[len(envelope) :] for path in own if path[: len(envelope)] == envelope]
    inside = [path for path in inside if path]
    found: dict[str, tuple[Path, ...]] = {ZERO_ID: (zero_id,)} if zero_id else {}
    by_name = fmt.vocabulary.roles(inside) if fmt.by_name else {}
    outer = fmt.vocabulary.roles(own) if envelope else {}
    objects = {path[:depth] for path in shape.paths for depth in range(1, len(path))}
    unfit = objects.union(mapping.values())
    for role in {*fmt.fields, *by_name, *outer, *mapping}:
        if role in mapping:
            if mapping[role]:
                found[role] = (mapping[role],)
            continue
        is_named = role not in fmt.fields or role in fmt.named
        below = [path for path in fmt.fields.get(role, ()) if path in inside]
        if is_named:
            below += [path for path in by_name.get(role, []) if path not in below]
        paths = [envelope + path for path in below]
        if envelope and (is_named or role in OUTER_FIRST):
            outside = [path for path in outer.get(role, []) if path[: len(envelope)] != envelope]
            paths = outside + paths if role in OUTER_FIRST else paths + outside
        # What an event is about is often what orders it as well, as names that stand for both.
        fit = unfit - {mapping.get("entity", ())} if role in _OF_ENTITIES else unfit
        if paths := [path for path in paths if path not in fit]:
            found[role] = tuple(paths)
    for place in (HEADERS, ABOVE, ABOUT):
        for role in around.get(place, {}).keys() - mapping.keys():
            known, said = found.get(role, ()), around[place][role]
            found[role] = (*known, *said) if place == ABOUT else (*said, *known)
    if flows := found.get("correlation_id"):
        found["correlation_id"] = tuple(map(composed.flow_of, flows))
    choices: set[object] = set(mapping.items())
    named = {path for paths in (*by_name.values(), *outer.values()) for path in paths}
    choices |= objects.intersection(named)
    choices |= _settle(found, fmt, envelope)
    made = set(shape.paths.intersection((name,) for name in (*fmt.made, *around.keys() - {HEADERS})))
    removed = made if shape.repeats_keys else made | _removed(found)
    removed_but_time = removed - {found.get("occurred_at", ((),))[0]}
    plan = Plan(
        format=fmt,
        envelope=envelope,
        mapping_no=mapping_no,
        paths=found,
        patch=_merge_patch(_emptied(shape, removed)),
        patch_keeping_time=_merge_patch(_emptied(shape, removed_but_time)),
        choices=frozenset(choices),
        left=None,
        left_with_time=None,
        removed=frozenset(removed),
        removed_but_time=frozenset(removed_but_time),
        absent=_absent(fmt, envelope, shape),
        has_one_spelling=ONE_SPELLING in told,
        may_be_told=may_be_told(fmt, found, shape.paths),
    )
    return in_order(plan, shape)


def in_order(plan: Plan, shape: Shape) -> Plan:
    """The plan of a shape of the same keys for one in which they stand in another order."""
    left = leftover.leftover(shape.order, plan.removed)
    # The patch puts what it goes into behind the rest.
    is_flat = left is not None and all(len(path) == 1 for path in plan.removed)
    with_time = leftover.leftover(shape.order, plan.removed_but_time) if is_flat else None
    return replace(plan, left=left, left_with_time=with_time)


def _absent(fmt: JsonFormat, envelope: Path, shape: Shape) -> frozenset[str]:
    """The inputs that are not there: the keys beside them are known, and they are none of these."""
    looked_into = {path[:-1] for path in shape.paths}
    absent = set()
    for name, inner in fmt.inputs.items():
        path = envelope + inner
        steps = (path[:depth] for depth in range(len(path)))
        if any(above in looked_into and path[: len(above) + 1] not in shape.paths for above in steps):
            absent.add(name)
    return frozenset(absent)


def _around(shape: Shape) -> dict[str, dict[str, tuple[Path, ...]]]:
    """What was around a record that came out of an envelope: its key -> role -> paths."""
    if (ABOUT,) not in shape.paths:
        return {}
    named = {path[:1] for path in shape.paths if path[0] in (ABOUT, ABOVE, HEADERS)}
    inside = {key: [path for path in shape.paths if path[:1] == (key,) and path[1:]] for (key,) in named}
    around: dict[str, dict[str, tuple[Path, ...]]] = {
        key: {path[1]: (path,) for path in paths} for key, paths in inside.items()
    }
    if HEADERS in around:
        roles = GENERIC.roles(inside[HEADERS])
        around[HEADERS] = {role: tuple(roles[role]) for role in sorted(_ON_AN_ENVELOPE & roles.keys())}
    return around


def _settle(found: dict[str, tuple[Path, ...]], fmt: JsonFormat, envelope: Path) -> set[object]:
    """Drop the roles that others leave no room for; what was decided."""

    def is_within(path: Path) -> bool:
        if envelope:
            return path[: len(envelope)] == envelope
        return fmt.vocabulary.sort_key("service", path)[0] > 0

    decided: set[object] = {role for role in (ZERO_ID,) if role in found}
    if "operation" in found:
        found.pop("operation_hint", None)
    elif "operation_hint" in found:
        decided.add("asks the hints")
    if "lock_resource" not in found or not {"operation", "operation_hint"} & found.keys():
        found.pop("lock_state", None)
    # The source of an event is not who logs that it arrived.
    is_named = not all(is_within(path) for path in found.get("node", ()))
    if is_named and "service" in found and all(is_within(path) for path in found["service"]):
        del found["service"]
        decided.add("has a node only")
    return decided


def _emptied(shape: Shape, removed: set[Path]) -> set[Path]:
    """With the removed paths also the objects that nothing is left in."""
    every = set(removed)
    for parent in sorted({path[:-1] for path in removed if len(path) > 1}, key=len, reverse=True):
        inside = {path for path in shape.paths if path[:-1] == parent}
        if inside <= every:
            every.add(parent)
    return every


def _removed(found: Mapping[str, tuple[Path, ...]]) -> set[Path]:
    second = {late for early, late in _ALTERNATIVES if early in found}
    kept = {path for role in _KEPT for path in found.get(role, ())}
    firsts = {paths[0] for role, paths in found.items() if role not in UNREMOVED and role not in second}
    return {path for path in firsts - kept if not composed.is_composed(path)}


def _merge_patch(paths: Iterable[Path]) -> str:
    patch: dict[str, Any] = {}
    for path in sorted(paths):
        level = patch
        for key in path[:-1]:
            level = level.setdefault(key, {})
            if level is None:
                break
        if level is not None:
            level[path[-1]] = None
    return json.dumps(patch, ensure_ascii=False)
