"""From evidence to roles: which field is the id, the cause and the group of the records of a scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ingest.composed import is_part, parts
from ingest.mapping import Kind
from ingest.names import CAUSES, IDS, Path
from ingest.roles.evidence import Evidence, Pointer, Shared, Use
from ingest.vocabulary import GENERIC, normalise
from stormwatch.fields import in_words

_FEWEST: Final = 30
"""Values a pointer has at least: fewer may meet by accident."""
_HIT: Final = 0.5
"""Share of the causes that must be there; the others were lost, or are in other logs."""
_HIT_OF_ONE: Final = 0.15
"""Share that must be there under one and the same key."""
_CHAIN: Final = 0.02
_FEWEST_CHAINED: Final = 3
_SAME: Final = 0.5
"""A field that mostly equals the key of its own record is another name for it."""
_EVERYWHERE: Final = 0.9
"""Share of the records an id is in."""
_EQUAL: Final = 0.9
"""Share of the edges along which a group id stays the same."""
_SEVERAL: Final = 1.3
"""Records a group has on average, at least."""
_BEGUN: Final = 1.5
"""First events that have one value of what names a flow on average, at most: of others some are lost."""
_BEFORE: Final = 0.5
"""Share of the causes that are before their effects, by clocks that may differ a little."""
_CALLED_CAUSE: Final = frozenset({"correlation_id", "links", *CAUSES})
"""What a field may be called that is a cause."""
_SPANS: Final = frozenset({"spanid", "sp"})
"""What fields of log lines are called that some formats read as the cause where no other is named."""

NO_FIELD: Final[Path] = ()
"""Of a role that no field has, though some are called so."""
_Pointers = dict[str, dict[Path, list[Pointer]]]
"""Scope -> field -> what it leads to."""


@dataclass(frozen=True)
class Decision:
    """What a field of the records of a scope is."""

    scope: str
    role: str
    field: Path
    """NO_FIELD when none is it."""
    confidence: float
    """0 to 1."""
    evidence: Mapping[str, object]
    is_override: bool = False
    """The names alone would have said something else."""
    was_override: bool = False
    """Before, another field was taken for it, and the names would have said something else."""
    kind: Kind = frozenset()
    """The fields of the records it is about, where a file has several kinds of them."""

    @property
    def reasons(self) -> str:
        """The evidence in words: what was counted, and the fields it is about."""
        return in_words(self.evidence)


def decide(evidence: Evidence) -> list[Decision]:
    """What the values say; silent about what they do not tell."""
    uses = {(use.scope, use.field): use for use in evidence.uses}
    keys = {use.field for use in uses.values() if use.share >= _EVERYWHERE} - evidence.lists
    fields: _Pointers = {}
    for pointer in evidence.pointers():
        is_possible = pointer.key in keys and pointer.same < _SAME and not _is_wait(pointer)
        is_possible = is_possible and not _is_place(pointer, uses)
        if is_possible and _leads_back(pointer, uses):
            fields.setdefault(pointer.scope, {}).setdefault(pointer.field, []).append(pointer)
    chosen: dict[str, Pointer] = {}
    for scope, by_field in fields.items():
        causes = [_cause(pointers, uses, evidence) for pointers in by_field.values()]
        if found := [cause for cause in causes if cause is not None]:
            chosen[scope] = _best(found, uses)
    chosen |= _proven_elsewhere(chosen, fields, uses, evidence)
    decided: list[Decision] = []
    for scope, cause in sorted(chosen.items()):
        named = GENERIC.roles(use.field for use in uses.values() if use.scope == scope)
        told = _of_scope(cause, named, uses, evidence)
        if dropped := _dropped(cause, named, fields[scope], uses, evidence):
            # Its own name may be that of a parent.
            told[0] = replace(told[0], is_override=True)
        decided += [*told, *dropped]
    decided += _carried(decided, chosen, fields, uses, evidence)
    return decided + _called_alike(decided, uses)


def _called_alike(decided: Iterable[Decision], uses: Mapping[tuple[str, Path], Use]) -> list[Decision]:
    """What scopes that tell nothing of it, not even by names, have in a field that is one elsewhere.

    The first events of all flows may be in logs of their own: these have no causes, and share no flow.
    """
    known = {(one.scope, one.role) for one in decided}
    roles: dict[Path, set[str]] = {}
    for one in decided:
        roles.setdefault(one.field, set()).add(one.role)
    best: dict[tuple[str, str], Decision] = {}
    for one in sorted(decided, key=lambda one: (-one.confidence, one.scope)):
        if roles[one.field] != {one.role}:
            continue
        for scope in {scope for scope, field in uses if field == one.field}:
            named = GENERIC.roles(field for name, field in uses if name == scope)
            is_told = (scope, one.role) in known or named.get(one.role)
            if not is_told and (one.role != "event_id" or uses[scope, one.field].share >= _EVERYWHERE):
                told = {**one.evidence, "in": one.scope}
                alike = replace(one, scope=scope, evidence=told, is_override=True)
                best.setdefault((scope, one.role), alike)
    return [best[key] for key in sorted(best)]


def _proven_elsewhere(
    chosen: Mapping[str, Pointer], fields: _Pointers, uses: Mapping[tuple[str, Path], Use], evidence: Evidence
) -> dict[str, Pointer]:
    """The causes of scopes whose causes have none: what leads to a key as it does in another scope."""
    proven = {(cause.field, cause.key) for cause in chosen.values()}
    found = {}
    for scope in fields.keys() - chosen.keys():
        alike = [
            pointer
            for pointers in fields[scope].values()
            for pointer in pointers
            if (pointer.field, pointer.key) in proven
            and pointer.count >= _FEWEST
            and evidence.beyond_chance(pointer) >= _HIT
        ]
        if alike:
            found[scope] = _best(alike, uses)
    return found


def _dropped(
    cause: Pointer,
    named: Mapping[str, list[Path]],
    by_field: Mapping[Path, list[Pointer]],
    uses: Mapping[tuple[str, Path], Use],
    evidence: Evidence,
) -> list[Decision]:
    """That no field is the parent where those called so lead nowhere: it would be the cause of every root.

    So would be the span that a line was written in, where no log has the spans.
    """
    spans = [path for scope, path in uses if scope == cause.scope and normalise(path[-1]) in _SPANS]
    called = (*named.get("parent_id", []), *spans)
    others = [path for path in called if path not in (cause.field, cause.key)]
    records = min((uses[cause.scope, path].records for path in others), default=0)
    found = [sum(evidence.beyond_chance(pointer) for pointer in by_field.get(path, ())) for path in others]
    if records < _FEWEST or max(found) >= _HIT_OF_ONE:
        return []
    told = {
        "cause": list(cause.field),
        "called_parent": list(map(list, others)),
        "found": round(max(found), 3),
    }
    return [Decision(cause.scope, "parent_id", NO_FIELD, cause.hit, told, is_override=True)]


def _carried(
    decided: list[Decision],
    chosen: Mapping[str, Pointer],
    fields: _Pointers,
    uses: Mapping[tuple[str, Path], Use],
    evidence: Evidence,
) -> list[Decision]:
    """The ids of scopes that causes of other scopes are found in, which tell nothing themselves.

    Not those found by chance or by being near: counted-up ids of one scope are in every other.
    """
    known = {one.scope for one in decided if one.role == "event_id"}
    found: dict[str, tuple[int, Decision]] = {}
    for scope, cause in sorted(chosen.items()):
        for pointer in fields[scope][cause.field]:
            if evidence.beyond_chance(pointer) < _HIT_OF_ONE:
                continue
            for home, count in evidence.homes(pointer):
                use, own = uses[home, pointer.key], chosen.get(home)
                is_cause = own is not None and own.field == pointer.key
                if home in known or is_cause or count < _FEWEST or use.share < _EVERYWHERE:
                    continue
                named = GENERIC.roles(use.field for use in uses.values() if use.scope == home)
                told = {"pointed_at_by": list(cause.field), "in": scope, "values": count}
                is_override = named.get("event_id", [])[:1] != [pointer.key]
                told_id = Decision(home, "event_id", pointer.key, cause.hit, told, is_override)
                found[home] = max(found.get(home, (0, told_id)), (count, told_id), key=lambda one: one[0])
    return [decision for _, (_, decision) in sorted(found.items())]


def _is_wait(pointer: Pointer) -> bool:
    """Whether it says who waits for whose lock, which is as good a pointer and no cause."""
    return "lock_blocked_by" in GENERIC.roles([pointer.field]) and "lock_owner" in GENERIC.roles(
        [pointer.key]
    )


def _is_place(pointer: Pointer, uses: Mapping[tuple[str, Path], Use]) -> bool:
    """Whether it says in which stream the cause is, and events have ids of their own."""
    if "stream" not in GENERIC.roles([pointer.key]):
        return False
    named = GENERIC.roles(field for scope, field in uses if scope == pointer.scope)
    ids = [uses[pointer.scope, path] for path in named.get("event_id", [])[:1] if path != pointer.key]
    return any(use.share >= _EVERYWHERE and use.distinct * _SEVERAL > use.records for use in ids)


def _leads_back(pointer: Pointer, uses: Mapping[tuple[str, Path], Use]) -> bool:
    """Whether it leads from effects to causes: an id is found in the causes of others as well."""
    if pointer.before is not None:
        return pointer.before >= _BEFORE
    named = min(GENERIC.sort_key(role, pointer.key) for role in CAUSES)
    known = GENERIC.sort_key("event_id", pointer.key)
    return _tells_apart(pointer, uses) if named == known else named > known


def _tells_apart(pointer: Pointer, uses: Mapping[tuple[str, Path], Use]) -> bool:
    """Whether the key is more of an id than the field: first events have no cause, others one in common."""

    def sureness(path: Path, other: Path) -> tuple[int, int, int]:
        own = {scope: use for (scope, name), use in uses.items() if name == path}
        both = [use for scope, use in own.items() if (scope, other) in uses]
        records = sum(use.records for use in own.values())
        return sum(use.records for use in both), sum(use.distinct for use in both), records

    return sureness(pointer.key, pointer.field) >= sureness(pointer.field, pointer.key)


def _strength(pointer: Pointer, uses: Mapping[tuple[str, Path], Use]) -> float:
    """How far it leads, to what tells records apart."""
    keys = [use for (_, name), use in uses.items() if name == pointer.key]
    distinct = sum(use.distinct for use in keys) / max(1, sum(use.records for use in keys))
    return pointer.hit * pointer.chain * distinct


def _cause(
    pointers: list[Pointer], uses: Mapping[tuple[str, Path], Use], evidence: Evidence
) -> Pointer | None:
    """What a field points at most, if it is the pointer to a cause.

    Causes may be in logs of other services, which call their key otherwise: each is found there, so
    that what counts is what is found altogether. Numbers are found in a dense range of keys by
    chance: what counts is what is found beyond it or, where that is little, that they are near.
    """
    found = min(1.0, sum(pointer.hit for pointer in pointers))
    if found < _HIT:
        return None
    sure = [replace(pointer, hit=evidence.beyond_chance(pointer)) for pointer in pointers]
    best = max(sure, key=lambda pointer: (_strength(pointer, uses), pointer.hit))
    leads = _is_chain(best) or _is_answer(best, uses)
    if sum(pointer.hit for pointer in sure) >= _HIT and best.hit >= _HIT_OF_ONE and leads:
        return replace(best, hit=found)
    near = [pointer for pointer in pointers if _is_chain(pointer) and _is_near(pointer, evidence)]
    nearest = max(near, key=lambda pointer: _strength(pointer, uses), default=None)
    return nearest if nearest is not None and nearest.hit >= _HIT else None


def _is_chain(pointer: Pointer) -> bool:
    is_chained = pointer.chain >= _CHAIN and pointer.chain * pointer.count >= _FEWEST_CHAINED
    return is_chained and pointer.count >= _FEWEST


def _is_answer(pointer: Pointer, uses: Mapping[tuple[str, Path], Use]) -> bool:
    """Whether replies name their requests: what is called a correlation, but each in one record alone."""
    of_a_flow = "correlation_id" in GENERIC.roles([pointer.field])
    is_of_events = "event_id" in GENERIC.roles([pointer.key])
    use = uses[pointer.scope, pointer.field]
    return of_a_flow and is_of_events and pointer.count >= _FEWEST and not _groups(use)


def _is_near(pointer: Pointer, evidence: Evidence) -> bool:
    """Whether it stands near to its causes; a field that is called something else cannot show it."""
    called = set(GENERIC.roles([pointer.field]))
    is_called_cause = not called.isdisjoint(CAUSES)
    if called.difference(_CALLED_CAUSE) and not is_called_cause:
        return False
    return evidence.is_near(pointer, is_called_cause=is_called_cause)


def _best(pointers: Iterable[Pointer], uses: Mapping[tuple[str, Path], Use]) -> Pointer:
    """The one that is called a cause, or else the strongest: all of them fit. Of those that are alike the
    one that is made of most fields, as the others may fit by chance; whole fields go before parts.
    """

    def order(pointer: Pointer) -> tuple[object, ...]:
        by_name = min(GENERIC.sort_key(role, pointer.field) for role in CAUSES)
        strength, known = _strength(pointer, uses), GENERIC.sort_key("event_id", pointer.key)
        cut = is_part(pointer.field) + is_part(pointer.key)
        return (by_name[:2], -strength, -len(parts(pointer.key)), cut, by_name, known)

    return min(pointers, key=order)


def _of_scope(
    cause: Pointer,
    named: Mapping[str, list[Path]],
    uses: Mapping[tuple[str, Path], Use],
    evidence: Evidence,
) -> list[Decision]:
    def first(*roles: str) -> Path | None:
        return next((named[role][0] for role in roles if named.get(role)), None)

    told = {
        "values": cause.count,
        "found": round(cause.hit, 3),
        "chained": round(cause.chain, 3),
        "key": list(cause.key),
    }
    name = first("causation_id", "parent_id")
    decided = [Decision(cause.scope, "causation_id", cause.field, cause.hit, told, name != cause.field)]
    use = uses.get((cause.scope, cause.key))
    if use is not None and use.share >= _EVERYWHERE:
        name = first("event_id")
        told = {"pointed_at_by": list(cause.field), "found": round(cause.hit, 3)}
        decided.append(Decision(cause.scope, "event_id", cause.key, cause.hit, told, name != cause.key))
    of_keys = named.get("stream_key", [])
    taken = _taken(named)
    of_field = _together(uses)
    groups = [
        shared
        for shared in evidence.shared(cause)
        if shared.field not in (cause.field, cause.key)
        and shared.equal >= _EQUAL
        and shared.edges >= _FEWEST
        and _groups(of_field.get(shared.field))
        and shared.field not in taken
        and (shared.field not in of_keys[1:] or _names_flows(shared))
    ]
    if groups:
        # The one that is called so, or else the one that tells most flows apart.
        ranks = {one.field: GENERIC.sort_key("correlation_id", one.field)[:2] for one in groups}
        group = min(
            groups,
            key=lambda one: (ranks[one.field], not _names_flows(one), -one.distinct, one.field),
        )
        told = {"edges": group.edges, "equal": round(group.equal, 3)}
        name = first("correlation_id")
        decided.append(
            Decision(cause.scope, "correlation_id", group.field, group.equal, told, name != group.field)
        )
    return decided


def _taken(named: Mapping[str, list[Path]]) -> set[Path]:
    """What names no flow, as it is called something else, or the key: a customer stays the same as well."""
    free = {*IDS, "stream_key"}
    if "lock_resource" not in named:
        free.add("lock_owner")  # of what is no lock nobody is the owner
    taken = {path for role, paths in named.items() if role not in free for path in paths}
    taken.update(named.get("stream_key", [])[:1])
    return taken.difference(named.get("correlation_id", ()))


def _together(uses: Mapping[tuple[str, Path], Use]) -> dict[Path, Use]:
    """The uses of fields in all scopes: the logs of who comes last have few records of each flow."""
    found: dict[Path, Use] = {}
    for (_, field), use in uses.items():
        so_far = found.get(field, replace(use, records=0, distinct=0))
        found[field] = replace(
            use, records=use.records + so_far.records, distinct=use.distinct + so_far.distinct
        )
    return found


def _names_flows(shared: Shared) -> bool:
    return shared.begun is not None and shared.begun <= _BEGUN


def _groups(use: Use | None) -> bool:
    return use is not None and use.distinct > 1 and use.records / use.distinct >= _SEVERAL
