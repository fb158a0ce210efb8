"""Objects of unknown names that hold what is said of a message, told by the names of their fields.

An object of business data has an id, a kind and a time as well, but neither a partition nor a cause. Where
two fields are called as only those of messages are, or one is the id, the cause or the sequence that values
told, all names count in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from ingest.mapping import Kind
from ingest.matching import is_looked_into
from ingest.names import CAUSES, NAMES, PAYLOADS, STRONG, Path
from ingest.roles.decisions import Decision
from ingest.roles.samples import Sampled
from ingest.vocabulary import GENERIC, normalise, spellings_of

_FEWEST: Final = 3
"""Records that have such an object, at least."""
_CLEAR: Final = 2
"""Roles that fields of it are clearly called by, at least."""

_ONLY_OF_MESSAGES: Final = STRONG.difference(
    NAMES["stream_key"], NAMES["entity"], ("event_time", "event_timestamp", "occurred_at", "occurred_on")
) | {
    "topic", "queue", "topic_name", "queue_name", "routing_key", "partition", "partition_id", "partition_key",
    "message_key", "ordering_key", "stream_key", "offset", "stream_seq", "stream_sequence", "producer_epoch",
    "delivery_count", "delivery_attempt",
}  # fmt: skip
_CLEARLY: Final = frozenset(map(normalise, _ONLY_OF_MESSAGES))
_OF_EVENTS: Final = ("event_id", "sequence", *CAUSES)
"""What is in no object but those that are said of events, if values tell it."""
_UNTOLD: Final = frozenset({"message", "links"})
"""Roles that are not told so."""


@dataclass
class _Found:
    """A field of such objects."""

    records: int = 0
    beside: set[Path] = field(default_factory=set)
    """What tells that it is of a message."""


def find(records: Mapping[str, Sequence[Sampled]], decided: Sequence[Decision]) -> list[Decision]:
    """The fields in such objects, of roles that neither values nor names told."""
    told: dict[str, dict[str, Path]] = {}
    for one in decided:
        told.setdefault(one.scope, {})[one.role] = one.field
    return [
        decision
        for scope, sampled in sorted(records.items())
        for decision in _of_scope(scope, sampled, told.get(scope, {}))
    ]


def _of_scope(scope: str, sampled: Sequence[Sampled], told: Mapping[str, Path]) -> list[Decision]:
    found: dict[str, dict[Path, _Found]] = {}
    named: frozenset[str] = frozenset()
    ids = frozenset(told[role] for role in _OF_EVENTS if told.get(role))
    causes = frozenset(told[role] for role in CAUSES if role in told)
    for fields, count in Counter(record.fields for record in sampled).items():
        known, by_role = _roles_of(fields, ids, causes)
        named |= known.intersection(by_role)
        for role, (path, beside) in by_role.items():
            one = found.setdefault(role, {}).setdefault(path, _Found())
            one.records += count
            one.beside |= beside
    decisions = []
    for role, paths in sorted(found.items()):
        path, one = max(paths.items(), key=lambda item: (item[1].records, item[0]))
        others = {*told, *named}
        is_told = role in others or (role in CAUSES and not others.isdisjoint(CAUSES))
        is_fit = role != "occurred_at" or _are_times(path, sampled)
        if not is_told and is_fit and one.records >= _FEWEST:
            told_by = {"beside": sorted(map(list, one.beside - {path})), "records": one.records}
            share = round(one.records / len(sampled), 3)
            decisions.append(Decision(scope, role, path, share, told_by, is_override=True))
    return decisions


def _are_times(path: Path, sampled: Sequence[Sampled]) -> bool:
    return all(any(path == one for one, _ in record.times) for record in sampled if path in record.fields)


@lru_cache(maxsize=4096)
def _roles_of(
    fields: Kind, told: frozenset[Path], causes: frozenset[Path]
) -> tuple[frozenset[str], Mapping[str, tuple[Path, frozenset[Path]]]]:
    """Which roles names tell where they are looked at, and which field of such an object has which."""
    known = frozenset(GENERIC.roles(path for path in fields if is_looked_into(path)))
    within: dict[Path, list[Path]] = {}
    for path in sorted(fields):
        if (around := _unknown_above(path)) and all(normalise(key) not in PAYLOADS for key in around):
            within.setdefault(around, []).append(path[len(around) :])
    found: dict[str, tuple[Path, frozenset[Path]]] = {}
    for around, inner in within.items():
        roles = {role: paths[0] for role, paths in GENERIC.roles(filter(is_looked_into, inner)).items()}
        ids = told.intersection(around + path for path in inner)
        if ids and all(path in causes and _is_called_an_id(path[len(around) :]) for path in ids):
            continue  # it is the cause that it tells of
        clear = ids.union(around + path for path in roles.values() if _is_clear(path))
        if ids or len(clear) >= _CLEAR:
            for role in roles.keys() - _UNTOLD:
                found.setdefault(role, (around + roles[role], frozenset(clear)))
    return known, found


def _unknown_above(path: Path) -> Path:
    """The first object above a field that is not looked into, if there is one."""
    depths: Iterable[int] = range(1, len(path))
    return next((path[:depth] for depth in depths if not is_looked_into(path[: depth + 1])), ())


def _is_called_an_id(path: Path) -> bool:
    roles = GENERIC.roles([path])
    return "event_id" in roles and roles.keys().isdisjoint(CAUSES)


def _is_clear(path: Path) -> bool:
    return any(spelling.name in _CLEARLY for spelling in spellings_of(path))
