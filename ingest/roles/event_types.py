"""Which field says what kind of event a record is, where none is called so: a few names, told many times.

Only fields are asked whose names may say it. In log lines `name` is the logger. What is called an event, and
only ever says what was done with one (`emitted`, `handled`), says no kind of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.matching import is_looked_into
from ingest.names import Path
from ingest.roles.decisions import Decision
from ingest.roles.labels import counted, roles_by_name
from ingest.roles.samples import Sampled
from ingest.vocabulary import GENERIC, normalise, operation_words

_NAMES: Final = ("what", "fact", "happened", "occurrence", "entry", "name", "step")
"""What a field may be called, best first."""
_OF_LOGGERS: Final = frozenset({"name"})
"""Those that are of a logger in a log line."""
_OF_LOG_LINES: Final = frozenset({"severity", "message"})
"""Roles that log lines have."""
_FEWEST: Final = 20
"""Records that have it, at least."""
_TYPES: Final = 2
"""Kinds of events, at least."""
_TIMES: Final = 4
"""Records of each kind of event on average, at least; names of people and things are told less often."""
_SHARE: Final = 0.9
"""Share of the records that have it."""
_WORD: Final = re.compile(r"[^\W\d_][\w.:/-]*")


@dataclass(frozen=True)
class _Told:
    """What a field holds that may say it."""

    path: Path
    types: int
    records: int
    share: float

    @property
    def is_told(self) -> bool:
        """Whether the values say so, and not only that they may."""
        return _TYPES <= self.types <= self.records / _TIMES

    @property
    def order(self) -> tuple[object, ...]:
        return (_NAMES.index(normalise(self.path[-1])), len(self.path), self.path)


def find(records: Mapping[str, Sequence[Sampled]], decided: Sequence[Decision]) -> list[Decision]:
    """The type of the events of every scope of which no record says one by name.

    A service may have one kind of events alone, in a field that others have several in.
    """
    known = {one.scope for one in decided if one.role == "event_type"}
    taken = {(one.scope, one.field) for one in decided}
    fitting = {
        scope: _fitting(sampled, {field for name, field in taken if name == scope})
        for scope, sampled in sorted(records.items())
        if scope not in known
    }
    best = {
        scope: min(told, key=lambda one: one.order)
        for scope, several in fitting.items()
        if (told := [one for one in several if one.is_told])
    }
    proven = {one.path for one in best.values()}
    for scope in fitting.keys() - best.keys():
        if alike := [one for one in fitting[scope] if one.path in proven]:
            best[scope] = min(alike, key=lambda one: one.order)
    return [
        Decision(scope, "event_type", one.path, one.share, _counted(one), is_override=True)
        for scope, one in sorted(best.items())
    ]


def _counted(told: _Told) -> Mapping[str, object]:
    return {"types": told.types, "records": told.records}


def _fitting(sampled: Sequence[Sampled], taken: set[Path]) -> list[_Told]:
    """The fields that may say it."""
    named = roles_by_name(sampled)
    called = frozenset(named.get("event_type", ()))
    if not _say_what_was_done(sampled, called):
        return []
    is_log_line = any(not called.issuperset(named.get(role, ())) for role in _OF_LOG_LINES)
    names = frozenset(_NAMES).difference(_OF_LOGGERS if is_log_line else ())
    values = counted(
        sampled, lambda path: path not in taken and normalise(path[-1]) in names and _may_say(path)
    )
    return [
        _Told(path, len(counts), counts.total(), round(counts.total() / len(sampled), 3))
        for path, counts in values.items()
        if counts.total() >= max(_FEWEST, _SHARE * len(sampled))
        and all(map(_WORD.fullmatch, counts))
        and not all(map(_is_done, counts))
    ]


def _say_what_was_done(sampled: Sequence[Sampled], paths: frozenset[Path]) -> bool:
    """Whether all that these fields hold are words for operations."""
    said = counted(sampled, paths.__contains__)
    held = Counter(path for record in sampled for path in paths & record.fields)
    return said.keys() == held.keys() and all(
        words.total() == held[path] and all(map(_is_done, words)) for path, words in said.items()
    )


def _is_done(label: str) -> bool:
    return label.lower() in operation_words()


def _may_say(path: Path) -> bool:
    """Whether names count there, and say nothing else: `service.name` is that of a service."""
    return is_looked_into(path) and GENERIC.roles([path]).keys() <= {"operation_hint"}
