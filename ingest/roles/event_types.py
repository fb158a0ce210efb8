"""Which field says what kind of event a record is, where none is called so: a few names, told many times.

Only fields are asked whose names may say it. In log lines `name` is the logger.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from ingest.mapping import Kind
from ingest.matching import is_looked_into
from ingest.names import Path
from ingest.roles.decisions import Decision
from ingest.roles.samples import Sampled
from ingest.vocabulary import GENERIC, normalise

_NAMES: Final = ("what", "evt", "ev", "fact", "happened", "occurrence", "msgname", "evtname", "name", "step")
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


def find(records: Mapping[str, Sequence[Sampled]], decided: Sequence[Decision]) -> list[Decision]:
    """The type of the events of every scope of which no record says one by name."""
    known = {one.scope for one in decided if one.role == "event_type"}
    taken = {(one.scope, one.field) for one in decided}
    found = (
        (scope, _best(sampled, {field for name, field in taken if name == scope}))
        for scope, sampled in sorted(records.items())
        if scope not in known
    )
    return [
        Decision(scope, "event_type", path, share, {"types": types, "records": count}, is_override=True)
        for scope, best in found
        if best is not None
        for path, types, count, share in [best]
    ]


def _best(sampled: Sequence[Sampled], taken: set[Path]) -> tuple[Path, int, int, float] | None:
    """Path, types, records and their share."""
    named = {role for kind in Counter(record.fields for record in sampled) for role in _named(kind)}
    if "event_type" in named:
        return None
    names = frozenset(_NAMES).difference(() if named.isdisjoint(_OF_LOG_LINES) else _OF_LOGGERS)
    values: dict[Path, Counter[str]] = {}
    for record in sampled:
        for path, label in record.labels:
            if path not in taken and normalise(path[-1]) in names and is_looked_into(path):
                values.setdefault(path, Counter())[label] += 1
    fitting = [
        (_NAMES.index(normalise(path[-1])), path, len(counts), counts.total())
        for path, counts in values.items()
        if counts.total() >= max(_FEWEST, _SHARE * len(sampled))
        and _TYPES <= len(counts) <= counts.total() / _TIMES
        and all(map(_WORD.fullmatch, counts))
    ]
    if not fitting:
        return None
    _, path, types, count = min(fitting)
    return path, types, count, round(count / len(sampled), 3)


def _named(kind: Kind) -> frozenset[str]:
    return frozenset(GENERIC.roles(path for path in kind if is_looked_into(path)))
